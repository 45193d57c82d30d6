"""The provider as the demo runs it: gunicorn in a child process, told everything through its environment."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import requests

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 120
STOP_SECONDS = 25


class ProviderFailed(Exception):
    """The provider ended by itself or never became ready; the text is one line for the person at the terminal."""


class ProviderProcess:
    """Runs ``gunicorn wsgi:app`` from the project's root; everything that it prints goes to the log file."""

    def __init__(self, url: str, environment: Mapping[str, str], log_file: Path) -> None:
        self._url = url
        self._environment = {**os.environ, **environment}
        self._log_file = log_file
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the child in a session of its own, so that Ctrl-C reaches it through ``stop`` alone."""
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "wsgi:app"],
                cwd=PROJECT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self, pause: Callable[[float], bool]) -> bool:
        """True once ``/readyz`` says yes, False when ``pause(seconds)`` says that nobody waits any more."""
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            self.check()
            if time.monotonic() > deadline:
                raise ProviderFailed(f"Le fournisseur n'est pas prêt après {START_SECONDS} s : {self._hint()}")
            if pause(0.2):
                return False
        return True

    def check(self) -> None:
        """Raises when the child is no longer there."""
        if self._process is not None and self._process.poll() is not None:
            code = self._process.returncode
            raise ProviderFailed(f"Le fournisseur s'est arrêté (code {code}) : {self._hint()}")

    def stop(self) -> None:
        """Asks the child to stop, and ends its whole session when it does not within the time."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self._url}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def _hint(self) -> str:
        """Where to look, and the last line of neither gunicorn nor the log: most often the reason."""
        lines = self._log_file.read_text(errors="replace").splitlines()
        telling = [line.strip() for line in lines if line.strip() and not line.startswith(("[", "{"))]
        return f"voir {self._log_file}" + (f" ; dernière ligne : {telling[-1][:300]}" if telling else "")
