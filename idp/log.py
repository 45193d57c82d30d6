"""Log lines: an event name plus fields, as JSON for machines or as text for a terminal."""

import json
import logging
import sys
from datetime import UTC, datetime

from idp.domain.references import known_reference

# Libraries that write tokens, assertions or whole requests into their debug lines: they have nothing to say here.
TALKATIVE = ("pyop", "oic", "jwkest", "saml2", "pymongo", "mail", "flask_mail", "urllib3", "werkzeug", "xmlsec")

_JSON = json.JSONEncoder(ensure_ascii=False, default=str)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``at``, ``level``, ``event``, the logger, and the event's fields."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            **_fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _JSON.encode(line)


class ConsoleFormatter(logging.Formatter):
    """``12:34:56 info event key=value …``"""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        fields = " ".join(f"{key}={value!r}" for key, value in _fields(record).items())
        text = f"{at} {record.levelname.lower():7} {record.getMessage()} {fields}".rstrip()
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """The event's fields, and the reference of what was being done where it says none itself."""
    fields: dict[str, object] = getattr(record, "fields", {})
    reference = known_reference()
    return {"reference": reference} | fields if reference else fields


def formatter(style: str) -> logging.Formatter:
    """style: ``json`` or ``console``."""
    return JsonFormatter() if style == "json" else ConsoleFormatter()


def configure(level: str, style: str) -> None:
    """Send every line of ours to standard error; let the talkative libraries say only what went wrong."""
    # Lines name events, not the place in the code or the thread: none is looked for (« Optimization » in the library's
    # documentation). The process is: gunicorn's own lines have its number where it runs without our gunicorn.conf.py.
    logging._srcfile = None
    logging.logThreads = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(style))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
