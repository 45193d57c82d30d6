"""A person's own page: what we know, the password, signing out everywhere."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from idp.domain.accounts import Account
from idp.domain.errors import Refusal
from idp.domain.logout import ApplicationInUse, EndsSignIns
from idp.domain.messages import MailQueue
from idp.domain.new_passwords import PasswordProblem, known_of, problem_with
from idp.domain.notices import tell
from idp.domain.passkeys import PasskeyRefused
from idp.domain.passwords import PasswordHasher
from idp.domain.references import present_reference
from idp.domain.sessions import Session, SignedIn, SignIn, SignsIn, is_fresh
from idp.domain.ways_in import ClosesWaysIn, WaysIn
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.devices import DeviceStore
from idp.storage.sessions import SessionStore
from idp.storage.sweeps import SweepStore
from idp.storage.under_way import UnderWay


@dataclass(frozen=True, slots=True)
class AccountFlow:
    accounts: AccountStore
    ends_sign_ins: EndsSignIns
    devices: DeviceStore
    under_way: UnderWay
    sessions: SessionStore
    sweeps: SweepStore
    mails: MailQueue
    audit: AuditTrail
    hasher: PasswordHasher
    ways_in: ClosesWaysIn
    signs_in: SignsIn
    clock: Callable[[], datetime]
    minimum_length: int
    service_name: str

    def account(self, session: Session | None) -> Account | None:
        """The account signed in here, if it may be used."""
        return self.accounts.signed_in(session)

    def is_fresh(self, session: Session) -> bool:
        """Whether the sign-in is recent enough for a sensitive act."""
        return is_fresh(session, now=self.clock())

    def others(self, account: Account, proven: str | None = None) -> WaysIn:
        """What leads in beside the password. proven: the address that the person has just shown to read."""
        return self.ways_in.beside(account, proven)

    def change_password(
        self,
        account: Account,
        session: Session,
        password: str,
        device: str | None,
        *,
        reference: str | None = None,
        locale: str | None = None,
        not_mine: Collection[str] = (),
        proven: str | None = None,
    ) -> SignedIn | PasswordProblem:
        """Store a new password; every other session and every application's token of the account ends.

        reference: of the journey on which it was chosen, if it was on one. locale: the language that the person reads,
        in which they are written to from now on; None where it is not known. not_mine: which of ``others``
        the person wants to be removed, by address or a passkey's id. proven: as there. Refuses
        ``authorization.expired`` who was put out of the account meanwhile.
        """
        problem = self._problem_with(password, account)
        if problem is not None or session.sign_in is None:
            return problem or PasswordProblem("password.wrong")
        hashed = self.hasher.hash(password)
        present = self.account(session) if self.sessions.lasts(session, now=self.clock()) else None
        if present is None or present.proved_at != account.proved_at:
            raise _put_out(reference)
        try:
            if not_mine:
                self.ways_in.remove(account, self.others(account, proven).among(not_mine))
        except PasskeyRefused as refused:
            return PasswordProblem(refused.problem)
        # After hashing, which takes a while, and after the removal: every sign-in with the old password, or by what has
        # just gone, began before this.
        now = self.clock()
        # First, so that the others end whatever goes wrong below, also who signs in meanwhile with the old password.
        planned = self.sweeps.put(account.id, now=now, began_before=now)
        if not self.accounts.change_password(account, hashed, now=now, locale=locale):
            # Whoever was first has planned another. This one would end what they signed in with afterwards, such as the
            # person's own sign-in where the form was sent twice.
            self.sweeps.done(planned)
            raise _put_out(reference)
        self._tell_changed(replace(account, locale=locale or account.locale), reference or present_reference(), now)
        self._end_everything(account, session)
        return self._sign_in_anew(account, session, session.sign_in, device, now)

    def sign_out_everywhere(self, account: Account, session: Session) -> tuple[ApplicationInUse, ...]:
        """End every session on every device, and every application's token; the applications that were in use."""
        now, reference = self.clock(), present_reference()
        self.sweeps.put(account.id, now=now, began_before=now)
        ended = self._end_everything(account, session)
        self.audit.append("account.signed_out_everywhere", at=now, reference=reference, account_id=account.id)
        tell(self.mails, "access_ended", account, reference=reference, now=now, change="everywhere", changed="")
        # Last, so that whoever reads that it did not work can press again.
        if session.sign_in is not None:
            self.ends_sign_ins.of_session(session.sign_in.sid)
        return ended

    def _sign_in_anew(
        self, account: Account, session: Session, before: SignIn, device: str | None, now: datetime
    ) -> SignedIn:
        """The applications of the sign-in before are being told that it ended.

        It keeps the time at which the person last proved who they are: otherwise whoever found a browser left signed in
        could stay fresh by choosing one password after another.
        """
        return self.signs_in(
            replace(session, sign_in=None),
            account_id=account.id,
            methods=before.methods,
            acr=before.acr,
            device=device,
            now=now,
            authenticated_at=before.proven_at,
        )

    def _problem_with(self, password: str, account: Account) -> PasswordProblem | None:
        return problem_with(
            password,
            address=account.address,
            minimum_length=self.minimum_length,
            known=known_of(account.attributes, *account.addresses, self.service_name, str(self.clock().year)),
        )

    def _tell_changed(self, account: Account, reference: str, now: datetime) -> None:
        self.audit.append("account.password_changed", at=now, reference=reference, account_id=account.id)
        tell(self.mails, "password_changed", account, reference=reference, now=now)

    def _end_everything(self, account: Account, keep: Session) -> tuple[ApplicationInUse, ...]:
        ended = self.ends_sign_ins.of_account(account.id, except_session=keep.id)
        self.devices.forget_account(account.id)
        # On a computer that others use, or of whoever could read a mailbox: they would come in after this.
        self.under_way.void(account.id, *account.addresses, now=self.clock())
        return ended


def _put_out(reference: str | None) -> Refusal:
    """For a sign-in that ended while its new password waited to be hashed.

    Somebody proved to be the person, changed the password, signed out everywhere or closed the account.
    """
    return Refusal("authorization.expired", "put out meanwhile").during(reference or present_reference())
