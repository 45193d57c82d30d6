"""The three ways to sign in, from the application's request to its tokens and claims."""

import base64
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from lxml import etree

from benchmarks.sign_in.browser import Browser, Page, WrongPage
from benchmarks.sign_in.world import CLIENT_ID, CLIENT_SECRET, PASSWORD, REDIRECT_URI, Person, World

_CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
_VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


@dataclass(frozen=True)
class Journey:
    """One way to sign in. needs_account: whether the person has one before. encrypts: whether the assertion is."""

    name: str
    walk: Callable[[World, Browser, Person], None]
    needs_account: bool = True
    encrypts: bool = False


def by_password(world: World, browser: Browser, person: Person) -> None:
    page = _address_given(world, browser, person)
    action, fields = page.form("/methods")
    _arrive(world, browser, browser.post(action, fields | {"password": PASSWORD}))


def by_code(world: World, browser: Browser, person: Person) -> None:
    page = _address_given(world, browser, person)
    code = world.mails.expect(person.mail)
    page = browser.post(*page.form("/code/send"))
    action, fields = page.form("/code")
    _arrive(world, browser, browser.post(action, fields | {"code": code()}))


def first_time(world: World, browser: Browser, person: Person) -> None:
    page = _address_given(world, browser, person)
    at_university = browser.post(*page.form("/leave"))
    query = parse_qs(urlsplit(at_university.location).query)
    request = etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15))
    answer = world.vouched(person, request.get("ID"), request.get("AssertionConsumerServiceURL"))
    code = world.mails.expect(person.mail)
    relayed = {"SAMLResponse": answer, "RelayState": query["RelayState"][0]}
    page = browser.post(request.get("AssertionConsumerServiceURL"), relayed)
    action, fields = page.form("/mailbox")
    page = browser.post(action, fields | {"code": code()})
    action, fields = page.form("/new-password")
    _arrive(world, browser, browser.post(action, fields | {"password": PASSWORD}))


JOURNEYS = (
    Journey("password", by_password),
    Journey("mailed code", by_code),
    Journey("first time, signed", first_time, needs_account=False),
    Journey("first time, encrypted", first_time, needs_account=False, encrypts=True),
)


def _address_given(world: World, browser: Browser, person: Person) -> Page:
    """From the application to the page with the ways to sign in."""
    asked = {
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "scope": "openid profile email",
        "state": "s",
        "nonce": "n",
        "code_challenge": _CHALLENGE,
        "code_challenge_method": "S256",
    }
    page = browser.get(f"{world.issuer}/authorize?{urlencode(asked)}")
    action, fields = page.form("/address")
    return browser.post(action, fields | {"email": person.mail})


def _arrive(world: World, browser: Browser, page: Page) -> None:
    """The code for tokens, and the claims with them."""
    code = parse_qs(urlsplit(page.location).query).get("code")
    if not code:
        raise WrongPage(f"no code: {page.status} {page.location or page.text[-600:]}")
    form = {"grant_type": "authorization_code", "code": code[0], "redirect_uri": REDIRECT_URI}
    form["code_verifier"] = _VERIFIER
    tokens = json.loads(browser.post(f"{world.issuer}/token", form, basic=(CLIENT_ID, CLIENT_SECRET)).text)
    claims = json.loads(browser.get(f"{world.issuer}/userinfo", bearer=tokens["access_token"]).text)
    if not claims["sub"]:
        raise WrongPage("no sub")
