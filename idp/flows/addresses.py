"""A person's own addresses: one more, proven by a mailed code; another primary one; one less."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain import addresses, one_time_codes
from idp.domain.accounts import Account
from idp.domain.addresses import InvalidAddress
from idp.domain.errors import Refusal
from idp.domain.guessing import MAILS_PER_HOUR, SHARED_BUDGET, WINDOW, mail_limit, proofing_limit
from idp.domain.keyed import SecretKey, random_id
from idp.domain.merging import OFFER_LIFETIME, Merge
from idp.domain.messages import Delivery, MailQueue, Message
from idp.domain.notices import tell
from idp.domain.one_time_codes import SENT_TWICE, CodePurpose, OneTimeCode
from idp.domain.references import present_reference, reference_of
from idp.domain.sessions import Session
from idp.storage.account_addresses import MOST_ADDRESSES, AccountAddresses
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.database import AlreadyExists
from idp.storage.limits import LimitStore
from idp.storage.merges import MergeStore
from idp.storage.one_time_codes import OneTimeCodeStore
from idp.storage.sessions import SessionStore

# Whoever has an account cannot have a whole university mailed.
CODES_PER_HOUR = 10


@dataclass(frozen=True, slots=True)
class AddressesFlow:
    accounts: AccountStore
    addresses: AccountAddresses
    codes: OneTimeCodeStore
    limits: LimitStore
    merges: MergeStore
    sessions: SessionStore
    mails: MailQueue
    audit: AuditTrail
    secret: SecretKey
    clock: Callable[[], datetime]

    def ask(
        self, account: Account, session: Session, typed: str, *, locale: str | None, is_again: bool = False
    ) -> OneTimeCode | str:
        """Mail a code to the address that was typed; else the key of a field sentence.

        is_again: the person asks for another mail; else a form that is sent twice mails once. Whether another account
        has it makes no difference here: who asks has proven nothing yet.
        """
        try:
            address = addresses.clean(typed)
        except InvalidAddress as error:
            return error.key
        if address in account.addresses:
            return "email.yours_already"
        if len(account.addresses) >= MOST_ADDRESSES:
            return "email.enough"
        now = self.clock()
        if not self._may_mail(account, address, now):
            return "code.too_many_mails"
        code = self.codes.issue(_new_code(account, session, address, now), now=now)
        # The first mail of a code has its id, so that of two requests at once one is mailed.
        is_first = not is_again and now - code.created_at < SENT_TWICE
        with contextlib.suppress(AlreadyExists):
            self.mails.put(_message(code.id if is_first else random_id(), code, locale, now))
        return code

    def still_valid(self, account: Account, session: Session, typed: str) -> OneTimeCode | None:
        """The code that was mailed to this address before, where ``ask`` mails no other one."""
        now = self.clock()
        return self.codes.live(_new_code(account, session, addresses.clean(typed), now), now=now)

    def asked(self, account: Account, session: Session, code_id: str) -> OneTimeCode | None:
        """The code that this person asked for in this browser."""
        code = self.codes.find(code_id, session.browser)
        is_theirs = code is not None and code.purpose is CodePurpose.ADDRESS and code.account_id == account.id
        return code if is_theirs else None

    def is_used_up(self, code: OneTimeCode, session: Session) -> bool:
        """Whether no try is left of the code; mailed again, it is the same one."""
        return self.codes.is_used_up(code.id, session.browser, now=self.clock())

    def delivery(self, code: OneTimeCode) -> Delivery | None:
        """How far the mail with the code got."""
        return self.mails.last_delivery(reference_of(code.id), code.address)

    def confirm(self, account: Account, session: Session, code: OneTimeCode, typed: str) -> Merge | str | None:
        """Take the code: None where the address is the account's now, or the key of a field sentence.

        An offer to merge where another account has the address, which is told to nobody but who reads its mail. Refuses
        ``authorization.expired`` who was put out of the account meanwhile.
        """
        if code.address in account.addresses:
            # The form was sent twice: the first one has taken the code.
            return None
        problem = self._problem_with(code, session, typed)
        return problem or self._take(account, session, code.address)

    def make_primary(self, account: Account, address: str) -> bool:
        """Put one of the account's addresses first; relying parties see it as ``email`` from now on."""
        done = self.addresses.make_primary(account.id, address)
        if done:
            self._tell(account, "primary", address)
        return done

    def remove(self, account: Account, address: str) -> bool:
        """Take one of several addresses away; a proof at the university may bring it back."""
        done = self.addresses.remove(account.id, address)
        if done:
            self.codes.void_address(address, now=self.clock())
            self._tell(account, "removed", address)
        return done

    def _may_mail(self, account: Account, address: str, now: datetime) -> bool:
        of_account = self.secret.hash("added-addresses", account.id)
        hour = timedelta(hours=1)
        return self.limits.count(of_account, limit=CODES_PER_HOUR, window=hour, now=now) and self.limits.count(
            mail_limit(self.secret, address), limit=MAILS_PER_HOUR, window=hour, now=now
        )

    def _problem_with(self, code: OneTimeCode, session: Session, typed: str) -> str | None:
        now, digits = self.clock(), one_time_codes.typed_digits(typed)
        if digits is None:
            return one_time_codes.why_no_digits(typed)
        guesses = proofing_limit(self.secret, code.address)
        if not self.limits.allows(guesses, limit=SHARED_BUDGET, window=WINDOW, now=now):
            return "code.too_many"
        if self.codes.attempt(code.id, session.browser, now=now) is None:
            return self.codes.why_not(code.id, session.browser, now=now)
        if not one_time_codes.is_right(self.secret, code, digits):
            self.limits.count(guesses, limit=SHARED_BUDGET, window=WINDOW, now=now)
            return "code.wrong"
        return None if self.codes.take(code.id, now=now) else "code.expired"

    def _take(self, account: Account, session: Session, address: str) -> Merge | str | None:
        owner = self.accounts.by_address(address)
        if owner is None:
            try:
                if not self.addresses.add(account.id, address):
                    return "email.enough"
            except AlreadyExists:
                # Somebody was first between the two lines above.
                owner = self.accounts.by_address(address)
            else:
                # Whoever ended this sign-in may have taken the account's addresses away before this one was there.
                if not self.sessions.lasts(session, now=self.clock()) and self.addresses.remove(account.id, address):
                    raise Refusal("authorization.expired", "put out meanwhile")
                self._tell(account, "added", address)
                return None
        if owner is None or owner.disabled:
            return "email.of_closed_account"
        return None if owner.id == account.id else self._offer(account, owner, session, address)

    def _offer(self, account: Account, owner: Account, session: Session, address: str) -> Merge:
        now = self.clock()
        merge = Merge(random_id(), account.id, owner.id, address, created_at=now, until=now + OFFER_LIFETIME)
        self.merges.offer(merge, session.browser)
        self._note("account.merge_offered", account, other=owner.id)
        return merge

    def _tell(self, account: Account, change: str, address: str) -> None:
        """The addresses of before are told, so that nobody loses an account unawares."""
        reference = self._note(f"account.address_{change}", account)
        fields = {"change": change, "changed": address}
        tell(self.mails, "addresses_changed", account, reference=reference, now=self.clock(), **fields)

    def _note(self, event: str, account: Account, **fields: str) -> str:
        """The reference under which the audit trail tells of it, without the address."""
        reference = present_reference()
        self.audit.append(event, at=self.clock(), reference=reference, account_id=account.id, **fields)
        return reference


def _new_code(account: Account, session: Session, address: str, now: datetime) -> OneTimeCode:
    return OneTimeCode(
        id=random_id(),
        purpose=CodePurpose.ADDRESS,
        browser=session.browser,
        address=address,
        created_at=now,
        expires_at=now + one_time_codes.LIFETIME,
        account_id=account.id,
    )


def _message(mail_id: str, code: OneTimeCode, locale: str | None, now: datetime) -> Message:
    return Message(
        id=mail_id,
        kind="new_address",
        to=code.address,
        locale=locale,
        created_at=now,
        expires_at=code.expires_at,
        reference=reference_of(code.id),
        record_id=code.id,
    )
