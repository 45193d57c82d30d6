"""A university's answers to real requests, made right or wrong by the test, and posted to the running provider."""

import base64
import secrets
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

from lxml import etree

from idp.demo.service_provider import fetch_from
from tests.audit_trail import audit_trail
from tests.journeys import steps
from tests.journeys.conftest import System
from tests.journeys.walker import Page, Walker
from tests.saml import identity_provider as university
from tests.saml.identity_provider import Draft, Element, Key

# Two of the demo's universities.
EXEMPLE = "univ-exemple"
RIVEMARINE = "univ-rivemarine"


@dataclass(frozen=True)
class Site:
    """A university as the test plays it. key: the one that signs its answers."""

    entity_id: str
    scope: str
    key: Key


@dataclass(frozen=True)
class Asked:
    """A browser that we have sent to a university, which has not answered yet.

    draft: what a right answer says, about a person of this request alone. key: the university's.
    """

    system: System
    walker: Walker
    acs_url: str
    relay_state: str
    draft: Draft
    key: Key

    @property
    def mail(self) -> str:
        return self.draft.attributes["mail"][0]

    def right(self, **changes: object) -> Element:
        """The answer with a signed assertion; changes: of the draft."""
        return university.signed(self.draft.changed(**changes), self.key)

    def post(self, answer: Element | bytes) -> Page:
        """What the browser sees once this answer is posted."""
        return self.post_text(university.encode(answer))

    def post_text(self, saml_response: str) -> Page:
        """As ``post``, with the form field's own text."""
        form = {"SAMLResponse": saml_response, "RelayState": self.relay_state}
        return self.walker.post(self.acs_url, form)


def demo_site(system: System, slug: str) -> Site:
    """One of the demo's universities."""
    return Site(f"{system.universities}/{slug}/idp", f"{slug}.fr", key_of(system, slug))


def ask(system: System, *, walker: Walker | None = None, at: Site | None = None) -> Asked:
    """From the portal to the moment when the browser stands before the university with our request."""
    walker, site = walker or Walker(), at or demo_site(system, EXEMPLE)
    person = _invented(site.scope)
    page = steps.give_address(walker, system, person["mail"][0])
    form = page.form("Continuer")
    sent = walker.session.post(form.action, form.fields, allow_redirects=False, timeout=20)
    query = dict(parse_qsl(urlsplit(sent.headers["Location"]).query))
    request = etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"]), -15))
    draft = _draft(request, site.entity_id, person)
    return Asked(system, walker, str(draft.destination), query.get("RelayState", ""), draft, site.key)


def key_of(system: System, slug: str) -> Key:
    """The demo university's own key, as if it had been stolen for the test."""
    keys = system.folder / "keys"
    return Key((keys / f"{slug}.key").read_bytes(), (keys / f"{slug}.pem").read_bytes())


def our_certificate(system: System) -> bytes:
    """The certificate that universities encrypt to, from our published metadata; PEM."""
    return fetch_from(f"{system.provider}/saml/metadata")().encryption_certificates[0]


def assert_refused(asked: Asked, answer: Element | bytes | str, reason: str) -> Page:
    """The answer leads to an error page and to nothing else, is found in the audit trail, and the person can go on.

    reason: the refusal's, whole or up to its last dot.
    """
    mails = _mails(asked.system)
    page = asked.post_text(answer) if isinstance(answer, str) else asked.post(answer)
    assert 400 <= page.status < 500, page.text
    assert page.step == "error"
    assert _audited(asked.system, page.reference).startswith(reason)
    assert not steps.is_signed_in(asked.walker, asked.system)
    assert _mails(asked.system) == mails
    assert_accepted(ask(asked.system, walker=asked.walker))
    return page


def assert_accepted(asked: Asked, answer: Element | None = None) -> None:
    """The answer, or else the right one, leads on to the mailbox."""
    page = asked.post(asked.right() if answer is None else answer)
    assert page.step == "check-mailbox", page.main_text
    assert asked.mail in page.main_text


def _invented(scope: str) -> dict[str, tuple[str, ...]]:
    """Attributes of somebody whom no other test knows."""
    number = secrets.token_hex(6)
    return {
        "mail": (f"camille.{number}@{scope}",),
        "eppn": (f"camille{number}@{scope}",),
        "displayName": ("Camille Essai",),
        "affiliation": (f"student@{scope}",),
    }


def _draft(request: Element, entity_id: str, person: dict[str, tuple[str, ...]]) -> Draft:
    now, number = datetime.now(UTC), secrets.token_hex(6)
    end = now + timedelta(minutes=5)
    acs_url = request.get("AssertionConsumerServiceURL")
    return Draft(
        issuer=entity_id,
        response_id=f"_response-{number}",
        assertion_id=f"_assertion-{number}",
        in_response_to=request.get("ID"),
        confirmation_in_response_to=request.get("ID"),
        destination=acs_url,
        recipient=acs_url,
        audience=request.findtext("saml:Issuer", namespaces=university.NS),
        issued=now,
        not_before=now - timedelta(seconds=5),
        not_on_or_after=end,
        confirmation_not_on_or_after=end,
        authn_instant=now,
        attributes=person,
    )


def _audited(system: System, reference: str | None) -> str:
    """The reason of the latest refusal under this reference."""
    assert reference is not None
    events = audit_trail(system.stored).events(references=(reference,))
    return [event.fields["reason"] for event in events if event.event == "request.refused"][-1]


def _mails(system: System) -> int:
    """How many mails the provider has ever put on their way."""
    return system.stored.collection("outbox").count_documents({})
