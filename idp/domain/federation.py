"""Identity providers of the federation, as far as the journeys need them."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from idp.domain.pinned_keys import PinnedKey

_LONGEST_LINE: Final = 500
_HOST: Final = re.compile(r"https?://([^/?#:@]+)")


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """One university's SAML identity provider, from its metadata and the administrator's overrides.

    names: display names by language (mdui:DisplayName, else OrganizationDisplayName, else the entity id).
    scopes: literal ``shibmd:Scope`` values, lower case; neither regular expressions nor top-level domains are taken
    over.
    mail_domains: domains beyond the scopes in which it may vouch for addresses (administrator's list).
    domain_hints: mdui:DomainHint values: good for finding it, never for trust.
    metadata_digest: SHA-256 in hex of the entity's metadata as verified. sign_in_host: of its first sign-in endpoint.
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
    sign_in_host: str = ""

    def name(self, language: str) -> str:
        """The display name in this language, else French, else English, else any, else the entity id."""
        names = dict(self.names)
        for choice in (language, "fr", "en"):
            if names.get(choice):
                return names[choice]
        return next(iter(names.values()), self.entity_id)

    @property
    def domain(self) -> str:
        """The domain by which a person recognises it: the scope that its own address lies in, where one does.

        Else the shortest scope that has another one below it, else the first; empty where it has none.
        """
        for host in (host_of(self.entity_id), self.sign_in_host):
            if around := [scope for scope in self.scopes if within(host, (scope,))]:
                return min(around, key=len)
        parents = [scope for scope in self.scopes if any(_is_below(other, scope) for other in self.scopes)]
        return min(parents, key=len) if parents else next(iter(self.scopes), "")


@dataclass(frozen=True, slots=True)
class MetadataFileStatus:
    """What became of one file of the federation folder.

    problem: None when the file on disk is the one in use; else one line: file, place and reason.
    loaded_at: when the copy in use was taken over, None where there is none.
    download_problem: why the last fetch of its url brought nothing, one line; None where all is well or it has none.
    """

    file: str
    providers: int
    valid_until: datetime | None
    problem: str | None = None
    loaded_at: datetime | None = None
    download_problem: str | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything to mend, one line each."""
        return tuple(problem for problem in (self.problem, self.download_problem) if problem)


@dataclass(frozen=True, slots=True)
class ProviderChange:
    """What changed of one identity provider, one line for each of its keys, endpoints, scopes and names."""

    entity_id: str
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileDifference:
    """One metadata file against the copy of it that was in use before.

    added, removed: entity ids. changed: only what decides who may sign in, and under which name.
    """

    file: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[ProviderChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    @property
    def summary(self) -> str:
        """The difference in one line."""
        return f"{len(self.added)} added, {len(self.removed)} removed, {len(self.changed)} changed"

    def lines(self, limit: int = 50) -> tuple[str, ...]:
        """The difference for an administrator, what is gone first; how much more there is in the last line."""
        told = [
            *(f"- {entity_id}" for entity_id in self.removed),
            *(f"* {change.entity_id}: {'; '.join(change.details)}" for change in self.changed),
            *(f"+ {entity_id}" for entity_id in self.added),
        ]
        more = (f"… and {len(told) - limit} more",) if len(told) > limit else ()
        return (*(line[:_LONGEST_LINE] for line in told[:limit]), *more)


@dataclass(frozen=True, slots=True)
class FileReport:
    """What would become of a metadata file.

    problem: why it would be refused, without the file's name; then there is nothing else to tell but its keys.
    difference: against the copy in use; everything is added where there is none. signing_keys: any of them may have
    signed it.
    """

    problem: str | None
    providers: int = 0
    valid_until: datetime | None = None
    difference: FileDifference | None = None
    signing_keys: tuple[PinnedKey, ...] = ()


def host_of(address: str) -> str:
    """The host of a web address as it stands there; empty for a URN and whatever else has none."""
    found = _HOST.match(address)
    return found[1] if found else ""


def within(domain: str, parents: tuple[str, ...]) -> bool:
    """Whether the domain equals one of these or lies below it, on a label boundary: ``etu.unilim.fr`` in ``unilim.fr``.

    The trick ``evilunilim.fr`` is not below ``unilim.fr``.
    """
    rest = domain.lower().rstrip(".")
    while rest and rest not in parents:
        rest = rest.partition(".")[2]
    return bool(rest)


def _is_below(domain: str, parent: str) -> bool:
    return domain != parent and within(domain, (parent,))
