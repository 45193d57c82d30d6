"""Settings: read and checked as a whole, and what follows from them.

``settings_sections`` has the sections with their defaults, ``settings_rules`` what each value may be.

``IDP_CONFIG`` names the TOML file; without it ``config/default.toml`` beside the package is read where it exists, else
the defaults of the sections, which are the same. The environment overrides any key: ``IDP_MONGODB_URI`` is
``[mongodb] uri``. Relative paths, also those in a file named by ``IDP_CONFIG``, are taken from the current directory.
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from idp.domain.errors import ConfigurationError
from idp.domain.loopback import is_loopback
from idp.settings_reader import fault, read
from idp.settings_rules import ISSUER, SECRET_KEY
from idp.settings_sections import (
    Accessibility,
    Affiliations,
    Bounces,
    Clients,
    Federation,
    Helpdesk,
    Invitations,
    Keys,
    Log,
    Mail,
    Metrics,
    MongoDB,
    OpenId,
    Passwords,
    Registration,
    Retention,
    Saml,
    Sessions,
    Smtp,
    Tokens,
    Web,
)
from idp.written_once import write_once

DEFAULT_FILE = Path(__file__).resolve().parent.parent / "config" / "default.toml"


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
