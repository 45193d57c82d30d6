"""Settings: which there are, what is accepted, what follows from them.

``IDP_CONFIG`` names the TOML file; without it ``config/default.toml`` beside the package is read where it exists, else
the defaults below, which are the same. The environment overrides any key: ``IDP_MONGODB_URI`` is ``[mongodb] uri``.
Relative paths, also those in a file named by ``IDP_CONFIG``, are taken from the current directory.
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from idp.domain.addresses import PLAIN
from idp.domain.affiliations import MOST_DAYS, AffiliationPeriods, read_period
from idp.domain.claims import SCOPES
from idp.domain.colours import DARK_GROUND, LIGHT_GROUND, READABLE, Colour, read_brand
from idp.domain.errors import ConfigurationError
from idp.domain.loopback import is_loopback
from idp.settings_reader import NotAccepted, Rule, fault, flag, number, read, text
from idp.written_once import write_once

DEFAULT_FILE = Path(__file__).resolve().parent.parent / "config" / "default.toml"


def _issuer(value: Any) -> str:
    """The issuer without trailing slash; no query, no fragment (OpenID Connect Discovery 1.0 section 3).

    Its path is written in one way only: what a server hands on is decoded, and a dot's segment no browser sends.
    """
    if not isinstance(value, str) or not re.fullmatch(r"https?://[^\s?#@\\]+", value) or not value.isascii():
        raise ValueError
    url = urlsplit(value)
    if not url.hostname or url.port == 0 or (url.scheme == "http" and not is_loopback(url.hostname)):
        raise ValueError
    path = url.path.rstrip("/")
    if not re.fullmatch(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*", path):
        raise ValueError
    return f"{url.scheme}://{url.netloc.lower()}{path}"


def _mongodb_uri(value: Any) -> str:
    """The driver itself says what is wrong in it."""
    uri: str = _MONGODB_TEXT.parse(value)
    if uri:
        # Loaded where there is one: a command that only explains itself does without the driver.
        from idp.storage.mongo_client import check_uri

        try:
            check_uri(uri)
        except ValueError as problem:
            raise NotAccepted(str(problem)) from problem
    return uri


def _scope(value: Any) -> str:
    words = value.split() if isinstance(value, str) else []
    if "openid" not in words or not set(words) <= set(SCOPES):
        raise ValueError
    return " ".join(words)


def _inactive_days(value: Any) -> int:
    """A year at least: who comes back after the summer, or from a year abroad, is no stranger."""
    days: int = number(0, 3_650).parse(value)
    if 0 < days < 365:
        raise ValueError
    return days


def _period(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    if value:
        read_period(value)
    return value


def _default_period(value: Any) -> str:
    if not value:
        raise ValueError
    return _period(value)


def _logo(value: Any) -> str:
    """The absolute path of a picture that pages can carry and stay small."""
    if not value:
        return ""
    file = Path.cwd() / value
    if file.suffix.lower() not in (".svg", ".png") or not file.is_file() or file.stat().st_size > 20_000:
        raise ValueError
    return str(file)


def _brand(theme: str, ground: Colour) -> Rule:
    def parse(value: Any) -> str:
        return str(read_brand(value, ground)) if value else ""

    return Rule(f'"#rrggbb" with a contrast of {READABLE}:1 to the {theme} ground {ground}, or empty', parse)


ISSUER = Rule(
    "https://…, or http:// on loopback; without user, query and fragment; a path of letters, digits and -._~", _issuer
)
SECRET_KEY = text("at least 32 characters, needed when the issuer is https", r"(.{32,})?")
_MONGODB_TEXT = text("mongodb://…, mongodb+srv://…, or empty for an embedded one", r"(mongodb(\+srv)?://[!-~]+)?")
MONGODB_URI = Rule(_MONGODB_TEXT.accepted, _mongodb_uri)
DATABASE = text("up to 60 letters, digits, - and _, or empty", r"[A-Za-z0-9_-]{0,60}")
HOST = text("a host name or address", r"[A-Za-z0-9._:-]+")
ADDRESS = text("a mail address", PLAIN)
SELECTOR = text("a DKIM selector, or empty", r"([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)?")
NAME = text("one line of text, not empty", r"[^\x00-\x1f\x7f]+")
URL = text("an http or https URL, or empty", r"(https?://[^\s\x00-\x1f\x7f<>\"']+)?")
_PORT = r"([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
BIND = text(
    "host:port with a port from 1 to 65535, unix:path, or empty",
    rf"(unix:.+|(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]*):{_PORT})?",
)
WORK_BIND = text("host:port with a port from 1 to 65535, or empty", rf"((\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):{_PORT})?")
METRICS_TOKEN = text("16 to 500 characters of a bearer token, or empty", r"([A-Za-z0-9._~+/=-]{16,500})?")
ENTITY_ID = text("a URI of up to 1024 characters, or empty", r"([A-Za-z](?=.{1,1023}$)[A-Za-z0-9+.-]*:[!-~]+)?")
HTTPS_URL = text("an https URL, or empty", r"(https://[^\s\x00-\x1f\x7f<>\"']+)?")
CONTACT = text(
    "Name <mail address>, or empty",
    rf"([^\x00-\x1f\x7f<>]*[^\x00-\x20\x7f<>] <{PLAIN}>)?",
)
URIS = text("URIs with spaces between them, or empty", r"(https?://[!-~]+( +https?://[!-~]+)*)?")
LOGO = Rule("an SVG or PNG file of at most 20 kB, or empty", _logo)
BRAND = _brand("light", LIGHT_GROUND)
BRAND_DARK = _brand("dark", DARK_GROUND)
PORT = number(1, 65_535)
LIFETIME = number(60, 86_400)
FLAG = flag()
SCOPE = Rule("openid, and some of " + ", ".join(SCOPES), _scope)
DAYS = number(1, 3_650)
INACTIVE_DAYS = Rule("0 (never), or a whole number from 365 to 3650", _inactive_days)
_PERIODS = f'a day of the year ("10-31"), or "days:" and 1 to {MOST_DAYS}'
DEFAULT_PERIOD = Rule(_PERIODS, _default_period)
PERIOD = Rule(_PERIODS + ", or empty", _period)


@dataclass(frozen=True, slots=True)
class MongoDB:
    """uri: empty for an embedded mongod under ``var_dir``. database: empty for the URI's own, else ``idp``.

    timeout_ms: for a whole operation.
    """

    uri: Annotated[str, MONGODB_URI] = field(default="", repr=False)
    database: Annotated[str, DATABASE] = ""
    timeout_ms: Annotated[int, number(100, 600_000)] = 5_000


@dataclass(frozen=True, slots=True)
class Smtp:
    """Outgoing mail. timeout: seconds that the server may stay silent."""

    host: Annotated[str, HOST] = "localhost"
    port: Annotated[int, PORT] = 25
    username: str = ""
    password: str = field(default="", repr=False)
    tls: Literal["none", "starttls", "tls"] = "none"
    timeout: Annotated[int, number(1, 600)] = 20


@dataclass(frozen=True, slots=True)
class Mail:
    """The sender of every mail. from_name: where empty, ``web.service_name``. dkim_selector: of whoever signs it."""

    from_: Annotated[str, ADDRESS] = "ne-pas-repondre@localhost"
    from_name: str = ""
    dkim_selector: Annotated[str, SELECTOR] = ""


@dataclass(frozen=True, slots=True)
class Bounces:
    """maildir: folder into which the mail server puts what comes back; empty where it hands it to `idp mail bounce`."""

    maildir: str = ""


@dataclass(frozen=True, slots=True)
class Federation:
    """dir: folder of metadata files. state_dir: what was read of them. refresh_seconds: how often it is looked at.

    discovery_url: of a service where people choose their university; where empty, they choose on our own page.
    """

    dir: Path = Path("federation_metadata")
    state_dir: str = ""
    refresh_seconds: Annotated[int, number(1, 86_400)] = 10
    discovery_url: Annotated[str, URL] = ""


@dataclass(frozen=True, slots=True)
class Clients:
    """file: relying parties kept in a file."""

    file: Path = Path("config/clients.toml")


@dataclass(frozen=True, slots=True)
class Registration:
    """enabled: whether applications may register themselves. scope: what they may have. require_pkce: of them all."""

    enabled: Annotated[bool, FLAG] = False
    scope: Annotated[str, SCOPE] = "openid profile email offline_access"
    require_pkce: Annotated[bool, FLAG] = True


@dataclass(frozen=True, slots=True)
class Keys:
    """dir: signing and encryption keys, made at the first start. eddsa: whether ID tokens may be signed with EdDSA."""

    dir: Path = Path("var/keys")
    eddsa: Annotated[bool, FLAG] = False


@dataclass(frozen=True, slots=True)
class OpenId:
    """implicit: whether clients may register for the implicit and hybrid flows, which leak tokens (RFC 9700 2.1.2)."""

    implicit: Annotated[bool, FLAG] = False


@dataclass(frozen=True, slots=True)
class Passwords:
    """bcrypt_cost: rounds as a power of two. minimum_length: characters."""

    bcrypt_cost: Annotated[int, number(4, 16)] = 12
    minimum_length: Annotated[int, number(8, 128)] = 12


@dataclass(frozen=True, slots=True)
class Web:
    """logo, brand_color, brand_color_dark: the pages' look; empty for our own, the last for one derived from the brand.

    trusted_proxies: how many reverse proxies stand before us. bind: where gunicorn listens.
    background_work: whether its processes send mail and the like themselves, or `idp work` does.
    """

    service_name: Annotated[str, NAME] = "UNESS"
    logo: Annotated[str, LOGO] = ""
    brand_color: Annotated[str, BRAND] = ""
    brand_color_dark: Annotated[str, BRAND_DARK] = ""
    help_url: Annotated[str, URL] = ""
    trusted_proxies: Annotated[int, number(0, 10)] = 0
    bind: Annotated[str, BIND] = ""
    workers: Annotated[int, number(1, 64)] = 2
    threads: Annotated[int, number(1, 64)] = 16
    background_work: Annotated[bool, FLAG] = True
    max_body_bytes: Annotated[int, number(10_000, 100_000_000)] = 1_000_000


@dataclass(frozen=True, slots=True)
class Accessibility:
    """What the accessibility statement says (RGAA 4.1): the result of an audit, by whom and when, and whom to write to.

    conformity: ``none`` until somebody has audited the pages as they are served, then ``partial`` or ``full``.
    """

    conformity: Literal["none", "partial", "full"] = "none"
    entity: str = ""
    audited_by: str = ""
    audited_on: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Helpdesk:
    """The console of those who help. operators: their addresses or subjects. passkey: nothing less lets them in."""

    enabled: Annotated[bool, FLAG] = False
    operators: str = ""
    client_id: str = "uness-helpdesk"
    passkey: Annotated[bool, FLAG] = True


@dataclass(frozen=True, slots=True)
class Invitations:
    """sign_in_url: where mails to invited people say that they sign in; empty: our own page."""

    sign_in_url: Annotated[str, URL] = ""


@dataclass(frozen=True, slots=True)
class Retention:
    """Days after which data goes. audit: events of the security log. closed_accounts: those who closed theirs.

    inactive: accounts that nobody used, 0: never; inactive_notice: from the mail about it to the closing.
    """

    audit_days: Annotated[int, number(30, 3_650)] = 365
    closed_accounts_days: Annotated[int, number(0, 365)] = 30
    inactive_days: Annotated[int, INACTIVE_DAYS] = 0
    inactive_notice_days: Annotated[int, number(14, 180)] = 30


@dataclass(frozen=True, slots=True)
class Sessions:
    """lifetime_hours: how long a sign-in lasts."""

    lifetime_hours: Annotated[int, number(1, 720)] = 12


@dataclass(frozen=True, slots=True)
class Tokens:
    """How long what was issued stays good. refresh_idle_days: a refresh token unused that long ends the grant."""

    code_seconds: Annotated[int, number(10, 600)] = 60
    access_token_seconds: Annotated[int, LIFETIME] = 3_600
    id_token_seconds: Annotated[int, LIFETIME] = 3_600
    refresh_idle_days: Annotated[int, DAYS] = 30
    refresh_days: Annotated[int, DAYS] = 90
    refresh_grace_seconds: Annotated[int, number(0, 300)] = 30
    dpop_nonce: Annotated[bool, FLAG] = False


@dataclass(frozen=True, slots=True)
class Affiliations:
    """How long a status counts after a university vouched for it, as ``domain.affiliations`` reads it.

    default: for those that are empty, and for values that have no setting of their own.
    """

    default: Annotated[str, DEFAULT_PERIOD] = "10-31"
    student: Annotated[str, PERIOD] = ""
    faculty: Annotated[str, PERIOD] = ""
    staff: Annotated[str, PERIOD] = ""
    employee: Annotated[str, PERIOD] = ""
    member: Annotated[str, PERIOD] = ""
    affiliate: Annotated[str, PERIOD] = ""
    alum: Annotated[str, PERIOD] = ""
    library_walk_in: Annotated[str, PERIOD] = ""

    @property
    def periods(self) -> AffiliationPeriods:
        """The same as the rules of the domain."""
        texts = {item.name.replace("_", "-"): getattr(self, item.name) for item in fields(self)}
        default = read_period(texts.pop("default"))
        return AffiliationPeriods(default, {name: read_period(text) for name, text in texts.items() if text})


@dataclass(frozen=True, slots=True)
class SamlMetadata:
    """What our own metadata says of us, for registration in a federation. Texts: what is empty is left out.

    contact_…: ``Name <mail address>``. logo_width, logo_height: pixels. entity_categories,
    assurance_certifications: URIs, spaces between them. subject_id: the identifier that universities have to release.
    valid_days: how long a copy is good, 0: no end. signed: for everybody, not only for those who ask.
    """

    description_fr: str = "Connexion unique des étudiants et enseignants aux applications du service."
    description_en: str = "Single sign-on of students and teachers to the applications of the service."
    information_url_fr: Annotated[str, URL] = ""
    information_url_en: Annotated[str, URL] = ""
    privacy_url_fr: Annotated[str, URL] = ""
    privacy_url_en: Annotated[str, URL] = ""
    logo_url: Annotated[str, HTTPS_URL] = ""
    logo_width: Annotated[int, number(1, 2_000)] = 80
    logo_height: Annotated[int, number(1, 2_000)] = 60
    organization_fr: str = ""
    organization_en: str = ""
    organization_url_fr: Annotated[str, URL] = ""
    organization_url_en: Annotated[str, URL] = ""
    contact_technical: Annotated[str, CONTACT] = ""
    contact_support: Annotated[str, CONTACT] = ""
    contact_administrative: Annotated[str, CONTACT] = ""
    contact_security: Annotated[str, CONTACT] = ""
    entity_categories: Annotated[str, URIS] = ""
    assurance_certifications: Annotated[str, URIS] = ""
    subject_id: Literal["any", "subject-id", "pairwise-id", "none"] = "any"
    valid_days: Annotated[int, number(0, 365)] = 0
    signed: Annotated[bool, FLAG] = False


@dataclass(frozen=True, slots=True)
class Saml:
    """entity_id: our name in the federation; where empty, the address of our metadata."""

    entity_id: Annotated[str, ENTITY_ID] = ""
    metadata: SamlMetadata = field(default_factory=SamlMetadata)


@dataclass(frozen=True, slots=True)
class Log:
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


@dataclass(frozen=True, slots=True)
class Metrics:
    """enabled: whether /metrics is there. token: what a reader shows as its bearer token; empty: nobody is asked.

    work_bind: where ``idp work`` tells its own.
    """

    enabled: Annotated[bool, FLAG] = True
    token: Annotated[str, METRICS_TOKEN] = field(default="", repr=False)
    work_bind: Annotated[str, WORK_BIND] = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked and complete: what may be left empty to be derived has been derived.

    issuer: without trailing slash. secret_key: at least 32 characters. Paths: absolute.
    """

    issuer: Annotated[str, ISSUER] = "http://localhost:5000"
    secret_key: Annotated[str, SECRET_KEY] = field(default="", repr=False)
    var_dir: Path = Path("var")
    mongodb: MongoDB = field(default_factory=MongoDB)
    smtp: Smtp = field(default_factory=Smtp)
    mail: Mail = field(default_factory=Mail)
    bounces: Bounces = field(default_factory=Bounces)
    federation: Federation = field(default_factory=Federation)
    clients: Clients = field(default_factory=Clients)
    registration: Registration = field(default_factory=Registration)
    keys: Keys = field(default_factory=Keys)
    openid: OpenId = field(default_factory=OpenId)
    passwords: Passwords = field(default_factory=Passwords)
    web: Web = field(default_factory=Web)
    accessibility: Accessibility = field(default_factory=Accessibility)
    helpdesk: Helpdesk = field(default_factory=Helpdesk)
    invitations: Invitations = field(default_factory=Invitations)
    retention: Retention = field(default_factory=Retention)
    sessions: Sessions = field(default_factory=Sessions)
    tokens: Tokens = field(default_factory=Tokens)
    affiliations: Affiliations = field(default_factory=Affiliations)
    saml: Saml = field(default_factory=Saml)
    log: Log = field(default_factory=Log)
    metrics: Metrics = field(default_factory=Metrics)

    @property
    def https(self) -> bool:
        """Whether people reach us by https, so that cookies are ``Secure``."""
        return self.issuer.startswith("https:")

    @property
    def federation_state(self) -> Path:
        """Where the index of the federation's metadata is kept."""
        given = self.federation.state_dir
        return Path(given).absolute() if given else self.var_dir / "federation"


def load(environ: Mapping[str, str]) -> Settings:
    """Read and check the settings.

    With an http issuer, a missing secret key is made and kept in ``<var_dir>/secret_key``.
    Raises ConfigurationError with one line for each fault.
    """
    settings, faults = read(Settings, environ, DEFAULT_FILE)
    # Faults between two settings are looked for once each is right by itself: a wrong value was replaced by its
    # default.
    faults = faults or [*_contradictions(settings)]
    if faults:
        raise ConfigurationError(*faults)
    return replace(
        settings,
        secret_key=settings.secret_key or _kept_secret_key(settings.var_dir),
        mail=replace(settings.mail, from_name=settings.mail.from_name or settings.web.service_name),
        web=replace(settings.web, bind=settings.web.bind or _bind(settings)),
        saml=replace(settings.saml, entity_id=settings.saml.entity_id or settings.issuer + "/saml/metadata"),
    )


_of_the_server: Settings | None = None


def hold(settings: Settings) -> None:
    """For the master of a server: its workers, which it forks, take these until it reads them again (SIGHUP).

    One that starts later would otherwise read what is just being edited: ``in_force``.
    """
    global _of_the_server
    _of_the_server = settings


def held() -> Settings | None:
    """The settings of the server that runs in this process, if there is one."""
    return _of_the_server


def in_force(environ: Mapping[str, str]) -> Settings:
    """Those of the server of which this process is a worker, or what there is to read; raises as ``load`` does."""
    return _of_the_server or load(environ)


def _contradictions(settings: Settings) -> Iterator[str]:
    """What is wrong only in company, or on this machine."""
    host = urlsplit(settings.issuer).hostname or ""
    cost = settings.passwords.bcrypt_cost
    if settings.https and not settings.secret_key:
        yield fault("secret_key", "", f"{SECRET_KEY.accepted} (IDP_SECRET_KEY)")
    if cost < 10 and not is_loopback(host):
        yield fault("passwords.bcrypt_cost", cost, "10 to 16 unless the issuer is on loopback")
    if bool(settings.smtp.username) != bool(settings.smtp.password):
        yield fault("smtp.password", "", "username and password, or neither", secret=True)
    # A folder that is not there may still be made; the federation's readers report it.
    if settings.federation.dir.exists() and not settings.federation.dir.is_dir():
        yield fault("federation.dir", str(settings.federation.dir), "a folder (IDP_FEDERATION_DIR)")


def _bind(settings: Settings) -> str:
    """Behind a proxy any port will do; without one, the issuer's own."""
    url = urlsplit(settings.issuer)
    if settings.https or not url.hostname:
        return "127.0.0.1:5000"
    host = {"localhost": "127.0.0.1", "::1": "[::1]"}.get(url.hostname, url.hostname)
    return f"{host}:{url.port or 80}"


def _kept_secret_key(var_dir: Path) -> str:
    """The key of a development installation: made once, by whichever process comes first."""
    file = var_dir / "secret_key"
    try:
        var_dir.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            write_once(file, secrets.token_urlsafe(48).encode() + b"\n")
        key = file.read_text("ascii").strip()
    except (OSError, UnicodeError) as problem:
        raise ConfigurationError(f"secret_key: cannot be kept in {file}: {problem}; accepted: IDP_SECRET_KEY") from None
    if len(key) < 32:
        raise ConfigurationError(fault(str(file), key, "at least 32 characters; or remove the file", secret=True))
    return key
