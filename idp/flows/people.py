"""Finding a person, and everything that is known of them, for whoever helps; nothing is changed here."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from idp.domain import addresses
from idp.domain.accounts import Account, Bounce, Identity
from idp.domain.addresses import InvalidAddress
from idp.domain.claims import INVITED, UNIVERSITY, display_name
from idp.domain.folding import folded
from idp.domain.guessing import (
    MAILS_PER_HOUR,
    METHOD_BUDGET,
    SHARED_BUDGET,
    WINDOW,
    Guesser,
    Method,
    guess_limit,
    mail_limit,
    proofing_limit,
    vouched_mail_limit,
)
from idp.domain.helpdesk import INVITATION, Act, LimitInForce, PersonLine
from idp.domain.inactivity import Inactivity
from idp.domain.keyed import SecretKey, may_be_token
from idp.domain.logout import PutsOut
from idp.domain.proofing_record import ProofingRecord
from idp.domain.references import present_reference, typed_reference
from idp.domain.sessions import SignIn
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.devices import DeviceStore
from idp.storage.grants import GrantStore
from idp.storage.invitations import InvitationStore
from idp.storage.limits import LimitStore
from idp.storage.outbox import Outbox
from idp.storage.proofing_records import ProofingRecordStore
from idp.storage.proofings import ProofingStore
from idp.storage.sessions import SessionStore

MOST_FOUND = 20
LONGEST_QUERY = 300


@dataclass(frozen=True, slots=True)
class OpenedApplication:
    """An application that received something of this person. scope: what it may know at most."""

    client_id: str
    name: str
    subject: str
    scope: tuple[str, ...]
    since: datetime


@dataclass(frozen=True, slots=True)
class PersonSheet:
    """What is known of one person at this moment; nothing in it lets anybody in."""

    account_id: str
    subject: str
    name: str
    type: str
    disabled: bool
    expired: bool
    created_at: datetime
    proved_at: datetime | None
    password_changed_at: datetime | None
    has_password: bool
    only_passkeys: bool
    inactivity: Inactivity | None
    invited_until: datetime | None
    invited_role: str
    addresses: tuple[str, ...]
    bounces: tuple[Bounce, ...]
    identities: tuple[Identity, ...]
    proofings: tuple[ProofingRecord, ...]
    sessions: tuple[SignIn, ...]
    applications: tuple[OpenedApplication, ...]
    limits: tuple[LimitInForce, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class PeopleFlow:
    """client_name: how people know the application with this identifier."""

    accounts: AccountStore
    invitations: InvitationStore
    records: ProofingRecordStore
    sessions: SessionStore
    grants: GrantStore
    devices: DeviceStore
    limits: LimitStore
    proofings: ProofingStore
    outbox: Outbox
    audit: AuditTrail
    secret: SecretKey
    client_name: Callable[[str], str]
    puts_out: PutsOut
    clock: Callable[[], datetime]

    def find(self, query: str, *, by_name: bool = True) -> tuple[PersonLine, ...]:
        """Everybody whom an address, a name, an identifier or an error reference leads to, at most ``MOST_FOUND``.

        by_name: whether a name is enough.
        """
        text = " ".join(query.split()) if len(query) <= LONGEST_QUERY else ""
        found = {account.id: account for account in self._accounts(text, by_name=by_name)}
        lines = [_line(account) for account in found.values()]
        return (*lines, *self._only_invited(text, lines))[:MOST_FOUND]

    def account(self, account_id: str) -> Account | None:
        """The account with this very id."""
        return self.accounts.find(account_id)

    def show(self, account_id: str) -> PersonSheet | None:
        """What is known of the person; None where there is no such account."""
        account = self.accounts.find(account_id)
        if account is None:
            return None
        return PersonSheet(
            account_id=account.id,
            subject=account.subject,
            name=display_name(account.attributes),
            type=_type(account),
            disabled=account.disabled,
            expired=account.expired,
            created_at=account.created_at,
            proved_at=account.proved_at,
            password_changed_at=account.password_changed_at,
            has_password=account.password_hash is not None,
            only_passkeys=account.only_passkeys,
            inactivity=account.inactivity,
            invited_until=account.invited.until if account.invited else None,
            invited_role=account.invited.role if account.invited else "",
            addresses=account.addresses,
            bounces=account.bounces,
            identities=account.identities,
            proofings=self.records.of_account(account.id),
            sessions=self.sessions.of_account(account.id, now=self.clock()),
            applications=self._applications(account),
            limits=tuple(told for told, key, most, window in self._limits(account) if self._is_full(key, most, window)),
        )

    def unlock(self, account_id: str, act: Act) -> bool:
        """Give the person every try again: the tries at password and code, and the mails to each address."""
        account = self.accounts.find(account_id)
        if account is None:
            return False
        vouched = [
            vouched_mail_limit(self.secret, entity_id, address)
            for entity_id in {identity.entity_id for identity in account.identities}
            for address in account.addresses
        ]
        self.limits.forget(*(key for _, key, _, _ in self._limits(account)), *vouched)
        self.note("helpdesk.unlocked", account_id, act)
        return True

    def unlink(self, account_id: str, identifier: str, act: Act) -> bool:
        """A university identifier named the wrong person: it leads here no longer, and every sign-in ends."""
        account = self.accounts.find(account_id)
        if account is None or identifier not in {identity.value for identity in account.identities}:
            return False
        # Before it, so that they go also where this is cut off half way; and again after it, for whoever came in by the
        # identifier meanwhile.
        self.puts_out(account_id)
        done = self.accounts.unlink(account_id, identifier)
        if done:
            # Whom it named wrongly may stand before the last page of a proof, where a password is chosen.
            self.proofings.void_account(account_id)
            self.puts_out(account_id)
            self.note("helpdesk.unlinked", account_id, act, identifier=identifier[:200])
        return done

    def note(self, event: str, account_id: str | None, act: Act, **fields: str) -> None:
        """Have the audit trail tell who acted, and why."""
        self.look(event, account_id, **fields, **act.fields)

    def look(self, event: str, account_id: str | None, *, operator: str, **fields: str) -> None:
        """Have the audit trail tell who looked."""
        self.audit.append(
            event, at=self.clock(), reference=present_reference(), account_id=account_id, operator=operator, **fields
        )

    def _accounts(self, text: str, *, by_name: bool) -> Iterable[Account]:
        reference = typed_reference(text)
        if reference is not None:
            yield from self._of_journey(reference)
        try:
            known = self.accounts.by_address(addresses.clean(text))
        except InvalidAddress:
            known = None
        if known is not None:
            yield known
        if text:
            yield from self.accounts.by_identifier(text)
        subject = text.partition("@")[0]
        if may_be_token(subject):
            yield from self._by_id(self.grants.accounts_of_subject(subject))
        if by_name and "@" not in text:
            yield from self.accounts.named(_words(text), limit=MOST_FOUND)

    def _of_journey(self, reference: str) -> Iterable[Account]:
        named = [event.account_id for event in self.audit.events(references=(reference,)) if event.account_id]
        yield from self._by_id(named)
        for mail in self.outbox.history(references=(reference,)):
            account = self.accounts.by_address(mail.message.to)
            if account is not None:
                yield account

    def _by_id(self, account_ids: Iterable[str]) -> Iterable[Account]:
        for account_id in dict.fromkeys(account_ids):
            account = self.accounts.find(account_id)
            if account is not None:
                yield account

    def _only_invited(self, text: str, lines: list[PersonLine]) -> Iterable[PersonLine]:
        """Who has an invitation but did not come yet."""
        try:
            address = addresses.clean(text)
        except InvalidAddress:
            return
        invitation = self.invitations.of_address(address)
        if invitation is not None and not lines:
            yield PersonLine("", display_name(invitation.invitee.attributes), address, INVITATION, False)

    def _applications(self, account: Account) -> tuple[OpenedApplication, ...]:
        return tuple(
            OpenedApplication(
                grant.client_id, self.client_name(grant.client_id), grant.subject, grant.scope, grant.created_at
            )
            for grant in self.grants.of_account(account.id)
        )

    def _limits(self, account: Account) -> list[tuple[LimitInForce, str, int, timedelta]]:
        """Every limit that this person may have run into: what it is, its key, how much it takes, in what time."""
        guessers = [
            Guesser(account.id),
            *(Guesser(account.id, device) for device in self.devices.of_account(account.id)),
        ]
        budgets: list[tuple[Method | None, int]] = [(method, METHOD_BUDGET[method]) for method in Method]
        budgets.append((None, SHARED_BUDGET))
        limits = [
            (LimitInForce(str(method or "all")), guess_limit(self.secret, guesser, method), most, WINDOW)
            for guesser in guessers
            for method, most in budgets
        ]
        for address in account.addresses:
            mails, proof = LimitInForce("mails", address), LimitInForce("proof", address)
            limits.append((mails, mail_limit(self.secret, address), MAILS_PER_HOUR, timedelta(hours=1)))
            limits.append((proof, proofing_limit(self.secret, address), SHARED_BUDGET, WINDOW))
        return limits

    def _is_full(self, key: str, most: int, window: timedelta) -> bool:
        return not self.limits.allows(key, limit=most, window=window, now=self.clock())


def _line(account: Account) -> PersonLine:
    return PersonLine(account.id, display_name(account.attributes), account.address, _type(account), account.disabled)


def _type(account: Account) -> str:
    return INVITED if account.invited else UNIVERSITY


def _words(text: str) -> list[str]:
    """The words of a name as names compare; what is not a letter parts them."""
    return [word for word in re.split(r"[\W\d_]+", folded(text)) if word]
