"""Who vouched for a person, on what grounds, and until when what they said of the person's status counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from idp.domain.accounts import Account
from idp.domain.affiliations import AffiliationPeriods
from idp.domain.claims import AFFILIATIONS
from idp.domain.proofing_record import ProofingRecord
from idp.saml.federation import FederationFolder
from idp.storage.proofing_records import ProofingRecordStore

# How long « Plus tard » keeps the offer to confirm an ended status away.
PUT_OFF = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Affiliation:
    """A status, e.g. ``student``, the last day on which it counts, and whether it does now."""

    value: str
    last_day: date
    counts: bool


@dataclass(frozen=True, slots=True)
class VouchingUniversity:
    """A university that vouched for the person. proved_at: when it did last. records: its proofs, the latest first.

    affiliations: of the one that vouched last, which replaces what others said before.
    """

    entity_id: str
    name: str
    identifiers: tuple[str, ...]
    proved_at: datetime | None
    affiliations: tuple[Affiliation, ...]
    records: tuple[ProofingRecord, ...]


@dataclass(frozen=True, slots=True)
class ProofsFlow:
    records: ProofingRecordStore
    federation: FederationFolder
    periods: AffiliationPeriods
    clock: Callable[[], datetime]

    def universities(self, account: Account, language: str) -> tuple[VouchingUniversity, ...]:
        """Every university that vouched for the person, the last one first."""
        records = self.records.of_account(account.id)
        # A record stays where the identifier that it brought was taken away.
        vouched = [*(known.entity_id for known in account.identities), *(record.entity_id for record in records)]
        found = dict.fromkeys(vouched)
        return tuple(self._university(account, entity_id, records, language) for entity_id in found)

    def affiliations(self, account: Account) -> tuple[Affiliation, ...]:
        """What the university that vouched last said of the person's status, without scopes, each once."""
        checked_at, now = account.proved_at or account.created_at, self.clock()
        said = [value.partition("@")[0] for name in AFFILIATIONS for value in account.attributes.get(name, ())]
        return tuple(
            Affiliation(value, self.periods.last_day(value, checked_at), now < self.periods.ends_at(value, checked_at))
            for value in dict.fromkeys(said)
        )

    def ended_on(self, account: Account) -> date | None:
        """The last day of the status that ended first; None while all of it counts."""
        return min((one.last_day for one in self.affiliations(account) if not one.counts), default=None)

    def is_confirmation_due(self, account: Account) -> bool:
        """Whether the person is asked, on the way to an application, to have an ended status confirmed."""
        put_off_at = account.confirmation_put_off_at
        if put_off_at is not None and self.clock() - put_off_at < PUT_OFF:
            return False
        return self.ended_on(account) is not None and self.confirming_university(account) is not None

    def confirming_university(self, account: Account) -> str | None:
        """The identity provider that can confirm the status, where the federation still holds it."""
        entity_id = _last(account)
        return entity_id if entity_id and self._is_there(entity_id) else None

    def _university(
        self, account: Account, entity_id: str, records: Sequence[ProofingRecord], language: str
    ) -> VouchingUniversity:
        own = tuple(record for record in records if record.entity_id == entity_id)
        is_last = entity_id == _last(account)
        provider = self.federation.current.provider(entity_id)
        return VouchingUniversity(
            entity_id=entity_id,
            name=provider.name(language) if provider else (own[0].provider_name if own else entity_id),
            identifiers=tuple(known.value for known in account.identities if known.entity_id == entity_id),
            proved_at=own[0].completed_at if own else (account.proved_at if is_last else None),
            affiliations=self.affiliations(account) if is_last else (),
            records=own,
        )

    def _is_there(self, entity_id: str) -> bool:
        provider = self.federation.current.provider(entity_id)
        return provider is not None and not provider.hidden


def _last(account: Account) -> str | None:
    # The latest proof's identities stand first (storage.accounts).
    return account.identities[0].entity_id if account.identities else None
