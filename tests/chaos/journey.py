"""What people and applications do with the provider, step by step; each stops at the first answer that is not good."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from idp.demo.people import Person
from tests.chaos.client import Answer, Client
from tests.chaos.provider import CLIENT_SECRET, OFFLINE, PASSWORD, PLAIN, REDIRECT_URI
from tests.chaos.universities import University

_SCOPES = {PLAIN: "openid profile email", OFFLINE: "openid profile email offline_access"}


class Stopped(Exception):
    """An answer that ends a journey; it stands in the client's ``answers``."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.path.partition('?')[0]}: {answer.outcome}")
        self.answer = answer


@dataclass(frozen=True)
class Code:
    """A code that came back to the client, and what only the client knows of it."""

    value: str
    verifier: str
    client_id: str

    @property
    def form(self) -> Mapping[str, str]:
        form = {"grant_type": "authorization_code", "code": self.value, "redirect_uri": REDIRECT_URI}
        return form | {"code_verifier": self.verifier}


def sign_in(client: Client, address: str, client_id: str = PLAIN, password: str = PASSWORD) -> Code:
    """The whole way of a person through the pages: address, password, and back to the application."""
    verifier, path = _request(client_id)
    page = _last(client, client.get(path))
    form = {"csrf_token": page.hidden_field("csrf_token")}
    methods = _last(client, client.post(page.form("/address"), form | {"email": address}))
    return _code(_last(client, client.post(methods.path, form | {"password": password})), verifier, client_id)


def sign_in_first_time(client: Client, person: Person, university: University, mailed: Callable[[], str]) -> Code:
    """The whole way of somebody new: address, their university, the mailed code, a password, the application.

    mailed: waits for the code.
    """
    verifier, path = _request(PLAIN)
    page = _last(client, client.get(path))
    page = _last(client, _fill(client, page, "/address", email=person.typed_mail))
    page = vouched_for(client, page, person, university)
    page = _last(client, _fill(client, page, "/mailbox", code=mailed()))
    return _code(_last(client, _fill(client, page, "/new-password", password=PASSWORD)), verifier, PLAIN)


def vouched_for(client: Client, page: Answer, person: Person, university: University) -> Answer:
    """From the page that names the university, by the university's answer, to the page that waits for the mail."""
    left = _fill(client, page, "/leave")
    if not left.location.startswith(university.sign_on_url):
        raise Stopped(left)
    acs_url, answer = university.answer(left.location, person)
    return _last(client, client.post(acs_url, answer))


def ask_for_code(client: Client, address: str) -> Answer:
    """The way of a person who has a code mailed; the page that waits for it."""
    page = address_page(client)
    form = {"csrf_token": page.hidden_field("csrf_token")}
    methods = _last(client, client.post(page.form("/address"), form | {"email": address}))
    return _last(client, client.post(methods.path.replace("/methods", "/code/send"), form))


def address_page(client: Client) -> Answer:
    """The first page of a sign-in."""
    return _last(client, client.get(_request(PLAIN)[1]))


def authorize_silently(client: Client, client_id: str = PLAIN) -> Code:
    """What an application does where somebody is signed in already (OpenID Connect Core 3.1.2.1, prompt)."""
    verifier, path = _request(client_id, prompt="none")
    return _code(_last(client, client.get(path)), verifier, client_id)


def exchange(client: Client, code: Code) -> Answer:
    """A code for tokens, whatever the answer."""
    return client.post_as(code.client_id, CLIENT_SECRET, "/token", code.form)


def refresh(client: Client, token: str) -> Answer:
    """A refresh token for the next, whatever the answer."""
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return client.post_as(OFFLINE, CLIENT_SECRET, "/token", form)


def token_in(answer: Answer, name: str) -> str:
    return str(json.loads(answer.body)[name])


def _fill(client: Client, page: Answer, end: str, **typed: str) -> Answer:
    """Send the page's form whose address ends so."""
    try:
        return client.post(page.form(end), page.fields(end) | typed)
    except StopIteration:
        raise Stopped(page) from None


def _request(client_id: str, **more: str) -> tuple[str, str]:
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    parameters = {
        "client_id": client_id,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "scope": _SCOPES[client_id],
        "state": secrets.token_urlsafe(8),
        "nonce": secrets.token_urlsafe(8),
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    return verifier, f"/authorize?{urlencode(parameters | more)}"


def _last(client: Client, answer: Answer) -> Answer:
    """Follow redirects; the page, or the redirect that leads to the application."""
    for _ in range(10):
        if answer.status not in (302, 303):
            break
        if answer.location.startswith(REDIRECT_URI):
            return answer
        answer = client.get(answer.location)
    if answer.status != 200:
        raise Stopped(answer)
    return answer


def _code(answer: Answer, verifier: str, client_id: str) -> Code:
    code = parse_qs(urlsplit(answer.location).query).get("code")
    if not code:
        raise Stopped(answer)
    return Code(code[0], verifier, client_id)
