"""The sections of the settings file, with their defaults."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Literal

from idp.domain.affiliations import AffiliationPeriods, read_period
from idp.settings_reader import number
from idp.settings_rules import (
    ADDRESS,
    BIND,
    BRAND,
    BRAND_DARK,
    CONTACT,
    DATABASE,
    DAYS,
    DEFAULT_PERIOD,
    ENTITY_ID,
    FLAG,
    HOST,
    HTTPS_URL,
    INACTIVE_DAYS,
    LIFETIME,
    LOGO,
    METRICS_TOKEN,
    MONGODB_URI,
    NAME,
    PERIOD,
    PORT,
    SCOPE,
    SELECTOR,
    URIS,
    URL,
    WORK_BIND,
)


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
    not_accessible: what the audit found, in words that the people concerned understand.
    """

    conformity: Literal["none", "partial", "full"] = "none"
    entity: str = ""
    audited_by: str = ""
    audited_on: str = ""
    not_accessible: str = ""
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
