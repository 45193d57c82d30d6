"""Every collection on one connection, and their indexes."""

from dataclasses import dataclass
from datetime import timedelta

from idp.domain.keyed import SecretKey
from idp.domain.measures import Hears, nobody
from idp.settings import Settings
from idp.storage import (
    account_addresses,
    accounts,
    audit,
    authorizations,
    closed_accounts,
    consents,
    device_authorizations,
    devices,
    embedded,
    grants,
    helpdesk_sessions,
    inactivity,
    invitations,
    learned_domains,
    limits,
    logout_notices,
    merged_accounts,
    merges,
    one_time_codes,
    outbox,
    passkeys,
    proofing_records,
    proofings,
    pushed_requests,
    releases,
    sessions,
    sweeps,
    under_way,
    used_jtis,
)
from idp.storage import clients as registered
from idp.storage.command_times import TimesCommands
from idp.storage.database import Database
from idp.storage.time_limit import TimesOperations

AUDIT_KEPT = audit.KEPT

INDEXES = (
    accounts.INDEXES,
    audit.INDEXES,
    authorizations.INDEXES,
    consents.INDEXES,
    device_authorizations.INDEXES,
    devices.INDEXES,
    grants.INDEXES,
    helpdesk_sessions.INDEXES,
    invitations.INDEXES,
    registered.TOKEN_INDEXES,
    learned_domains.INDEXES,
    limits.INDEXES,
    logout_notices.INDEXES,
    merges.INDEXES,
    one_time_codes.INDEXES,
    outbox.INDEXES,
    *passkeys.INDEXES,
    proofing_records.INDEXES,
    *proofings.INDEXES,
    pushed_requests.INDEXES,
    sessions.INDEXES,
    sweeps.INDEXES,
    used_jtis.INDEXES,
)


@dataclass(frozen=True, slots=True)
class Stores:
    """Every collection, on one connection."""

    accounts: accounts.AccountStore
    account_addresses: account_addresses.AccountAddresses
    closed_accounts: closed_accounts.ClosedAccounts
    merged_accounts: merged_accounts.MergedAccounts
    merges: merges.MergeStore
    audit: audit.AuditTrail
    authorizations: authorizations.AuthorizationStore
    clients: registered.ClientStore
    codes: one_time_codes.OneTimeCodeStore
    consents: consents.ConsentStore
    device_authorizations: device_authorizations.DeviceAuthorizationStore
    devices: devices.DeviceStore
    grants: grants.GrantStore
    inactivity: inactivity.InactivityStore
    initial_tokens: registered.InitialTokenStore
    helpdesk_sessions: helpdesk_sessions.HelpdeskSessionStore
    invitations: invitations.InvitationStore
    learned_domains: learned_domains.LearnedDomains
    limits: limits.LimitStore
    logout_notices: logout_notices.LogoutNotices
    outbox: outbox.Outbox
    passkeys: passkeys.PasskeyStore
    proofing_records: proofing_records.ProofingRecordStore
    proofings: proofings.ProofingStore
    releases: releases.ReleaseStore
    sessions: sessions.SessionStore
    pushed_requests: pushed_requests.PushedRequestStore
    sweeps: sweeps.SweepStore
    under_way: under_way.UnderWay
    used_jtis: used_jtis.UsedJtis

    @classmethod
    def on(
        cls, database: Database, secret: SecretKey, audit_kept: timedelta = AUDIT_KEPT, heard: Hears = nobody
    ) -> "Stores":
        """secret: proves events. audit_kept: how long events of the security log stay. heard: told of each of them."""
        codes, proofs = one_time_codes.OneTimeCodeStore(database), proofings.ProofingStore(database)
        return cls(
            accounts=accounts.AccountStore(database),
            account_addresses=account_addresses.AccountAddresses(database),
            closed_accounts=closed_accounts.ClosedAccounts(database),
            merged_accounts=merged_accounts.MergedAccounts(database),
            merges=merges.MergeStore(database),
            audit=audit.AuditTrail(database, secret, audit_kept, heard),
            authorizations=authorizations.AuthorizationStore(database),
            clients=registered.ClientStore(database),
            codes=codes,
            consents=consents.ConsentStore(database),
            device_authorizations=device_authorizations.DeviceAuthorizationStore(database),
            devices=devices.DeviceStore(database),
            grants=grants.GrantStore(database),
            inactivity=inactivity.InactivityStore(database),
            initial_tokens=registered.InitialTokenStore(database),
            helpdesk_sessions=helpdesk_sessions.HelpdeskSessionStore(database),
            invitations=invitations.InvitationStore(database),
            learned_domains=learned_domains.LearnedDomains(database),
            limits=limits.LimitStore(database),
            logout_notices=logout_notices.LogoutNotices(database),
            outbox=outbox.Outbox(database),
            passkeys=passkeys.PasskeyStore(database),
            proofing_records=proofing_records.ProofingRecordStore(database),
            proofings=proofs,
            releases=releases.ReleaseStore(database),
            sessions=sessions.SessionStore(database),
            pushed_requests=pushed_requests.PushedRequestStore(database),
            sweeps=sweeps.SweepStore(database),
            under_way=under_way.UnderWay(proofs, codes),
            used_jtis=used_jtis.UsedJtis(database),
        )


def audit_trail(configured: Settings, database: Database) -> audit.AuditTrail:
    """The security log of a process that needs no other store."""
    secret, kept = SecretKey(configured.secret_key.encode()), timedelta(days=configured.retention.audit_days)
    return audit.AuditTrail(database, secret, kept)


def connect(
    configured: Settings, *, timed: TimesOperations | None = None, commanded: TimesCommands | None = None
) -> Database:
    """The database that the settings name, or the embedded one, started unless another process has.

    timed, commanded: see ``Database``.
    """
    uri = configured.mongodb.uri or embedded.ensure(configured.var_dir / "mongodb")
    stored = configured.mongodb
    return Database(uri, stored.database, timeout_ms=stored.timeout_ms, timed=timed, commanded=commanded)
