"""Gunicorn's own lines in the form of ours, without what it quotes of a request that it could not read or finish."""

from typing import Any, ClassVar

from gunicorn.glogging import Logger

from idp import log


class GunicornLog(Logger):  # type: ignore[misc]
    """style: ``json`` or ``console``."""

    style: ClassVar[str] = "json"

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(log.formatter(self.style))

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """A line or header that is no HTTP may hold a mailed link or a token."""
        is_quotation = str(msg).startswith("Invalid request from")
        super().warning("request.unreadable" if is_quotation else msg, *args, **kwargs)

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """So may the address of a request that ended outside of the application."""
        is_quotation = str(msg).startswith("Error handling request")
        super().exception("request.broken" if is_quotation else msg, *(() if is_quotation else args), **kwargs)
