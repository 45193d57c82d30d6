"""Our SAML keys, followed while the provider runs: what an administrator does to them counts without a restart."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from idp.domain.errors import ConfigurationError
from idp.saml.keys import ensure_keys, old_keys
from idp.saml.service_provider import ServiceProvider

logger = logging.getLogger(__name__)


class KeyWatch:
    """Gives the keys of this folder to our service provider whenever they have changed.

    Made before the provider reads them, so that no change falls between. What cannot be used changes nothing.
    """

    def __init__(self, directory: Path, entity_id: str, clock: Callable[[], datetime]) -> None:
        self._directory, self._entity_id, self._clock = directory, entity_id, clock
        self._stamp = self._stamped()

    def look(self, service_provider: ServiceProvider) -> None:
        """Cheap as long as nothing has changed. Raises nothing: the log tells, and the next look tries again."""
        stamp = self._stamped()
        if stamp == self._stamp:
            return
        try:
            keys = ensure_keys(self._directory, self._entity_id, now=self._clock())
            service_provider.use_keys(keys, old_keys(self._directory))
        except Exception as error:  # noqa: BLE001 -- the libraries' words for a bad key file are many
            problem = str(error) if isinstance(error, ConfigurationError) else type(error).__name__
            logger.error("saml.keys_kept", extra={"fields": {"problem": problem}})
            return
        self._stamp = stamp
        logger.info("saml.keys_loaded", extra={"fields": {"published": [key.parent.name for key, _ in keys]}})

    def _stamped(self) -> frozenset[tuple[str, int, int]]:
        # Of a pair that may not be looked into, its folder still tells; where the folder of all pairs may not be looked
        # into, nothing is seen.
        found = set[tuple[str, int, int]]()
        with suppress(OSError):
            for path in (*self._directory.glob("saml-*"), *self._directory.glob("saml-*/*")):
                with suppress(OSError):
                    status = path.stat()
                    found.add((str(path), status.st_mtime_ns, status.st_size))
        return frozenset(found)
