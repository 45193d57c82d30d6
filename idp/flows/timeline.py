"""The story of a journey or a person: audit trail, mails with what mail servers answered, proofs and grants in one."""

from collections.abc import Iterable
from dataclasses import dataclass

from idp.domain import addresses
from idp.domain.addresses import InvalidAddress
from idp.domain.grants import Grant
from idp.domain.helpdesk import TimelineEntry, part_of
from idp.domain.proofing_record import ProofingRecord
from idp.domain.references import typed_reference
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditEvent, AuditTrail
from idp.storage.grants import GrantStore
from idp.storage.outbox import MailHistory, Outbox
from idp.storage.proofing_records import ProofingRecordStore


@dataclass(frozen=True, slots=True)
class TimelineFlow:
    accounts: AccountStore
    audit: AuditTrail
    outbox: Outbox
    records: ProofingRecordStore
    grants: GrantStore

    def of_account(self, account_id: str) -> tuple[TimelineEntry, ...]:
        """Everything that happened to this person, oldest first, with the whole of each journey of theirs."""
        account = self.accounts.find(account_id)
        own = self.audit.events(account_ids=(account_id,))
        grants = self.grants.of_account(account_id)
        references = _references(own, grants)
        mails = self.outbox.history(references=references, addresses=account.addresses if account else ())
        references |= {mail.message.reference for mail in mails}
        events = self.audit.events(references=references, account_ids=(account_id,))
        return _told(_about(events, account_id), mails, self.records.of_account(account_id), grants)

    def of(self, query: str) -> tuple[TimelineEntry, ...]:
        """The same for an error reference, or for an address that nobody needs to have."""
        reference = typed_reference(query)
        if reference is not None:
            return self._of_reference(reference)
        try:
            address = addresses.clean(query)
        except InvalidAddress:
            return ()
        known = self.accounts.by_address(address)
        return self.of_account(known.id) if known else self._of_address(address)

    def _of_reference(self, reference: str) -> tuple[TimelineEntry, ...]:
        events = self.audit.events(references=(reference,))
        people = [account for account_id in _people(events) if (account := self.accounts.find(account_id))]
        return _told(
            events,
            self.outbox.history(references=(reference,)),
            [one for account in people for one in self.records.of_account(account.id) if one.reference == reference],
            [one for account in people for one in self.grants.of_account(account.id) if one.reference == reference],
        )

    def _of_address(self, address: str) -> tuple[TimelineEntry, ...]:
        mails = self.outbox.history(addresses=(address,))
        return _told(self.audit.events(references={mail.message.reference for mail in mails}), mails, (), ())


def _references(events: Iterable[AuditEvent], grants: Iterable[Grant]) -> set[str]:
    references = {event.reference for event in events} | {grant.reference for grant in grants}
    return references - {""}


def _people(events: Iterable[AuditEvent]) -> list[str]:
    return list(dict.fromkeys(event.account_id for event in events if event.account_id))


def _about(events: Iterable[AuditEvent], account_id: str) -> list[AuditEvent]:
    """Without what the same journey says of somebody else: two people may have used one browser."""
    return [event for event in events if event.account_id in (None, account_id)]


def _told(
    events: Iterable[AuditEvent],
    mails: Iterable[MailHistory],
    records: Iterable[ProofingRecord],
    grants: Iterable[Grant],
) -> tuple[TimelineEntry, ...]:
    entries = [
        TimelineEntry(one.at, part_of(one.event, one.fields), one.event, one.reference, one.fields) for one in events
    ]
    entries += [entry for mail in mails for entry in _mail(mail)]
    entries += [_record(record) for record in records]
    entries += [entry for grant in grants for entry in _grant(grant)]
    return tuple(sorted(entries, key=lambda entry: entry.at))


def _mail(mail: MailHistory) -> Iterable[TimelineEntry]:
    message = mail.message
    about = {"kind": message.kind, "to": message.to, "message": message.id}
    yield TimelineEntry(message.created_at, "mail", "mail.queued", message.reference, about)
    for attempt in mail.attempts:
        answer = about | {"reply": attempt.reply}
        outcome = "accepted" if attempt.outcome == "done" else attempt.outcome
        yield TimelineEntry(attempt.at, "mail", f"mail.{outcome}", message.reference, answer)


def _record(record: ProofingRecord) -> TimelineEntry:
    details = {
        "university": record.provider_name,
        "entity_id": record.entity_id,
        "identifier": record.identifier_kind,
        "mailbox": record.mailbox,
        "confirmed_by": record.confirmed_by,
    }
    return TimelineEntry(record.completed_at, "saml", "proofing.recorded", record.reference, details)


def _grant(grant: Grant) -> Iterable[TimelineEntry]:
    about = {"client_id": grant.client_id, "scope": " ".join(grant.scope)}
    yield TimelineEntry(grant.created_at, "oidc", "grant.issued", grant.reference, about)
    if grant.code_used_at is not None:
        yield TimelineEntry(grant.code_used_at, "oidc", "grant.exchanged", grant.reference, about)
