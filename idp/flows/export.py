"""Everything that is held on a person, for the person (GDPR articles 15 and 20); no secret and no hash of one.

Nor who else is in it (article 15(4)): which helper acted, and whose account another one is.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from idp.domain.accounts import Account
from idp.domain.affiliations import AffiliationPeriods
from idp.domain.claims import AFFILIATIONS
from idp.domain.consent import Consent
from idp.domain.grants import Grant
from idp.domain.helpdesk import Act
from idp.domain.merging import Merge
from idp.domain.passkeys import Passkey
from idp.domain.references import present_reference
from idp.domain.releases import Release
from idp.domain.sessions import SignIn
from idp.storage.audit import AuditTrail
from idp.storage.consents import ConsentStore
from idp.storage.devices import DeviceStore
from idp.storage.grants import GrantStore
from idp.storage.merges import MergeStore
from idp.storage.outbox import MailHistory, Outbox
from idp.storage.passkeys import PasskeyStore
from idp.storage.proofing_records import ProofingRecordStore
from idp.storage.sessions import SessionStore

# Fields of audit events that name other people than the one whom the event is about.
_OF_OTHERS = frozenset({"operator", "owner", "previous_account"})
# More than an account's addresses are sent in the days for which mails are kept.
_MOST_MAILS = 10_000


@dataclass(frozen=True, slots=True)
class ExportFlow:
    records: ProofingRecordStore
    sessions: SessionStore
    grants: GrantStore
    consents: ConsentStore
    passkeys: PasskeyStore
    merges: MergeStore
    devices: DeviceStore
    outbox: Outbox
    audit: AuditTrail
    periods: AffiliationPeriods
    clock: Callable[[], datetime]

    def export(self, account: Account, act: Act | None = None) -> dict[str, Any]:
        """What is held at this moment, as JSON; times are in UTC (RFC 3339).

        act: of whoever takes the copy in the person's place, None where the person does.
        """
        now = self.clock()
        event, fields = ("helpdesk.exported", act.fields) if act else ("account.exported", {})
        self.audit.append(event, at=now, reference=present_reference(), account_id=account.id, **fields)
        whole = {
            "exported_at": now,
            "account": _account(account),
            "addresses": account.addresses,
            "identities": [asdict(identity) for identity in account.identities],
            "attributes": account.attributes,
            "affiliations_count_until": _last_days(account, self.periods),
            "proofing_records": [asdict(record) for record in self.records.of_account(account.id)],
            "sessions": [_session(sign_in) for sign_in in self.sessions.of_account(account.id, now=now)],
            "applications": [_grant(grant) for grant in self.grants.of_account(account.id)],
            "releases": [_release(release) for release in account.releases],
            "consents": [_consent(consent) for consent in self.consents.of_account(account.id)],
            "passkeys": [_passkey(passkey) for passkey in self.passkeys.of_account(account.id)],
            "merges": [_merge(merge) for merge in self.merges.of_survivor(account.id, now=now)],
            "known_browsers": len(self.devices.of_account(account.id)),
            "mails": [_mail(mail) for mail in self._mails(account)],
            "events": [_event(event) for event in self.audit.by_account(account.id)],
        }
        plain: dict[str, Any] = _plain(whole)
        return plain

    def _mails(self, account: Account) -> list[MailHistory]:
        """Those to the account's addresses; not what somebody else was sent there before the account's first proof."""
        began = min([account.created_at, *(record.started_at for record in self.records.of_account(account.id))])
        found = self.outbox.history(addresses=account.addresses, limit=_MOST_MAILS)
        return [mail for mail in found if mail.message.created_at >= began]


def _account(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "subject": account.subject,
        "created_at": account.created_at,
        "proved_at": account.proved_at,
        "has_password": account.password_hash is not None,
        "password_changed_at": account.password_changed_at,
        "only_passkeys": account.only_passkeys,
        "confirmation_put_off_at": account.confirmation_put_off_at,
        "inactivity": asdict(account.inactivity) if account.inactivity else None,
        "locale": account.locale,
        "disabled": account.disabled,
        "invited": asdict(account.invited) if account.invited else None,
        "bounces": [asdict(bounce) for bounce in account.bounces],
        "clients": account.clients,
        "former_subjects": [asdict(former) for former in account.former_subjects],
    }


def _last_days(account: Account, periods: AffiliationPeriods) -> dict[str, date]:
    checked_at = account.proved_at or account.created_at
    values = [value for name in AFFILIATIONS for value in account.attributes.get(name, ())]
    return {value: periods.last_day(value, checked_at) for value in values}


def _sign_in(sign_in: SignIn) -> dict[str, Any]:
    return {
        "at": sign_in.at,
        "authenticated_at": sign_in.proven_at,
        "methods": sign_in.methods,
        "acr": sign_in.acr,
        "ends_at": sign_in.ends_at,
    }


def _session(sign_in: SignIn) -> dict[str, Any]:
    return _sign_in(sign_in) | {"device": str(sign_in.kind or "")}


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "client_id": grant.client_id,
        "subject": grant.subject,
        "scope": grant.scope,
        "claims": grant.claims,
        "redirect_uri": grant.redirect_uri,
        "resources": grant.resources,
        "created_at": grant.created_at,
        "expires_at": grant.expires_at,
        "sign_in": _sign_in(grant.sign_in),
    }


def _release(release: Release) -> dict[str, Any]:
    return {"client_id": release.client_id, "claims": sorted(release.claims), "last_at": release.at}


def _consent(consent: Consent) -> dict[str, Any]:
    return {
        "client_id": consent.client_id,
        "scope": sorted(consent.scope),
        "claims": sorted(consent.claims),
        "given_at": consent.given_at,
    }


def _passkey(passkey: Passkey) -> dict[str, Any]:
    return {
        "id": passkey.id,
        "name": passkey.name,
        "created_at": passkey.created_at,
        "used_at": passkey.used_at,
        "suspected_at": passkey.suspected_at,
        "is_synced": passkey.credential.is_synced,
        "is_backed_up": passkey.credential.is_backed_up,
        "aaguid": passkey.credential.aaguid,
        "transports": passkey.credential.transports,
    }


def _merge(merge: Merge) -> dict[str, Any]:
    return {"address": merge.address, "at": merge.created_at, "undo_until": merge.until, "clients": merge.clients}


def _mail(mail: MailHistory) -> dict[str, Any]:
    message = mail.message
    return {
        "kind": message.kind,
        "to": message.to,
        "created_at": message.created_at,
        "reference": message.reference,
        "attempts": [asdict(attempt) for attempt in mail.attempts],
    }


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in event["fields"].items() if name not in _OF_OTHERS}
    return {**event, "fields": fields}


def _plain(value: Any) -> Any:
    """The same in the types of JSON."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value
