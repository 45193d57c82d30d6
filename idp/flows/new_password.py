"""Journey B, last page: the first password."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from idp.domain.accounts import Account
from idp.domain.authorization import PendingAuthorization
from idp.domain.errors import Refusal
from idp.domain.logout import PutsOut
from idp.domain.messages import MailQueue
from idp.domain.new_passwords import PasswordProblem, known_of, problem_with
from idp.domain.notices import tell
from idp.domain.passwords import PasswordHasher
from idp.domain.proofing import AdoptsAccount, ConfirmedBy, ConfirmsMailbox, Proofing, ProofingState
from idp.domain.sessions import ACR_UNIVERSITY, AMR_CODE, AMR_PASSWORD, Session, SignedIn, SignsIn
from idp.domain.ways_in import NO_WAYS, ClosesWaysIn, WaysIn
from idp.saml.federation import FederationFolder
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.proofings import ProofingStore


@dataclass(frozen=True, slots=True)
class NewPasswordFlow:
    federation: FederationFolder
    proofings: ProofingStore
    accounts: AccountStore
    mails: MailQueue
    audit: AuditTrail
    hasher: PasswordHasher
    adopts: AdoptsAccount
    confirms: ConfirmsMailbox
    ways_in: ClosesWaysIn
    puts_out: PutsOut
    signs_in: SignsIn
    clock: Callable[[], datetime]
    minimum_length: int
    service_name: str

    def choose_password(
        self,
        pending: PendingAuthorization,
        proofing: Proofing,
        session: Session,
        password: str,
        device: str | None,
        *,
        locale: str | None = None,
        not_mine: Collection[str] = (),
    ) -> SignedIn | PasswordProblem:
        """Store the first password and sign in with it: creating is signing in.

        locale: the language that the person reads, in which they are written to from now on; None where it is not
        known. not_mine: other addresses of the account which the person wants to be removed. Refuses
        ``authorization.expired`` or ``proofing.link_used`` what waits for no password, or no longer.
        """
        if proofing.state is ProofingState.VOUCHED and not proofing.has_link(pending.id):
            # Nobody has read the mail yet, whichever form is sent.
            raise _not_waiting(pending, proofing)
        now = self.clock()
        problem = self._problem_with(password, proofing, now)
        if problem is not None:
            return problem
        hashed = self.hasher.hash(password)
        if proofing.state is ProofingState.VOUCHED:
            # The mailed link was followed in this browser: it proves the mailbox now.
            self.confirms(proofing, ConfirmedBy.LINK, link_browser=session.browser)
        completed = self.proofings.move(proofing.id, ProofingState.CONFIRMED, ProofingState.COMPLETED, now=now)
        if completed is None:
            raise _not_waiting(pending, proofing)
        account = self._adopted(completed, pending)
        self._close(account, completed, not_mine)
        # Later than the adoption and the removal, each of which ends every sign-in that began before it.
        now = self.clock()
        self.accounts.set_password(account.id, hashed, now=now, locale=locale)
        self._note("proofing.completed", completed, entity_id=completed.entity_id)
        self._tell(account, completed, now)
        return self.signs_in(
            session,
            account_id=account.id,
            methods=(AMR_PASSWORD, AMR_CODE),
            acr=ACR_UNIVERSITY,
            device=device,
            now=now,
        )

    def others(self, proofing: Proofing) -> WaysIn:
        """What leads into the account beside what was just proven; of passkeys a proof leaves none."""
        if proofing.is_new_account:
            return NO_WAYS
        is_adopted = proofing.account_id is not None
        account = self.accounts.find(proofing.account_id or "") if is_adopted else self.adopts.expected(proofing)
        return self.ways_in.beside_proof(account, proofing.address) if account else NO_WAYS

    def has_earlier_account(self, proofing: Proofing) -> bool:
        """Whether the person is to be told of an earlier account; a followed link takes the mailbox over only later."""
        is_adopted = proofing.state is not ProofingState.VOUCHED
        return proofing.has_earlier_account if is_adopted else self.adopts.expects_earlier_account(proofing)

    def _adopted(self, completed: Proofing, pending: PendingAuthorization) -> Account:
        account_id = completed.account_id or self.adopts(completed).account_id
        account = self.accounts.find(account_id)
        if account is None or not account.lets_in(self.clock()):
            raise Refusal("account.disabled", account_id, status=403).during(completed.reference, pending.id)
        return account

    def _problem_with(self, password: str, proofing: Proofing, now: datetime) -> PasswordProblem | None:
        return problem_with(
            password,
            address=proofing.address or "",
            minimum_length=self.minimum_length,
            known=known_of(proofing.attributes, self._university_name(proofing), self.service_name, str(now.year)),
        )

    def _close(self, account: Account, proofing: Proofing, not_mine: Collection[str]) -> None:
        """The account was freed when the mailbox was proven; whoever reads one of these may have come back since."""
        unknown = self.ways_in.beside_proof(account, proofing.address).among(not_mine) if not_mine else NO_WAYS
        if unknown:
            self.ways_in.remove(account, unknown)
            self.puts_out(account.id, proofing.browsers)

    def _tell(self, account: Account, proofing: Proofing, now: datetime) -> None:
        """At the other addresses of the account: whoever took the university's login and its mailbox over must not be
        the only one to know. Who is here for the first time has no other one."""
        others = [address for address in account.addresses if address != proofing.address]
        tell(self.mails, "password_changed", account, others, reference=proofing.reference, now=now)

    def _university_name(self, proofing: Proofing) -> str:
        provider = self.federation.current.provider(proofing.entity_id)
        return provider.name("fr") if provider else ""

    def _note(self, event: str, proofing: Proofing, **fields: str) -> None:
        self.audit.append(
            event, at=self.clock(), reference=proofing.reference, account_id=proofing.account_id, **fields
        )


def _not_waiting(pending: PendingAuthorization, proofing: Proofing) -> Refusal:
    return Refusal("authorization.expired", "proofing not waiting for a password").during(
        proofing.reference, pending.id
    )
