"""Inviting people whom no university vouches for, and taking an invitation back: an administrator's acts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.accounts import Account, Invited
from idp.domain.helpdesk import Act
from idp.domain.invitation_list import InvitationFaults, UnfitInvitee, invitee, read_list
from idp.domain.invitations import Invitation, InvitationState, Invitee
from idp.domain.keyed import random_id
from idp.domain.messages import MailQueue, Message
from idp.domain.references import present_reference
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.invitations import InvitationStore

MAIL_LIFETIME = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class InvitationFlow:
    """sign_in_url: where the mail says that the person signs in; no secret is in it."""

    invitations: InvitationStore
    accounts: AccountStore
    mails: MailQueue
    audit: AuditTrail
    sign_in_url: str
    clock: Callable[[], datetime]

    def invite(
        self,
        address: str,
        given_name: str,
        family_name: str,
        role: str,
        expires: str,
        act: Act,
        *,
        by_mail: bool,
        own: str = "",
    ) -> Invitation:
        """Invite one person until the end of a day (2027-08-31); again: with other names or until another day.

        own: the account of whoever invites, which they neither prolong nor rename. Raises UnfitInvitee.
        """
        one = invitee(address, given_name, family_name, role, expires, now=self.clock())
        known = self._account_of(one.address, self.invitations.of_address(one.address))
        if known is not None and known.id == own:
            raise UnfitInvitee("address", "helpdesk.own_account", f"{one.address} is the inviter's own")
        if self._is_known(one):
            raise UnfitInvitee("address", "invitee.known", _known(one))
        return self._invite(one, act, by_mail)

    def invite_list(self, raw: bytes, act: Act, *, by_mail: bool) -> tuple[Invitation, ...]:
        """Invite everybody of a list, or nobody where anything in it is wrong (InvitationFaults).

        Giving the same list again, after the database was away half-way, invites nobody twice.
        """
        found = read_list(raw, now=self.clock())
        known = [f"line {line}: {_known(one)}" for line, one in found if self._is_known(one)]
        if known:
            raise InvitationFaults(*known)
        return tuple(self._invite(one, act, by_mail) for _, one in found)

    def every(self) -> tuple[Invitation, ...]:
        """The invitations that were not withdrawn, whether somebody came or not."""
        return self.invitations.every()

    def withdraw(self, address: str, act: Act) -> bool:
        """End the invitation, and the account that came of it within seconds; False where there is none."""
        found = self.invitations.of_address(address)
        if found is None:
            return False
        # The account first: who is cut short here finds the invitation still there, and withdraws it once more.
        self._prolong(found, until=self.clock())
        withdrawn = self.invitations.withdraw(address)
        if withdrawn is None:
            return False
        # Who came between the two lines above came by the invitation as well.
        self._prolong(withdrawn, until=self.clock())
        self._note("invitation.withdrawn", withdrawn, act)
        return True

    def _is_known(self, one: Invitee) -> bool:
        """Whom a university vouches for, or who was disabled, needs something else than an invitation."""
        account = self._account_of(one.address, self.invitations.of_address(one.address))
        return account is not None and (account.invited is None or (account.disabled and not account.expired))

    def _account_of(self, address: str, invitation: Invitation | None) -> Account | None:
        """The account that rests on the invitation, under whatever address it goes today, else that of the address."""
        own = self.accounts.find(invitation.account_id) if invitation is not None else None
        # One without an address was merged into another one, which has the address now.
        return own if own is not None and own.addresses else self.accounts.by_address(address)

    def _invite(self, one: Invitee, act: Act, by_mail: bool) -> Invitation:
        now = self.clock()
        before = self.invitations.of_address(one.address)
        known = self._account_of(one.address, before)
        asked = Invitation(random_id(), known.id if known else random_id(), one, act.operator, present_reference(), now)
        if by_mail and before is None:
            # First: who is cut short and invites again finds an invitation, to which no mail goes.
            self._mail(asked, now)
        invitation = self.invitations.put(asked, anew=known is None)
        self._prolong(invitation, until=one.expires_at)
        self._note("invitation.made" if before is None else "invitation.changed", invitation, act)
        return invitation

    def _prolong(self, invitation: Invitation, *, until: datetime) -> None:
        """Where the person came already, the account says the same as the invitation."""
        one = invitation.invitee
        present = self._account_of(one.address, invitation)
        # Where the account was merged into another one, both are changed: parted again, it must not bring back the old
        # date.
        for account_id in {invitation.account_id} | ({present.id} if present else set()):
            self.accounts.invite(account_id, Invited(one.role, until), one.attributes)

    def _mail(self, invitation: Invitation, now: datetime) -> None:
        self.mails.put(
            Message(
                id=random_id(),
                kind="invitation",
                to=invitation.invitee.address,
                locale=None,
                created_at=now,
                expires_at=now + MAIL_LIFETIME,
                reference=invitation.reference,
                fields={"sign_in_url": self.sign_in_url},
            )
        )

    def _note(self, event: str, invitation: Invitation, act: Act) -> None:
        one = invitation.invitee
        self.audit.append(
            event,
            at=self.clock(),
            reference=invitation.reference,
            account_id=invitation.account_id if invitation.state is InvitationState.USED else None,
            role=one.role,
            until=one.expires_at.isoformat(),
            **act.fields,
        )


def _known(one: Invitee) -> str:
    return f"{one.address} has an account already"
