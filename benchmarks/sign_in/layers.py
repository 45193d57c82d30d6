"""Which layer spends the CPU: a sampler that asks at every tick of the process's CPU clock where the thread is.

Between two samples the thread's own CPU time is what counts, not the clock: waiting for the database or for a mail
server costs nothing, and a long call into C (bcrypt, a signature) counts whole, for whoever made it.
"""

import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final, TypeVar

from flask import Flask

import idp
from idp.domain.passwords import HASHING_THREADS

_INTERVAL_SECONDS: Final = 0.001
HASHING, SIGNATURES = "hashing (bcrypt)", "signatures, encryption"
_OURS: Final = str(Path(idp.__file__).parent)
# The innermost call that is one of these says whose time it is; the standard library's is whoever called it.
_PLACES: Final = (
    (f"{_OURS}/domain/new_passwords.py", "judging a new password"),
    ("/zxcvbn/", "judging a new password"),
    (f"{_OURS}/saml/xml_signature.py", SIGNATURES),
    (f"{_OURS}/saml/xml_encryption.py", SIGNATURES),
    (f"{_OURS}/openid/signing.py", SIGNATURES),
    ("/joserfc/", SIGNATURES),
    ("/cryptography/", SIGNATURES),
    ("/pymongo/", "MongoDB driver"),
    ("/bson/", "MongoDB driver"),
    (f"{_OURS}/storage/", "storage"),
    (f"{_OURS}/saml/", "SAML"),
    ("/saml2/", "SAML"),
    ("/xmlschema/", "SAML"),
    ("/elementpath/", "SAML"),
    (f"{_OURS}/openid/", "OpenID Connect"),
    ("/oic/", "OpenID Connect"),
    ("/pyop/", "OpenID Connect"),
    (f"{_OURS}/mail/", "mails"),
    ("/jinja2/", "templates"),
    ("/templates/", "templates"),
    ("/flask_babel/", "templates"),
    ("/babel/", "templates"),
    ("/flask/", "Flask and Werkzeug"),
    ("/werkzeug/", "Flask and Werkzeug"),
    (f"{_OURS}/web/", "pages"),
    (f"{_OURS}/flows/", "flows and rules"),
    (f"{_OURS}/domain/", "flows and rules"),
    (f"{_OURS}/", "metrics, log, rest"),
    ("/prometheus_client/", "metrics, log, rest"),
)
Done = TypeVar("Done")
REST = "metrics, log, rest"


@dataclass
class Sampler:
    """Counts while ``is_on``. seconds: of CPU, by layer."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    _is_on: bool = False
    _since: float = 0.0
    _open: float = 0.0
    _known: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> "Sampler":
        signal.signal(signal.SIGPROF, lambda _, frame: self._sample(frame))
        signal.setitimer(signal.ITIMER_PROF, _INTERVAL_SECONDS, _INTERVAL_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_IGN)
        self.seconds[REST] += self._open  # of the answers after the last tick
        self._open = 0.0

    def watched(self, app: Flask) -> Flask:
        """The application, sampled while it answers."""
        inner = app.wsgi_app

        def answer(environ: dict[str, object], start_response: object) -> Iterable[bytes]:
            return self.during(lambda: list(inner(environ, start_response)))  # type: ignore[arg-type]

        app.wsgi_app = answer  # type: ignore[method-assign]
        return app

    def during(self, work: Callable[[], Done]) -> Done:
        """Do this, sampled."""
        hashed = _hashing_threads()
        self._since, self._is_on = time.thread_time(), True
        try:
            return work()
        finally:
            self._is_on = False
            # Most answers are over before the next tick: what they took goes to whoever is met then, in the long run
            # to each layer as much as it spent.
            self._open += time.thread_time() - self._since
            self.seconds[HASHING] += _hashing_threads() - hashed

    def _sample(self, frame: FrameType | None) -> None:
        if self._is_on:
            now = time.thread_time()
            self.seconds[self._layer(frame)] += now - self._since + self._open
            self._open = 0.0
            # Begun again after our own work, which is nobody's.
            self._since = time.thread_time()

    def _layer(self, frame: FrameType | None) -> str:
        while frame is not None:
            name = frame.f_code.co_filename
            layer = self._known.get(name)
            if layer is None:
                layer = self._known[name] = next((layer for part, layer in _PLACES if part in name), "")
            if layer:
                return layer
            frame = frame.f_back
        return REST


def _hashing_threads() -> float:
    """Seconds of CPU of the threads that hash (``domain.passwords``): nobody samples them."""
    clocks = [
        time.pthread_getcpuclockid(thread.ident)
        for thread in threading.enumerate()
        if thread.ident and thread.name.startswith(HASHING_THREADS)
    ]
    return sum(time.clock_gettime(clock) for clock in clocks)
