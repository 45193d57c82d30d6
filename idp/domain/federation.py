"""Identity providers of the federation, as far as the journeys need them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """One university's SAML identity provider, from its metadata and the administrator's overrides.

    names: display names by language (mdui:DisplayName, else OrganizationDisplayName, else the entity id).
    scopes: literal ``shibmd:Scope`` values, lower case; regular expressions are not taken over.
    mail_domains: domains beyond the scopes in which it may vouch for addresses (administrator's list).
    domain_hints: mdui:DomainHint values: good for finding it, never for trust.
    metadata_digest: SHA-256 in hex of the entity's metadata as verified.
    """

    entity_id: str
    names: tuple[tuple[str, str], ...]
    scopes: tuple[str, ...] = ()
    mail_domains: tuple[str, ...] = ()
    domain_hints: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    hidden: bool = False
    help_url: str = ""
    error_url: str = ""
    registration_authority: str = ""
    metadata_digest: str = ""

    def name(self, language: str) -> str:
        """The display name in this language, else French, else English, else any, else the entity id."""
        names = dict(self.names)
        for choice in (language, "fr", "en"):
            if names.get(choice):
                return names[choice]
        return next(iter(names.values()), self.entity_id)

    @property
    def domain(self) -> str:
        """The domain by which a person recognises it: its first scope."""
        return self.scopes[0] if self.scopes else ""


@dataclass(frozen=True, slots=True)
class MetadataFileStatus:
    """What became of one file of the federation folder.

    problem: None when the file on disk is the one in use; else one line: file, place and reason.
    """

    file: str
    providers: int
    valid_until: datetime | None
    problem: str | None = None


def within(domain: str, parents: tuple[str, ...]) -> bool:
    """Whether the domain equals one of these or lies below it, on a label boundary: ``etu.unilim.fr`` in ``unilim.fr``.

    The trick ``evilunilim.fr`` is not below ``unilim.fr``.
    """
    domain = domain.lower().rstrip(".")
    return any(domain == parent or domain.endswith("." + parent) for parent in parents if parent)
