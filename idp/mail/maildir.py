"""A Maildir folder into which the mail server of this machine puts what comes back to us."""

from pathlib import Path

from idp.domain.errors import ServiceUnavailable
from idp.mail.bounces import MOST_BYTES


class Maildir:
    """Mails are taken from ``new`` one by one; read ones go to ``cur``, where the administrator clears them away."""

    def __init__(self, folder: Path) -> None:
        self._new = folder / "new"
        self._read = folder / "cur"

    def next(self) -> tuple[str, bytes] | None:
        """Name and content of a mail that nobody read yet; ServiceUnavailable where the folder cannot be read."""
        try:
            for file in sorted(self._new.iterdir()):
                if file.is_file():
                    with file.open("rb") as stream:
                        return file.name, stream.read(MOST_BYTES + 1)
        except FileNotFoundError:
            # Another process was faster, or the folder is made with the first mail.
            return None
        except OSError as problem:
            raise ServiceUnavailable("bounces", f"{self._new}: {problem.strerror}") from problem
        return None

    def done(self, name: str) -> None:
        """Put a mail away; fine where another process has."""
        try:
            (self._new / name).rename(self._read / f"{name.partition(':')[0]}:2,S")
        except FileNotFoundError:
            if (self._new / name).exists():
                raise ServiceUnavailable("bounces", f"{self._read}: missing") from None
        except OSError as problem:
            raise ServiceUnavailable("bounces", f"{self._read}: {problem.strerror}") from problem
