"""Invited people come: the account is made once the code that was mailed to them is entered."""

from dataclasses import dataclass
from datetime import datetime

from idp.domain.accounts import Account, Invited
from idp.domain.invitations import Invitation
from idp.domain.keyed import random_token
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.database import AlreadyExists
from idp.storage.invitations import InvitationStore


@dataclass(frozen=True, slots=True)
class Admission:
    """``domain.invitations.AdmitsInvited`` over the stores."""

    invitations: InvitationStore
    accounts: AccountStore
    audit: AuditTrail

    def open_for(self, address: str, *, now: datetime) -> str | None:
        invitation = self.invitations.open_for(address, now=now)
        return invitation.id if invitation else None

    def __call__(self, invitation_id: str, address: str, *, reference: str, now: datetime) -> Account | None:
        invitation = self.invitations.use(invitation_id, address, now=now)
        if invitation is None:
            return None
        account = _account(invitation, now)
        try:
            self.accounts.create(account)
        except AlreadyExists:
            # Two browsers at once, or a university was quicker: the mailbox is the same person's in both.
            return self.accounts.by_address(address)
        self.audit.append(
            "invitation.accepted",
            at=now,
            reference=reference,
            account_id=account.id,
            invitation=invitation.reference,
            operator=invitation.operator,
        )
        if self.invitations.use(invitation_id, address, now=now) is None:
            # Withdrawn meanwhile by somebody who found no account to end yet.
            self.accounts.invite(account.id, Invited(invitation.invitee.role, now), account.attributes)
            return None
        return account


def _account(invitation: Invitation, now: datetime) -> Account:
    one = invitation.invitee
    return Account(
        id=invitation.account_id,
        subject=random_token(),
        created_at=now,
        addresses=(one.address,),
        attributes=one.attributes,
        invited=Invited(one.role, one.expires_at),
    )
