"""Journey B, back from the university: whether the person who comes back is the person who set out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from idp.domain.accounts import Account
from idp.domain.addresses import domain_of
from idp.domain.authorization import PendingAuthorization, wants_authentication
from idp.domain.errors import Refusal
from idp.domain.federation import within
from idp.domain.identity import account_for, authenticated_anew, is_expected, is_named
from idp.domain.keyed import SecretKey
from idp.domain.name_likeness import bears_other_name
from idp.domain.proofing import ConfirmedBy, Proofing, ProofingState
from idp.domain.proofing_record import record_of
from idp.domain.references import go_on_under
from idp.domain.routing import RoutesDomains
from idp.domain.sessions import ACR_UNIVERSITY, Session, SignedIn, SignIn, SignsIn
from idp.saml.federation import FederationFolder
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.authorizations import AuthorizationStore
from idp.storage.database import AlreadyExists
from idp.storage.proofing_records import ProofingRecordStore
from idp.storage.proofings import ProofingStore


@dataclass(frozen=True, slots=True)
class Arrival:
    """A proofing back in the browser that began it, and the journey that goes on with it.

    signed_in: where the person was signed in already and only proved their account again: nothing more is to do.
    is_expected: the person is who they seemed to be, and the university named the mailbox: the mail may go.
    """

    proofing: Proofing
    pending: PendingAuthorization
    signed_in: SignedIn | None = None
    is_expected: bool = False


@dataclass(frozen=True, slots=True)
class Expected:
    """Whom we took the person for, where the university named somebody else.

    is_theirs: whether the address typed at the beginning is known to be the person's.
    typed: the address typed at the beginning, where it is another person's: it leads to another university, or bears
        another name. leads_elsewhere: it leads to another university.
    signed_in_as: the address of another account that is signed in in this browser.
    """

    is_theirs: bool
    typed: str | None
    leads_elsewhere: bool
    signed_in_as: str | None

    @property
    def is_other(self) -> bool:
        return self.typed is not None or self.signed_in_as is not None


@dataclass(frozen=True, slots=True)
class ArrivalFlow:
    federation: FederationFolder
    proofings: ProofingStore
    accounts: AccountStore
    authorizations: AuthorizationStore
    records: ProofingRecordStore
    audit: AuditTrail
    secret: SecretKey
    signs_in: SignsIn
    routes: RoutesDomains
    clock: Callable[[], datetime]

    def resume(self, proofing_id: str, session: Session, device: str | None) -> Arrival:
        """Go on in the browser that began the proofing; every other browser is refused, and nothing changes there."""
        now = self.clock()
        proofing = self.proofings.find(proofing_id, now=now)
        if proofing is None or proofing.browser != session.browser:
            raise Refusal("browser.other", "answer taken in another browser")
        go_on_under(proofing.reference)
        pending = self.authorizations.update(
            proofing.authorization_id, session.browser, {"proofing_id": proofing.id}, now=now
        )
        if pending is None:
            raise Refusal("authorization.expired", "answer after the journey's end").during(proofing.reference)
        if proofing.state is not ProofingState.ANSWERED:
            return Arrival(proofing, pending)
        signed_in = self._renewed(proofing, pending, session, device, now)
        if signed_in is not None:
            return Arrival(proofing, pending, signed_in)
        expected, is_vouched = self.expected(pending, proofing, session), proofing.address is not None
        if expected.is_other or (is_vouched and not expected.is_theirs):
            self._change(pending, session, named_other=proofing.entity_id)
        return Arrival(proofing, pending, is_expected=is_vouched and not expected.is_other)

    def expected(self, pending: PendingAuthorization, proofing: Proofing, session: Session) -> Expected:
        """Whom we took the person for, where the university named somebody else."""
        is_theirs = self._is_theirs(pending.address, proofing)
        leads_elsewhere = not is_theirs and self._is_of_other_university(pending.address, proofing)
        is_other = leads_elsewhere or (not is_theirs and _bears_other_name(pending.address, proofing))
        present = self.accounts.of_session(session)
        is_present = present is None or is_named(present, proofing.identities)
        return Expected(
            is_theirs,
            pending.address if is_other else None,
            leads_elsewhere,
            None if present is None or is_present else present.address,
        )

    def turn_back(self, pending: PendingAuthorization, session: Session) -> None:
        """The person wants another university: nothing follows from this answer, and the journey is as before it."""
        proofing = self.proofings.find(pending.proofing_id or "", now=self.clock())
        named_other = proofing.entity_id if proofing else pending.named_other
        self._change(pending, session, proofing_id=None, named_other=named_other)

    def deny(self, pending: PendingAuthorization, session: Session, proofing: Proofing) -> None:
        """« Ce n’est pas moi »: this proofing ends with its mail, and the same university may name the person anew."""
        if proofing.browser != session.browser:
            raise Refusal("browser.other", "denied where it was not begun").during(proofing.reference, pending.id)
        self.proofings.deny(proofing.id)
        self._change(pending, session, proofing_id=None, named_other=proofing.entity_id)
        self.audit.append(
            "proofing.denied", at=self.clock(), reference=proofing.reference, entity_id=proofing.entity_id
        )

    def _change(self, pending: PendingAuthorization, session: Session, **changes: str | None) -> None:
        self.authorizations.update(pending.id, session.browser, changes, now=self.clock())

    def _renewed(
        self, proofing: Proofing, pending: PendingAuthorization, session: Session, device: str | None, now: datetime
    ) -> SignedIn | None:
        """Sign the person in again, if the university named the very person who is signed in here; else None.

        Mailbox and password are this person's already, so that nothing of the account ends. If the request wants the
        university to authenticate the person anew, and the university did not, this is not enough: then the mailbox
        proves that the person is there.
        """
        present = session.sign_in
        account = self._named(proofing) if present else None
        if present is None or account is None or account.disabled or present.account_id != account.id:
            return None
        is_anew = authenticated_anew(proofing)
        if wants_authentication(pending.request) and not is_anew:
            return None
        completed = self.proofings.move(
            proofing.id,
            ProofingState.ANSWERED,
            ProofingState.COMPLETED,
            now=now,
            # A new address counts once its mailbox is proven; the mailbox of this address is.
            address=account.address,
            account_id=account.id,
            confirmed_by=str(ConfirmedBy.SIGN_IN),
        )
        if completed is None:
            return None
        self._record(account, completed, now)
        return self._sign_in(session, present, device, now if is_anew else None)

    def _record(self, account: Account, proofing: Proofing, now: datetime) -> None:
        try:
            self.accounts.renew_proof(account, identities=proofing.identities, attributes=proofing.attributes, now=now)
        except AlreadyExists as taken:
            raise Refusal("proofing.identity_conflict", "taken at the same moment").during(
                proofing.reference, proofing.authorization_id
            ) from taken
        self.records.add(record_of(proofing, account.id, self.secret, now=now))
        self.audit.append(
            "proofing.renewed",
            at=now,
            reference=proofing.reference,
            account_id=account.id,
            entity_id=proofing.entity_id,
        )

    def _sign_in(self, session: Session, present: SignIn, device: str | None, anew_at: datetime | None) -> SignedIn:
        """The same sign-in under a new session id. anew_at: when the person authenticated, where the university asked
        them to."""
        return self.signs_in(
            session,
            account_id=present.account_id,
            methods=present.methods,
            acr=ACR_UNIVERSITY,
            device=device,
            now=anew_at or present.at,
            authenticated_at=None if anew_at else present.authenticated_at,
        )

    def _named(self, proofing: Proofing) -> Account | None:
        return account_for(proofing.identities, self.accounts.by_identities(proofing.identities))

    def _is_theirs(self, typed: str | None, proofing: Proofing) -> bool:
        return proofing.address_given or is_expected(typed, proofing, lambda: self._named(proofing))

    def _is_of_other_university(self, typed: str | None, proofing: Proofing) -> bool:
        """Whether the domain of a typed address leads to universities, but not to the one that answered.

        Whether somebody has an account with that address is not asked: the page would tell it to anybody.
        """
        provider = self.federation.current.provider(proofing.entity_id)
        if typed is None or provider is None:
            return False
        domain = domain_of(typed)
        if within(domain, provider.scopes + provider.mail_domains):
            return False
        found = [route.provider.entity_id for route in self.routes(domain)]
        return bool(found) and provider.entity_id not in found


def _bears_other_name(typed: str | None, proofing: Proofing) -> bool:
    mails = (*proofing.mails, *(identity.value for identity in proofing.identities if identity.kind == "eppn"))
    return typed is not None and bears_other_name(typed, proofing.attributes, mails)
