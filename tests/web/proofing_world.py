"""The proofing journey in this process: the application over a federation of two universities that really sign."""

import zlib
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask
from lxml import etree

from idp import app as application
from idp import settings
from idp.app import Services
from idp.domain.accounts import Account, Identity
from idp.domain.one_time_codes import digits
from idp.domain.sessions import ACR_BASIC, Session
from idp.storage.database import Database
from tests.saml import aggregates
from tests.saml import identity_provider as university
from tests.web.visitor import HOST, ISSUER, Visitor

EXEMPLE = "https://idp.univ-exemple.fr/idp"
AUTRE = "https://idp.autre.fr/idp"
CAMILLE = "camille.durand@etu.univ-exemple.fr"
PASSWORD = "trois pommes vertes sur la table"
# Of RFC 7636, appendix B.
CHALLENGE, VERIFIER = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
ERROR_URL = "https://www.univ-exemple.fr/erreur?code=ERRORURL_CODE&amp;rp=ERRORURL_RP&amp;tid=ERRORURL_TID"
CLIENTS = """
[[client]]
client_id = "exams"
client_name = "Examens"
client_secret = "a-secret-of-the-exams"
redirect_uris = ["https://exams.example/cb"]

[[client]]
client_id = "survey"
client_name = "Sondage"
client_secret = "a-secret-of-the-survey"
redirect_uris = ["https://exams.example/cb"]
consent = "always"
"""


class Clock:
    """The present, or some time later."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class World:
    services: Services
    app: Flask
    clock: Clock
    keys: dict[str, university.Key] = field(repr=False)
    used: int = field(default=0)

    def from_the_beginning(self) -> "World":
        """As it was when it was built, but for what the database holds."""
        self.clock.ahead, self.used = timedelta(), 0
        return self

    def browser(self) -> "Traveller":
        return Traveller(self)

    def mails(self, to: str) -> list[dict[str, Any]]:
        """What lies in the outbox for this address, oldest first."""
        return list(self.services.database.collection("outbox").find({"to": to}).sort("created_at", 1))

    def code(self, to: str) -> str:
        """The code in the newest mail to this address."""
        return digits(self.services.secret, self.mails(to)[-1]["fields"]["code_record_id"])

    def handle(self) -> str:
        """The handle of the one waiting request."""
        (document,) = self.services.database.collection("authorizations").find()
        return str(document["_id"])

    def events(self, name: str) -> list[dict[str, Any]]:
        return list(self.services.database.collection("audit").find({"event": name}))

    def account(self, name: str, address: str, *identities: Identity, password: str = "") -> Account:
        """An account that is there already."""
        hashed = self.services.hasher.hash(password) if password else None
        account = Account(name, f"subject-{name}", self.clock(), identities, (address,), password_hash=hashed)
        self.services.stores.accounts.create(account)
        return account

    def draft(self, entity_id: str = EXEMPLE, /, **attributes: tuple[str, ...]) -> university.Draft:
        """What a university says now; ``attributes`` replace all others where given."""
        self.used += 1
        now = self.clock()
        draft = university.Draft().changed(
            issuer=entity_id,
            response_id=f"_response-{self.used}",
            assertion_id=f"_assertion-{self.used}",
            destination=f"{ISSUER}/saml/acs",
            recipient=f"{ISSUER}/saml/acs",
            audience=f"{ISSUER}/saml/metadata",
            issued=now,
            not_before=now - timedelta(seconds=5),
            not_on_or_after=now + timedelta(minutes=5),
            confirmation_not_on_or_after=now + timedelta(minutes=5),
            authn_instant=now,
        )
        return draft.changed(attributes=attributes) if attributes else draft


class Traveller(Visitor):
    """A person who also goes to the university and comes back."""

    def __init__(self, world: World) -> None:
        super().__init__(world.app.test_client())
        self.world = world

    @property
    def session(self) -> Session:
        cookie = self._client.get_cookie("idp_session", domain="localhost")
        assert cookie is not None
        found = self.world.services.browser_sessions.find(cookie.value)
        assert found is not None
        return found

    def forget_cookies(self) -> "Traveller":
        for name in ("idp_session", "idp_device"):
            self._client.delete_cookie(name, domain="localhost")
        return self

    def signed_in(self, account: Account, *, user_agent: str = "") -> "Traveller":
        """Signed in to this account since five minutes."""
        services = self.world.services
        _, anonymous = services.browser_sessions.open()
        at = self.world.clock() - timedelta(minutes=5)
        made = services.browser_sessions.sign_in(
            replace(anonymous, user_agent=user_agent),
            account_id=account.id,
            methods=("pwd",),
            acr=ACR_BASIC,
            device=None,
            now=at,
        )
        self._client.set_cookie("idp_session", made.session_cookie, domain="localhost")
        return self

    def start(self, typed: str = CAMILLE) -> "Traveller":
        """From our own page to the page with the ways to sign in."""
        self.get("/account")
        self.press("Se connecter", email=typed)
        assert self.step == "sign-in", self.text
        return self

    def ask(self, **changes: str) -> "Traveller":
        """Sent here by an application (« exams »); ``changes`` of its request."""
        request = {
            "client_id": "exams",
            "redirect_uri": "https://exams.example/cb",
            "response_type": "code",
            "scope": "openid",
            "state": "s",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        self.get("/authorize", **(request | changes))
        return self

    def ask_for_a_proof(self, **changes: str) -> "Traveller":
        """The same by one that insists that the university says it again."""
        essential = '{"id_token": {"acr": {"essential": true, "value": "urn:uness:acr:university"}}}'
        return self.ask(**({"claims": essential} | changes))

    def leave(self, entity_id: str | None = None) -> str:
        """To this university, or to the one that the address names; the id of our request there."""
        handle = self.handle
        if entity_id is None:
            self.press("Continuer")
        else:
            self.post(f"/sign-in/{handle}/university", entity_id=entity_id)
        return self.sent_request()

    def sent_request(self) -> str:
        """The id of the request with which this browser was just sent to a university."""
        query = parse_qs(urlsplit(self.location).query)
        xml = zlib.decompress(b64decode(query["SAMLRequest"][0]), -15)
        self.request_xml = etree.fromstring(xml)
        return str(self.request_xml.get("ID"))

    def come_back(
        self, request_id: str, draft: university.Draft, wrap: Callable[[university.Element], object] = id
    ) -> "Traveller":
        """With the university's signed answer to this request; wrap: what it does to the answer after signing."""
        draft = draft.changed(in_response_to=request_id, confirmation_in_response_to=request_id)
        is_success = draft.status[0].endswith(":Success")
        root = university.signed(draft, self.world.keys[draft.issuer], response=not is_success, assertion=is_success)
        wrap(root)
        self.last = self._client.post("/saml/acs", data={"SAMLResponse": university.encode(root)}, headers=HOST)
        self._follow()
        return self

    def prove(self, draft: university.Draft | None = None) -> "Traveller":
        """To the university and back."""
        made = draft or self.world.draft()
        return self.come_back(self.leave(made.issuer), made)

    def post(self, path: str, **fields: str) -> "Traveller":
        """Send a form of ours without looking for its button."""
        token = self.world.services.browser_sessions.csrf_token(self.session)
        self.last = self._client.post(path, data={"csrf_token": token} | fields, headers=HOST)
        self._follow()
        return self

    @property
    def handle(self) -> str:
        """The handle of the journey, as this page's forms name it."""
        actions = [action for action in self.tree.xpath("//@action|//a/@href") if "/sign-in/" in action]
        return str(actions[0]).split("/sign-in/")[1].split("/")[0]

    def links(self) -> dict[str, str]:
        """Words of the page's links and where they lead."""
        return {" ".join(a.text_content().split()): str(a.get("href")) for a in self.tree.xpath("//main//a")}


def prepare(folder: Path, keys: dict[str, university.Key]) -> None:
    """The federation of both universities and the client, as files; the keys of the provider come by themselves."""
    entities = [
        university.entity_descriptor(EXEMPLE, (keys[EXEMPLE],)).replace(
            b"<md:IDPSSODescriptor ", f'<md:IDPSSODescriptor errorURL="{ERROR_URL}" '.encode()
        ),
        university.entity_descriptor(
            AUTRE, (keys[AUTRE],), scopes=("autre.fr",), names={"fr": "Université Autre", "en": "Other University"}
        ),
    ]
    root = aggregates.aggregate(entities, valid_until=datetime.now(UTC) + timedelta(days=9))
    federation = folder / "federation"
    federation.mkdir()
    aggregates.write_folder(
        federation,
        {"fer.xml": aggregates.signed(root, keys[EXEMPLE])},
        '[files."fer.xml"]\nsigning_keys = ["keys/key.pem"]\n',
        {"key.pem": keys[EXEMPLE].certificate},
    )
    (folder / "clients.toml").write_text(CLIENTS)


def build(database: Database, mongodb_uri: str, folder: Path, keys: dict[str, university.Key]) -> World:
    """The application over a prepared folder, which several may share."""
    environment = {
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_VAR_DIR": str(folder / "var"),
        "IDP_KEYS_DIR": str(folder / "keys"),
        "IDP_CLIENTS_FILE": str(folder / "clients.toml"),
        "IDP_FEDERATION_DIR": str(folder / "federation"),
        "IDP_PASSWORDS_BCRYPT_COST": "4",
    }
    clock = Clock()
    services = application.build(settings.load(environment), database=database, clock=clock)
    database.create_indexes(application.INDEXES)
    services.federation.refresh()
    assert services.federation.current.provider(EXEMPLE), services.federation.status()
    return World(services, application.create_app(services), clock, keys)
