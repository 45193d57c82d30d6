"""What an installation lacks: every part looked at, each in bounded time, and what to mend."""

import os
import shutil
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from idp.domain.addresses import is_well_formed
from idp.domain.client_secrets import is_public
from idp.domain.clients import Client
from idp.domain.errors import ConfigurationError, ServiceUnavailable
from idp.domain.federation import MetadataFileStatus
from idp.domain.findings import Finding, Level
from idp.domain.loopback import is_loopback
from idp.domain.pinned_keys import PinnedKey
from idp.domain.signing_keys import KeyState
from idp.mail.delivery import MailServer
from idp.mail.sender_domain import Lookup, sender_findings
from idp.mail.server_check import server_problem
from idp.openid.issuer_certificate import certificate_ends
from idp.openid.key_files import SigningKey
from idp.openid.release import releasable
from idp.saml.own_metadata import ServiceDescription
from idp.saml.registration import wanting
from idp.storage.audit_seal_checks import SealedUntil
from idp.storage.database import Database, Indexes
from idp.storage.database_state import DatabaseState, database_state
from idp.storage.migrations.schema_state import SchemaState, schema_state

_SOON = timedelta(days=14)
_CLOCKS_APART = timedelta(seconds=2)
_CLOCKS_FAR_APART = timedelta(seconds=30)
# An administrator who changed the secret key by mistake notices it within this time; later the change is history.
_KEY_CHANGE = timedelta(days=14)
# One a night, and one of them may fail.
_BACKUP_AGE = timedelta(days=2)
_KEY_AGE = timedelta(days=365)
_FREE_BYTES = (200_000_000, 2_000_000_000)

Keys = Iterable[tuple[SigningKey, KeyState]]


@dataclass(frozen=True, slots=True)
class ConsoleClient:
    """The helpdesk console, a relying party of our own. operators: their addresses and subjects."""

    client_id: str
    callback_url: str
    operators: Collection[str]


@dataclass(frozen=True, slots=True)
class Doctor:
    """keys, clients, metadata_files, pinned_keys (after metadata_files): read when asked for. var_dir: whose disk may
    fill up.

    clients: the clients of the clients file. console: None where it is off. from_address: the sender of mails. look_up,
    mail_servers: TXT and MX records. description: what our own metadata says of us. maildir: the folder of mail that
    comes back, None where it comes back otherwise. sealed_until: the end of another secret key, None where the security
    log knows no other key. last_backup: None where the security log knows of none.
    """

    issuer: str
    var_dir: Path
    keys_dir: Path
    mail_server: MailServer
    from_address: str
    dkim_selector: str
    look_up: Lookup
    mail_servers: Lookup
    database: Callable[[], Database]
    indexes: Sequence[Indexes]
    keys: Callable[[], Keys]
    clients: Callable[[], Sequence[Client]]
    console: ConsoleClient | None
    metadata_files: Callable[[], Sequence[MetadataFileStatus]]
    pinned_keys: Callable[[], Mapping[str, Sequence[PinnedKey]]]
    description: ServiceDescription
    maildir: Path | None
    sealed_until: Callable[[], SealedUntil | None]
    last_backup: Callable[[], datetime | None]
    clock: Callable[[], datetime]

    def findings(self) -> Iterator[Finding]:
        """Look at every part, one after the other; a part that fails is a finding, never an exception."""
        yield Finding("settings", Level.OK, "read and accepted")
        yield from self._database()
        yield self._smtp()
        domain = self.from_address.rpartition("@")[2]
        yield from sender_findings(domain, self.dkim_selector, self.look_up, self.mail_servers)
        yield from self._maildir()
        yield self._certificate()
        yield from self._signing_keys()
        yield from self._key_files()
        yield from self._clients()
        yield from self._federation()
        yield from self._registration()
        yield self._disk()

    def _database(self) -> Iterator[Finding]:
        before = self.clock()
        try:
            database = self.database()
            state, schema = database_state(database, self.indexes), schema_state(database)
            after = self.clock()
        except (ServiceUnavailable, ConfigurationError) as problem:
            mend = "start MongoDB, mend mongodb.uri; writes need a majority of the replica set"
            yield Finding("database", Level.FAULT, str(problem), mend)
            return
        yield _of_database(state)
        if state.missing:
            mend = "start the provider once, it makes them"
            yield Finding("indexes", Level.FAULT, "missing: " + ", ".join(state.missing), mend)
        else:
            yield Finding("indexes", Level.OK, "all there")
        yield _of_schema(schema)
        yield _of_clock(state.local_time, before, after)
        yield _of_security_log("secret key", self._secret_key)
        yield _of_security_log("backup", self._backup)

    def _secret_key(self) -> Finding:
        """Nothing else tells of another key: every page answers, and everybody reads that the password is wrong."""
        until = self.sealed_until()
        if until is None:
            return Finding("secret key", Level.OK, "no seal of the security log was made under another")
        at = f"{until.at:%Y-%m-%dT%H:%M:%SZ}"
        if until.began_ours:
            text = f"some process had another one at {at}: what it hashed and mailed does not fit here, nor ours there"
            mend = "give every machine the same IDP_SECRET_KEY, and restart them; this is told for twenty seals more"
            return Finding("secret key", Level.WARNING, text, mend)
        if until.is_newest:
            text = f"not the one under which the security log was sealed at {at}; no password from then fits"
            mend = "set IDP_SECRET_KEY to that one again (`idp backup --with-keys` keeps it); `idp audit verify`"
            return Finding("secret key", Level.FAULT, text, mend)
        text = f"another one until {at}; passwords from before do not fit"
        if self.clock() - until.at > _KEY_CHANGE:
            return Finding("secret key", Level.OK, text)
        return Finding("secret key", Level.WARNING, text, "put the old one back, unless it was changed on purpose")

    def _backup(self) -> Finding:
        mend = "enable idp-backup.timer, look at its log; other copies, such as a disk's, are not known here"
        made_at = self.last_backup()
        if made_at is None:
            return Finding("backup", Level.WARNING, "`idp backup` never made one of this database", mend)
        level = Level.OK if self.clock() - made_at < _BACKUP_AGE else Level.WARNING
        text = f"the last one is of {made_at:%Y-%m-%dT%H:%M:%SZ}"
        return Finding("backup", level, text, "" if level is Level.OK else mend)

    def _smtp(self) -> Finding:
        server = self.mail_server
        where, problem = f"{server.host}:{server.port}", server_problem(server, self.from_address)
        if problem is not None:
            return Finding("smtp", Level.FAULT, f"{where}: {problem}", "mend [smtp], or the mail server")
        if server.tls == "none" and server.username:
            return Finding("smtp", Level.WARNING, f"{where} takes mail, the password travels in clear", "set smtp.tls")
        if server.tls == "none" and not is_loopback(server.host):
            return Finding("smtp", Level.WARNING, f"{where} takes mail, codes travel in clear", "set smtp.tls")
        return Finding("smtp", Level.OK, f"{where} takes mail")

    def _maildir(self) -> Iterator[Finding]:
        """The reader of this folder says nothing while the folder is missing: no mail may have come back yet."""
        if self.maildir is None:
            return
        if os.access(self.maildir, os.R_OK | os.W_OK | os.X_OK) and self.maildir.is_dir():
            yield Finding("bounces", Level.OK, f"{self.maildir} can be read")
        else:
            mend = "set bounces.maildir to the folder that the mail server delivers to, for the provider's user"
            yield Finding("bounces", Level.WARNING, f"{self.maildir}: no folder that can be read and written", mend)

    def _certificate(self) -> Finding:
        if not self.issuer.startswith("https:"):
            return Finding("tls", Level.WARNING, "the issuer is http, for this machine alone", "set an https issuer")
        try:
            ends = certificate_ends(self.issuer)
        except ServiceUnavailable as problem:
            return Finding("tls", Level.FAULT, problem.detail, "mend the reverse proxy or its certificate")
        days = (ends - self.clock()).days
        level = Level.WARNING if days < _SOON.days else Level.OK
        return Finding("tls", level, f"certificate valid for {days} days", "" if level is Level.OK else "renew it")

    def _signing_keys(self) -> Iterator[Finding]:
        try:
            every = tuple(self.keys())
        except (ConfigurationError, OSError) as problem:
            yield Finding("keys", Level.FAULT, str(problem), "mend the file; `idp keys list`")
            return
        for key, state in every:
            age = self.clock() - key.signs_from
            text = f"{key.path.name}: {key.algorithm}, {state}, {max(age.days, 0)} days old"
            if state is KeyState.SIGNING and age > _KEY_AGE:
                yield Finding("keys", Level.WARNING, text, f"idp keys rotate --algorithm {key.algorithm}")
            elif state is KeyState.RETIRED:
                yield Finding("keys", Level.WARNING, text, "idp keys retire")
            else:
                yield Finding("keys", Level.OK, text)

    def _key_files(self) -> Iterator[Finding]:
        """Private keys are for the provider's user alone."""
        try:
            yield from self._open_to_everybody()
        except OSError as problem:
            mend = "let the provider's user read it"
            yield Finding("keys", Level.FAULT, f"{problem.filename}: cannot be looked at: {problem.strerror}", mend)

    def _open_to_everybody(self) -> Iterator[Finding]:
        for path in (self.keys_dir, *sorted(self.keys_dir.rglob("*"))):
            is_private = path.is_dir() or (path.is_file() and path.suffix in (".pem", ".key") and path.stem != "cert")
            mode = stat.S_IMODE(path.stat().st_mode) if is_private else 0
            if mode & stat.S_IWOTH or (path.is_file() and mode & stat.S_IROTH):
                yield Finding("keys", Level.FAULT, f"{path.name}: open to everybody ({mode:o})", f"chmod o-rwx {path}")

    def _clients(self) -> Iterator[Finding]:
        try:
            clients = self.clients()
        except ConfigurationError as problem:
            for fault in problem.faults:
                mend = "mend it, `idp check` says when it is good; workers keep the last good state"
                yield Finding("clients", Level.FAULT, fault, mend)
            return
        if clients:
            yield Finding("clients", Level.OK, f"{len(clients)} relying parties in the clients file")
        else:
            mend = "add a [[client]] table for each application"
            yield Finding("clients", Level.WARNING, "no relying party in the clients file yet", mend)
        if self.issuer.startswith("https:"):
            yield from map(_of_public_secret, (client for client in clients if is_public(client.client_secrets)))
        if self.console is not None:
            yield from _of_console(self.console, {client.client_id: client for client in clients})

    def _federation(self) -> Iterator[Finding]:
        files = self.metadata_files()
        if not files:
            mend = "put a metadata file into [federation] dir; README.md there"
            yield Finding("federation", Level.WARNING, "no university yet", mend)
        for status in files:
            yield _of_metadata(status, self.clock())
        for file, keys in self.pinned_keys().items():
            for key in keys:
                if key.not_after and key.not_after < self.clock():
                    yield _of_expired(file, key.file, key.not_after)

    def _registration(self) -> Iterator[Finding]:
        """We work without these texts, but a federation asks for them before it registers us."""
        missing = tuple(wanting(self.description))
        if not missing:
            yield Finding("registration", Level.OK, "our metadata says what a federation wants to know")
        for text, setting in missing:
            yield Finding("registration", Level.WARNING, f"our metadata: {text}", f"set saml.metadata.{setting}")

    def _disk(self) -> Finding:
        try:
            free = shutil.disk_usage(self.var_dir).free
        except OSError as problem:
            return Finding("disk", Level.FAULT, f"{self.var_dir}: {problem.strerror}", "make var_dir, for this user")
        level = Level.FAULT if free < _FREE_BYTES[0] else Level.WARNING if free < _FREE_BYTES[1] else Level.OK
        text = f"{free // 1_000_000} MB free for {self.var_dir}"
        return Finding("disk", level, text, "" if level is Level.OK else "make room")


def _of_database(state: DatabaseState) -> Finding:
    text = f"MongoDB {state.version}, majority writes work"
    if state.replica_set is None:
        return Finding("database", Level.WARNING, f"{text}, a lone server", "use a replica set, to outlive a machine")
    return Finding("database", Level.OK, f"{text}, replica set {state.replica_set}")


def _of_security_log(about: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except (ServiceUnavailable, ConfigurationError) as problem:
        return Finding(about, Level.FAULT, str(problem), "mend the database, then look again")


def _of_schema(state: SchemaState) -> Finding:
    problems = "; ".join(state.problems())
    if not state.serves:
        return Finding("schema", Level.FAULT, problems, "install the newer release, or restore again")
    if problems:
        return Finding("schema", Level.WARNING, problems, "idp migrate, once every worker runs this release")
    return Finding("schema", Level.OK, "no migration due")


def _of_clock(theirs: datetime, before: datetime, after: datetime) -> Finding:
    """The server's clock was read between two looks at our own clock."""
    apart = max(before - theirs, theirs - after, timedelta())
    if apart <= _CLOCKS_APART:
        return Finding("clock", Level.OK, "agrees with the database server's")
    level = Level.FAULT if apart > _CLOCKS_FAR_APART else Level.WARNING
    return Finding("clock", level, f"{apart.total_seconds():.0f} s from the database server's", "run NTP on both")


def _of_public_secret(client: Client) -> Finding:
    text = f"{client.client_id}: its secret is public, it stands in the demo's or the tutorial's files"
    return Finding("clients", Level.WARNING, text, "idp client hash-secret --new; or remove the client")


def _of_console(console: ConsoleClient, clients: Mapping[str, Client]) -> Iterator[Finding]:
    """Why the console lets nobody in: the console itself says so only to the first operator who tries."""
    client = clients.get(console.client_id)
    wrong = [f"no client {console.client_id} in the clients file"] if client is None else _unfit(client, console)
    for text in wrong:
        yield Finding(
            "helpdesk", Level.FAULT, text, "register it as config/clients.toml shows, or set helpdesk.client_id"
        )
    odd = sorted(name for name in console.operators if "@" in name and not is_well_formed(name))
    if not console.operators:
        yield Finding("helpdesk", Level.WARNING, "nobody may enter the console", "set helpdesk.operators")
    for name in odd:
        mend = "mend helpdesk.operators: addresses or subjects, with spaces between them"
        yield Finding("helpdesk", Level.WARNING, f"operator {name}: no mail address", mend)
    if console.operators and not wrong and not odd:
        yield Finding("helpdesk", Level.OK, f"{len(console.operators)} operators, and the console's client")


def _unfit(client: Client, console: ConsoleClient) -> list[str]:
    """What the console asks for and this client may not have."""
    found = {
        f"does not name {console.callback_url} among its redirect_uris": console.callback_url in client.redirect_uris,
        "has a token_endpoint_auth_method other than none": client.is_public,
        "may not receive roles (scope, claims)": "roles" in releasable(client),
    }
    return [f"the client {client.client_id} {text}" for text, good in found.items() if not good]


def _of_metadata(status: MetadataFileStatus, now: datetime) -> Finding:
    if status.problems:
        level = Level.WARNING if status.loaded_at else Level.FAULT
        text = "; ".join(status.problems)
        serves = "; till then the last good copy serves" if status.loaded_at else ""
        return Finding("federation", level, text, f"mend the file or its address{serves}")
    left = f", valid for {(status.valid_until - now).days} days" if status.valid_until else ""
    text = f"{status.file}: {status.providers} universities{left}"
    if status.valid_until and status.valid_until - now < timedelta(days=2):
        return Finding("federation", Level.WARNING, text, "fetch a new copy")
    return Finding("federation", Level.OK, text)


def _of_expired(file: str, key: str, ended: datetime) -> Finding:
    """For information: the key counts all the same (SAML metadata interoperability profile 1.0, section 2.6)."""
    text = f"{file}: the certificate {key} ended on {ended:%Y-%m-%d}; its key is pinned, and trusted all the same"
    return Finding("federation", Level.OK, text)
