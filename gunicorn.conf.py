"""Gunicorn's settings, taken from ours; read by ``gunicorn wsgi:app`` when it starts in this folder."""

import gc
import os
import sys
from importlib import import_module
from typing import Any

from idp import descriptors, settings
from idp.domain.errors import ConfigurationError
from idp.domain.passwords import HashingBounds
from idp.loading import loading
from idp.metrics import worker_folder
from idp.openid.clients import read_clients
from idp.openid.keys import KeyStore, made_algorithms
from idp.web.buffering_worker import BufferingThreadWorker
from idp.web.gunicorn_log import GunicornLog
from idp.web.password_lines import PasswordLines


def _load_settings() -> settings.Settings:
    """Read them; at a reload (SIGHUP) that finds a fault the server goes on with those that it has."""
    try:
        found = settings.load(os.environ)
    except ConfigurationError as error:
        # One line a fault, no traceback: the reader is an administrator.
        faults = "\n".join(error.faults)
        running = settings.held()
        if running is None:
            sys.exit(faults)
        sys.stderr.write(f"{faults}\n")
        return running
    settings.hold(found)
    return found


_settings = _load_settings()

bind = _settings.web.bind
workers = _settings.web.workers
worker_class = BufferingThreadWorker
BufferingThreadWorker.max_body = _settings.web.max_body_bytes
threads = _settings.web.threads
BufferingThreadWorker.lines = PasswordLines(HashingBounds.of_worker(workers=workers, threads=threads))
# Headers and body of a request must arrive within this time; bcrypt takes a fraction of a second of it.
timeout = 30
graceful_timeout = 15
keepalive = 5
worker_connections = descriptors.make_room(for_connections=1000)
# Nobody steers the server by a socket in a home folder, which our users do not have.
control_socket_disable = True
limit_request_line = 8190
# No header of a request decides what its path is, or whether it came by https: our issuer says the one, the proxy's
# ``X-Forwarded-For`` is all that is taken from it (``web.trusted_proxies``).
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
# ``request.answered`` tells more, without handles and addresses (docs/observability.md).
accesslog = None
# Nor may its complaints quote what it could not read.
logger_class = GunicornLog
GunicornLog.style = _settings.log.format
loglevel = "warning"

# All workers count together, in a folder that each of them looks for when it starts.
_counted = _settings.var_dir / "metrics"


def on_starting(server: Any) -> None:
    """Begin at zero, with files that can be used: what is wrong with them is told once, before there are workers."""
    try:
        _read_files()
    except ConfigurationError as error:
        sys.exit("\n".join(error.faults))
    try:
        if _settings.metrics.enabled:
            worker_folder.make(_counted)
    except OSError as problem:
        folder = str(_settings.var_dir)
        sys.exit(f"var_dir = {folder!r}: cannot be written: {problem.strerror}; accepted: a folder (IDP_VAR_DIR)")
    _load()


def _load() -> None:
    """Load the program once: workers share it, and start in a moment; what is installed meanwhile reaches none of them.

    Not the application, which opens connections; not before the folder is there, for which prometheus_client looks when
    it is loaded.
    """
    with loading():
        import_module("idp.app")
    # A collection in a worker would write to all of it, and each worker had a copy of its own.
    gc.freeze()


def _read_files() -> None:
    keys = KeyStore(_settings.keys.dir, algorithms=made_algorithms(eddsa=_settings.keys.eddsa))
    read_clients(_settings.clients.file, keys.algorithms, implicit=_settings.openid.implicit)


def pre_fork(server: Any, worker: Any) -> None:
    """Whoever cleared the data folder meanwhile must not keep a worker from starting."""
    if _settings.metrics.enabled:
        worker_folder.ensure(_counted)


def on_exit(server: Any) -> None:
    """Leave nothing behind."""
    worker_folder.forget()
