"""Accounts that nobody uses any more: told by mail, and closed after that where nobody signs in."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from idp.domain.accounts import Account
from idp.domain.inactivity import ClosingNotice, Inactivity, InactivityRule, InactivityState
from idp.domain.keyed import random_id
from idp.domain.messages import DeliveryState, Message
from idp.domain.notices import LIFETIME, notices
from idp.domain.references import new_reference, under_reference
from idp.storage.audit import AuditTrail
from idp.storage.inactivity import InactivityStore
from idp.storage.limits import LimitStore
from idp.storage.one_time_codes import OneTimeCodeStore
from idp.storage.outbox import MailHistory, Outbox
from idp.storage.passkeys import PasskeyStore
from idp.storage.proofings import ProofingStore
from idp.storage.sessions import SessionStore

# Longer than a look takes: where the worker is killed, another one takes over afterwards.
LEASE = timedelta(minutes=5)
# How many accounts are looked at in one go: this worker has other tasks as well, and a first run over all accounts must
# not weigh on the database.
SLICE = 50
# How many notices, and how many closings, all processes together may do in an hour (1,200 a day): a mistake in the rule
# is noticed before it has gone far.
AN_HOUR = 50
KIND = "account_unused"
# The events that count as a use. An application that renews its tokens does so without the person.
USES = frozenset(
    {
        "account.reopened",
        "authorization.answered",
        "device.approved",
        "proofing.completed",
        "proofing.renewed",
        "sign_in.passkey",
        "sign_in.succeeded",
    }
)
_HOUR, _DAY, _WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
# How long until the next try where no mail server takes the notice.
RETRY = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class InactivityFlow:
    """closes: closes an account as its person would, told whether that was begun before. kept: how long it waits then.

    Nothing is written when people sign in: each account is looked at from time to time, and the last use is read from
    what is kept anyway.
    """

    store: InactivityStore
    passkeys: PasskeyStore
    sessions: SessionStore
    codes: OneTimeCodeStore
    proofings: ProofingStore
    outbox: Outbox
    limits: LimitStore
    audit: AuditTrail
    closes: Callable[[Account, bool], None]
    helps: Callable[[Account], bool]
    rule: InactivityRule
    kept: timedelta
    sign_in_url: str

    def look(self, now: datetime) -> bool:
        """Look at some accounts that are due for it; False: what is left waits for the next time."""
        for _ in range(SLICE):
            if not self.look_next(now):
                break
        return False

    def look_next(self, now: datetime) -> bool:
        """Look at one account, and do what is due; False where there is none. Any number of processes may ask."""
        claimed = now + LEASE
        account = self.store.claim(now=now, longest=self.rule.longest, until=claimed)
        if account is None:
            return False
        before = account.inactivity
        with under_reference(before.notice.reference if before and before.notice else ""):
            after = self._looked(account, before, claimed, now)
        if after is not None:
            self.store.record(account.id, after, claimed=claimed)
        return True

    def _looked(
        self, account: Account, before: Inactivity | None, claimed: datetime, now: datetime
    ) -> Inactivity | None:
        """How it stands now; None where another worker has taken it over."""
        if before is None:
            return self.rule.begun(now, now=now)
        if self._was_being_closed(account, before):
            self._finish(account, before)
            return self.rule.begun(now, now=now)
        if not self.rule.was_watched(before, now=now) or self._is_exempt(account):
            return self._kept(account, before, now, now)
        used = max(before.since, self._last_use(account, now))
        if used > before.since or not self.rule.is_unused(used, now=now):
            return self._kept(account, before, used, now)
        if before.notice is None:
            return self._announced(account, before, now)
        told = self._told(account, before, before.notice, now)
        return self._closed(account, told, claimed, now) if told.notice and told.notice.handed_over_at else told

    def _is_exempt(self, account: Account) -> bool:
        """Helpers, the invited, whose end is their invitation's, and what an administrator or the person closed."""
        return account.disabled or account.invited is not None or self.helps(account)

    def _last_use(self, account: Account, now: datetime) -> datetime:
        """By what is kept for good, and by the security log since the account came to be: as far as it reaches."""
        known = [account.created_at, account.proved_at, account.password_changed_at, account.confirmation_put_off_at]
        known += [release.at for release in account.releases]
        known += [passkey.used_at or passkey.created_at for passkey in self.passkeys.of_account(account.id)]
        # A sign-in that lasts, even where its event was lost.
        known += [sign_in.at for sign_in in self.sessions.of_account(account.id, now=now)]
        known += [one.at for one in self.audit.lately(account.id, USES, since=account.created_at, limit=1)]
        return max(moment for moment in known if moment is not None)

    def _kept(self, account: Account, before: Inactivity, since: datetime, now: datetime) -> Inactivity:
        if before.notice is not None:
            self._note("account.inactive_over", account, now)
        return self.rule.begun(since, now=now)

    def _announced(self, account: Account, before: Inactivity, now: datetime) -> Inactivity:
        """The notice is kept first, and mailed at the next look: whoever is killed in between, it goes out once."""
        if not self.limits.count("inactive-notices", limit=AN_HOUR, window=_HOUR, now=now):
            # At a random moment, so that those who have to wait are not all looked at in the same hour.
            later = _HOUR + timedelta(seconds=secrets.randbelow(int(_WEEK.total_seconds())))
            return Inactivity(before.since, now + later, InactivityState.DUE)
        # The mail may leave as late as its lifetime allows. Counted from then, nobody has less time than the rule says.
        closes_at = now + LIFETIME + self.rule.notice
        notice = ClosingNotice(random_id(), new_reference(), now, closes_at)
        return Inactivity(before.since, now, InactivityState.TOLD, notice)

    def _told(self, account: Account, before: Inactivity, notice: ClosingNotice, now: datetime) -> Inactivity:
        """The mails are on their way, left, or never will."""
        if notice.handed_over_at is not None:
            return before
        mails = self._history(notice, KIND)
        if now < notice.at + LIFETIME:
            self._mail(account, before, notice, {mail.message.id for mail in mails}, now)
        accepted = [at for mail in mails for at in mail.accepted_at]
        if now < notice.at + LIFETIME and (not mails or any(map(_is_waiting, mails))):
            return replace(before, look_at=now + _HOUR)
        if not accepted:
            self._note("account.inactive_untold", account, now)
            return Inactivity(before.since, now + min(RETRY, self.rule.longest), InactivityState.UNTOLD)
        return replace(before, notice=replace(notice, handed_over_at=max(accepted)))

    def _mail(
        self, account: Account, before: Inactivity, notice: ClosingNotice, known: set[str], now: datetime
    ) -> None:
        """Mail it to each address to which it is not on its way."""
        missing = [message for message in self._mails(account, before, notice) if message.id not in known]
        if missing and not known and not self._is_noted("account.inactive", notice):
            self._note("account.inactive", account, now, until=notice.closes_at.isoformat())
        for message in missing:
            self.outbox.put(message)

    def _mails(self, account: Account, before: Inactivity, notice: ClosingNotice) -> list[Message]:
        days = {
            "since": before.since.date().isoformat(),
            "closes": notice.closes_at.date().isoformat(),
            "erased": (notice.closes_at + self.kept).date().isoformat(),
        }
        mails = notices(
            KIND,
            account,
            account.addresses,
            reference=notice.reference,
            now=notice.at,
            sign_in_url=self.sign_in_url,
            **days,
        )
        # The same ids every time: what was mailed before is known by them.
        return [replace(message, id=f"{notice.id}-{number}") for number, message in enumerate(mails)]

    def _closed(self, account: Account, before: Inactivity, claimed: datetime, now: datetime) -> Inactivity | None:
        """Close it where its day has come, and nobody is about to sign in."""
        due = self.rule.closes_at(before.notice) if before.notice else now
        if now < due:
            return replace(before, look_at=min(due, now + _DAY))
        if self._is_signing_in(account, now) or not self.limits.count(
            "inactive-closings", limit=AN_HOUR, window=_HOUR, now=now
        ):
            return replace(before, look_at=now + _HOUR)
        closing = replace(before, state=InactivityState.CLOSING)
        present = self.store.record(account.id, closing, claimed=claimed, goes_on=True)
        if present is None:
            return None
        # Again: this process may have been held up since it read the account.
        used = self._last_use(present, now)
        if used > before.since:
            return self._kept(present, before, used, now)
        self.closes(present, False)
        return self.rule.begun(now, now=now)

    def _is_signing_in(self, account: Account, now: datetime) -> bool:
        return self.codes.is_awaited(account.addresses, now=now) or self.proofings.is_under_way(
            account.id, account.addresses, now=now
        )

    def _was_being_closed(self, account: Account, before: Inactivity) -> bool:
        return before.state is InactivityState.CLOSING and account.disabled and account.reopens_until is not None

    def _finish(self, account: Account, before: Inactivity) -> None:
        """Who closed it was killed: whatever they may have left out is done, and its person told once."""
        if before.notice is None or not self._history(before.notice, "account_closed"):
            self.closes(account, True)

    def _history(self, notice: ClosingNotice, kind: str) -> list[MailHistory]:
        return [mail for mail in self.outbox.history(references=(notice.reference,)) if mail.message.kind == kind]

    def _is_noted(self, event: str, notice: ClosingNotice) -> bool:
        """Whether somebody who was killed then had come that far."""
        return any(one.event == event for one in self.audit.events(references=(notice.reference,)))

    def _note(self, event: str, account: Account, now: datetime, **fields: str) -> None:
        notice = account.inactivity.notice if account.inactivity else None
        reference = notice.reference if notice else new_reference()
        self.audit.append(event, at=now, reference=reference, account_id=account.id, **fields)


def _is_waiting(mail: MailHistory) -> bool:
    return mail.delivery.state is DeliveryState.WAITING or mail.delivery.retry_at is not None
