"""The federation's signed aggregate: the metadata of every demo university in one file, as RENATER publishes them."""

import shutil
import threading
import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lxml import etree
from saml2.s_utils import sid

from idp.demo import xml_security
from idp.demo.identity_provider import IdentityProvider
from idp.demo.keys import key_pair
from idp.demo.people import UNIVERSITIES, University
from idp.demo.xml_security import Element

METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
VALIDITY = timedelta(days=7)
REFRESH_SECONDS = 24 * 3600
FILE_NAME = "demo.xml"
KEY_NAME = "demo.pem"

OVERRIDES = "overrides.toml"
_TRUST = """
# The universities of `make demo`: the only key whose signature on demo.xml is trusted.
[files."demo.xml"]
signing_keys = ["keys/demo.pem"]
"""


def write_aggregate(
    folder: Path,
    base_url: str,
    keys_folder: Path,
    universities: Iterable[University] = UNIVERSITIES,
    *,
    now: datetime | None = None,
) -> None:
    """Writes ``demo.xml`` and ``keys/demo.pem`` into the folder, and the trust between them into ``overrides.toml``.

    Each file is replaced atomically; what an administrator wrote into ``overrides.toml`` stays.

    base_url: where the universities answer. keys_folder: where the private keys are kept, outside the folder.
    now: start of the seven days for which the aggregate is valid.
    """
    providers = [IdentityProvider(university, base_url, keys_folder) for university in universities]
    write_entities(folder, base_url, keys_folder, [provider.metadata() for provider in providers], now=now)


def write_entities(
    folder: Path, base_url: str, keys_folder: Path, entities: Iterable[Element], *, now: datetime | None = None
) -> None:
    """As ``write_aggregate``, of these EntityDescriptors: for universities whose metadata somebody has changed."""
    federation_keys = key_pair(keys_folder, "federation")
    root = etree.Element(f"{{{METADATA}}}EntitiesDescriptor", nsmap={"md": METADATA})
    root.set("ID", sid())
    root.set("Name", f"{base_url}/federation")
    root.set("validUntil", ((now or datetime.now(UTC)) + VALIDITY).strftime("%Y-%m-%dT%H:%M:%SZ"))
    root.extend(entities)
    xml_security.sign(root, federation_keys, position=0)
    _replace(folder / "keys" / KEY_NAME, federation_keys.certificate)
    _trust(folder / OVERRIDES)
    _replace(folder / FILE_NAME, xml_security.serialise(root))


def copy_federation(original: Path, folder: Path) -> None:
    """Makes the folder anew as a copy of this one, without what a demo on other ports publishes there."""
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(original, folder, ignore=shutil.ignore_patterns(FILE_NAME, KEY_NAME))


class AggregateRefresher:
    """Signs the aggregate again every day, as a federation does, until it is stopped."""

    def __init__(self, folder: Path, base_url: str, keys_folder: Path) -> None:
        self._arguments = (folder, base_url, keys_folder)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="aggregate", daemon=True)

    def start(self) -> None:
        """Begins; the first signature comes after a day."""
        self._thread.start()

    def stop(self) -> None:
        """Ends at once."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(REFRESH_SECONDS):
            write_aggregate(*self._arguments)


def _trust(overrides: Path) -> None:
    text = overrides.read_text(encoding="utf-8") if overrides.exists() else ""
    if FILE_NAME not in tomllib.loads(text).get("files", {}):
        _replace(overrides, (text + _TRUST).encode())


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(content)
    temporary.replace(path)
