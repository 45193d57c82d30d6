"""``overrides.toml``: what the administrator says about metadata files and about single identity providers.

Every fault is one line that names the file, the key and what is accepted; one fault makes the whole file unusable, so
that a slip of the hand never becomes a silent change of trust.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from idp.domain.errors import ConfigurationError
from idp.domain.federation import IdentityProvider
from idp.saml.plain_values import domain_name, plain_name, web_address

FILE_NAME: Final = "overrides.toml"


@dataclass(frozen=True, slots=True)
class FileTrust:
    """Why a metadata file is believed: a signature by one of these keys, or exactly these bytes.

    signing_keys: file names relative to the federation folder, certificates or public keys. sha256: hex, or empty.
    url: where the file is fetched from, or empty; such a file is always a signed one.
    """

    signing_keys: tuple[str, ...] = ()
    sha256: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class ProviderOverride:
    """What replaces or completes an identity provider's own metadata; None and empty leave it as it is."""

    hidden: bool | None = None
    names: tuple[tuple[str, str], ...] = ()
    aliases: tuple[str, ...] = ()
    mail_domains: tuple[str, ...] = ()
    help_url: str = ""

    def applied_to(self, provider: IdentityProvider) -> IdentityProvider:
        """The identity provider as the administrator wants it."""
        return replace(
            provider,
            hidden=provider.hidden if self.hidden is None else self.hidden,
            names=tuple((dict(provider.names) | dict(self.names)).items()),
            aliases=self.aliases,
            mail_domains=self.mail_domains,
            help_url=self.help_url,
        )


@dataclass(frozen=True, slots=True)
class Overrides:
    """The whole file: trust by metadata file name, overrides by entity id."""

    files: Mapping[str, FileTrust] = field(default_factory=dict)
    providers: Mapping[str, ProviderOverride] = field(default_factory=dict)


def parse_overrides(content: bytes) -> Overrides:
    """The file's content. Raises ConfigurationError with every fault found."""
    try:
        # With or without the mark that editors on Windows write first.
        document = tomllib.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{FILE_NAME}: not TOML: {error}") from None
    faults: list[str] = []
    sections = {name: document.pop(name, {}) for name in ("files", "providers")}
    faults += [f"{FILE_NAME}: {name}: unknown; accepted are [files.…] and [providers.…]" for name in document]
    read = {name: _tables(name, table, _KEYS[name], faults) for name, table in sections.items()}
    faults += [
        f'{FILE_NAME}: files."{name}".url: accepted only beside signing_keys, for a plain name that ends in .xml'
        for name, table in read["files"].items()
        if table.get("url") and not (table.get("signing_keys") and re.fullmatch(r"[^./\\][^/\\]*\.xml", name))
    ]
    if faults:
        raise ConfigurationError(*faults)
    return Overrides(
        {name: FileTrust(**values) for name, values in read["files"].items()},
        {name: ProviderOverride(**values) for name, values in read["providers"].items()},
    )


Reader = Callable[[Any], Any]
# What a reader raises ValueError for; the text says what is accepted.
Accepted = tuple[str, str, Reader]


def _tables(section: str, tables: Any, keys: Mapping[str, Accepted], faults: list[str]) -> dict[str, dict[str, Any]]:
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        faults.append(f'{FILE_NAME}: {section}: accepted are tables like [{section}."…"]')
        return {}
    return {
        name: dict(
            pair
            for key, value in table.items()
            for pair in _entry(f'{section}."{name}".{key}', keys.get(key), value, keys, faults)
        )
        for name, table in tables.items()
    }


def _entry(
    place: str, accepted: Accepted | None, value: Any, keys: Mapping[str, Accepted], faults: list[str]
) -> list[tuple[str, Any]]:
    if accepted is None:
        faults.append(f"{FILE_NAME}: {place}: unknown key; accepted are {', '.join(keys)}")
        return []
    attribute, description, read = accepted
    try:
        return [(attribute, read(value))]
    except ValueError:
        faults.append(f"{FILE_NAME}: {place} = {str(value)[:80]!r}: accepted is {description}")
        return []


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise ValueError
    return tuple(item.strip() for item in value)


def _paths(value: Any) -> tuple[str, ...]:
    if not value:
        raise ValueError
    return _texts(value)


def _fingerprint(value: Any) -> str:
    text = value.replace(":", "").lower() if isinstance(value, str) else ""
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError
    return text


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _names(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict) or not value or not all(isinstance(name, str) for name in value.values()):
        raise ValueError
    named = tuple((language.lower(), plain_name(name)) for language, name in value.items())
    if not all(name for _, name in named):
        raise ValueError
    return named


def _aliases(value: Any) -> tuple[str, ...]:
    return tuple(plain_name(alias) for alias in _texts(value))


def _domains(value: Any) -> tuple[str, ...]:
    domains = [domain_name(domain) for domain in _texts(value)]
    # A top-level domain would catch half of the world's addresses.
    if not all(domain and "." in domain for domain in domains):
        raise ValueError
    return tuple(domain for domain in domains if domain)


def _address(value: Any) -> str:
    address = web_address(value) if isinstance(value, str) else ""
    if not address:
        raise ValueError
    return address


def _source(value: Any) -> str:
    address = _address(value)
    if not address.isascii():
        raise ValueError
    return address


_KEYS: Final[Mapping[str, Mapping[str, Accepted]]] = {
    "files": {
        "signing_keys": ("signing_keys", "a list of certificate or public key files (PEM) in this folder", _paths),
        "sha256": ("sha256", "the SHA-256 of the file, 64 hexadecimal digits", _fingerprint),
        "url": ("url", "an https address, from which the file is fetched", _source),
    },
    "providers": {
        "hidden": ("hidden", "true or false", _flag),
        "name": ("names", 'names by language, like { fr = "…", en = "…" }', _names),
        "aliases": ("aliases", "a list of texts", _aliases),
        "mail_domains": ("mail_domains", "a list of domains with a dot", _domains),
        "help_url": ("help_url", "an https address", _address),
    },
}
