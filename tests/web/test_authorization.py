"""The authorization endpoint as a browser meets it: response modes, consent, prompts, classes of sign-in."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from idp import app as application
from idp import settings
from idp.app import Services, flows
from idp.domain.accounts import Account, Identity
from idp.domain.authorization import AuthorizationRequest, PendingAuthorization
from idp.domain.errors import Refusal
from idp.domain.registrations import Registration
from idp.domain.sessions import ACR_BASIC, ACR_UNIVERSITY, Session
from idp.flows.authorization import Finished, Step
from idp.storage.database import Database
from idp.web.authorization import STEP_PAGES
from idp.web.consent import rows
from tests.openid.world import CHALLENGE
from tests.waiting import PATIENCE_MS
from tests.web.visitor import HOST, Visitor, application_of

ADDRESS = "ines@univ-exemple.fr"
PASSWORD = "trois pommes vertes sur la table"
CALLBACK = "https://rp.example/cb"
CLIENTS = """
[[client]]
client_id = "own"
client_secret = "a-secret-of-this-client-1"
client_name = "Portail"
redirect_uris = ["https://rp.example/cb", "http://localhost:6001/cb"]
scope = "openid email profile"

[[client]]
client_id = "once"
client_secret = "a-secret-of-this-client-2"
client_name = "Sondage"
redirect_uris = ["https://rp.example/cb"]
scope = "openid email profile"
consent = "first time"

[[client]]
client_id = "always"
client_secret = "a-secret-of-this-client-3"
redirect_uris = ["https://rp.example/cb"]
consent = "always"
claims = ["email"]

[[client]]
client_id = "app"
client_name = "Appli"
token_endpoint_auth_method = "none"
application_type = "native"
redirect_uris = ["http://127.0.0.1/cb", "org.example.app:/cb", "https://app.example/cb"]
scope = "openid email"
"""
MOVING = """
[[client]]
client_id = "moving"
client_secret = "a-secret-of-this-client-4"
redirect_uris = ["%s"]
"""


@pytest.fixture(scope="module")
def provider(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Built once: keys and indexes cost more than a test."""
    folder = tmp_path_factory.mktemp("provider")
    database = Database(mongodb_uri, f"test_{secrets.token_hex(6)}", timeout_ms=PATIENCE_MS)
    yield _build(mongodb_uri, database, folder)
    database.client.drop_database(database.name)
    database.close()


@pytest.fixture
def services(provider: Services) -> Services:
    """Nobody has agreed to anything yet."""
    provider.stores.consents.forget_account("account-of-ines")
    return provider


def _build(mongodb_uri: str, database: Database, folder: Path) -> Services:
    (folder / "clients.toml").write_text(CLIENTS + MOVING % CALLBACK)
    environment = {
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_VAR_DIR": str(folder / "var"),
        "IDP_KEYS_DIR": str(folder / "keys"),
        "IDP_CLIENTS_FILE": str(folder / "clients.toml"),
        "IDP_FEDERATION_DIR": str(folder / "federation"),
        "IDP_PASSWORDS_BCRYPT_COST": "4",
    }
    built = application.build(settings.load(environment), database=database)
    database.create_indexes(application.INDEXES)
    built.stores.accounts.create(
        Account(
            id="account-of-ines",
            subject="subject-of-ines",
            created_at=datetime.now(UTC),
            identities=(Identity("https://idp.example", "eppn", "ines@univ-exemple.fr"),),
            addresses=(ADDRESS,),
            password_hash=built.hasher.hash(PASSWORD),
            attributes={"displayName": ("Inès <b>Exemple</b>",)},
        )
    )
    return built


@pytest.fixture
def visitor(services: Services) -> Visitor:
    return Visitor(application_of(services).test_client())


@pytest.fixture
def signed_in(visitor: Visitor) -> Visitor:
    sign_in(ask(visitor))
    assert "code" in visitor.answer
    return visitor


def ask(visitor: Visitor, **changes: str) -> Visitor:
    parameters: dict[str, Any] = {
        "client_id": "own",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid email",
        "state": "état",
        "nonce": "n",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return visitor.get("/authorize", **(parameters | changes))


def sign_in(visitor: Visitor) -> Visitor:
    assert visitor.step == "email"
    assert visitor.press("Se connecter", email=ADDRESS).step == "sign-in"
    return visitor.press("Se connecter", password=PASSWORD)


def posted_from_another_site(signed_in: Visitor, **changes: str) -> Any:
    """What an application's page posts: the browser keeps its cookie back (SameSite=Lax)."""
    form = {
        "client_id": "own",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid email",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return signed_in._client.application.test_client().post("/authorize", data=form | changes, headers=HOST)


def test_a_request_that_an_application_posts_finds_who_is_signed_in(signed_in: Visitor) -> None:
    """OpenID Connect Core section 3.1.2.1: GET and POST mean the same."""
    posted = posted_from_another_site(signed_in, prompt="none", state="é &")
    assert (posted.status_code, "Set-Cookie" in posted.headers) == (303, False)
    # The redirect is followed with the cookie, as a link is.
    signed_in.get(posted.headers["Location"])
    assert signed_in.answer["state"] == "é &"
    assert "code" in signed_in.answer


def test_a_posted_request_too_long_for_a_link_is_answered_as_it_came(signed_in: Visitor) -> None:
    posted = posted_from_another_site(signed_in, prompt="none", state="s" * 8000)
    assert posted.headers["Location"].startswith(f"{CALLBACK}?error=login_required")


def test_no_site_takes_a_session_away_by_posting_a_long_request(signed_in: Visitor) -> None:
    """A page of ours sends it on, for then the browser sends its cookie along; the answer must set no other one."""
    browser = signed_in._client.application.test_client()
    form = {"client_id": "own", "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid"}
    form |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "state": '"é' + "s" * 8000}
    posted = browser.post("/authorize", data=form, headers=HOST | {"Sec-Fetch-Site": "cross-site"})
    assert (posted.status_code, "Set-Cookie" in posted.headers) == (200, False)
    signed_in.last = posted
    assert signed_in.step == "sent-on"
    assert "data-auto-submit" in posted.text
    assert "code" in signed_in.press("Continuer").answer
    assert signed_in.answer["state"] == form["state"]


def test_a_posted_request_that_comes_with_our_cookie_is_answered_at_once(signed_in: Visitor) -> None:
    """As Chromium sends one that is younger than two minutes, from whatever site."""
    form = {"client_id": "own", "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid"}
    form |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "state": "s" * 8000}
    headers = HOST | {"Sec-Fetch-Site": "cross-site"}
    signed_in.last = signed_in._client.post("/authorize", data=form, headers=headers)
    assert signed_in.location.startswith(CALLBACK)
    assert "code" in signed_in.answer


def test_a_posted_request_is_what_its_body_says_whatever_stands_in_the_address(signed_in: Visitor) -> None:
    form = {"client_id": "own", "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid", "state": "body"}
    form |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    signed_in.last = signed_in._client.post("/authorize?state=address&prompt=login", data=form, headers=HOST)
    assert signed_in.location.startswith(CALLBACK)
    assert ("code" in signed_in.answer, signed_in.answer["state"]) == (True, "body")


def test_who_has_no_session_yet_begins_one_with_a_long_request(visitor: Visitor) -> None:
    """What our own page sends on without a cookie comes from a browser that had none."""
    form = {"client_id": "own", "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid"}
    form |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "state": "s" * 8000}
    visitor.last = visitor._client.post("/authorize", data=form, headers=HOST | {"Sec-Fetch-Site": "same-origin"})
    assert visitor._follow().step == "email"


# -- response modes ------------------------------------------------------------------------------------------------


def test_a_form_is_posted_by_the_browser_with_or_without_scripts(signed_in: Visitor) -> None:
    ask(signed_in, response_mode="form_post", state='"><script>alert(1)</script>')
    assert (signed_in.last.status_code, signed_in.step) == (200, "form-post")
    (form,) = signed_in.tree.xpath("//form")
    assert (form.get("method"), form.get("action")) == ("post", CALLBACK)
    assert form.get("data-auto-submit") is not None
    fields = {field.get("name"): field.get("value") for field in form.xpath(".//input")}
    assert set(fields) == {"code", "state", "iss"}
    assert fields["state"] == '"><script>alert(1)</script>'
    assert form.xpath(".//button")
    assert not signed_in.tree.xpath("//script[not(@src)]")


def test_o_47_the_form_is_kept_by_nobody_and_may_end_at_the_client_alone(signed_in: Visitor) -> None:
    headers = ask(signed_in, response_mode="form_post", redirect_uri="http://localhost:6001/cb").last.headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert "http://localhost:6001" in policy.partition("form-action ")[2].partition(";")[0].split()
    assert "'unsafe" not in policy


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
def test_errors_travel_in_the_mode_asked_for(visitor: Visitor, mode: str) -> None:
    ask(visitor, response_mode=mode, prompt="none")
    if mode == "form_post":
        fields = {field.get("name"): field.get("value") for field in visitor.tree.xpath("//form//input")}
    else:
        fields = visitor.answer
        assert ("#" in visitor.location) == (mode == "fragment")
    assert (fields["error"], fields["state"], fields["iss"]) == ("login_required", "état", "http://localhost:5000")


def test_the_whole_journey_ends_in_the_mode_asked_for(visitor: Visitor) -> None:
    assert sign_in(ask(visitor, response_mode="form_post")).step == "form-post"


# -- consent -------------------------------------------------------------------------------------------------------


def test_our_own_application_asks_nothing(signed_in: Visitor) -> None:
    assert "code" in ask(signed_in).answer
    assert "code" in ask(signed_in, prompt="consent").answer


def test_a_person_sees_who_asks_for_what_with_the_values(signed_in: Visitor) -> None:
    ask(signed_in, client_id="once", scope="openid email profile")
    assert signed_in.step == "consent"
    received = [(term.text_content(), term.getnext().text_content()) for term in signed_in.tree.xpath("//main//dt")]
    assert received[0] == ("Identifiant", "un numéro sans rapport avec votre nom, toujours le même"), (
        "the sub, which each one gets"
    )
    assert "Compte" not in dict(received), "whose it is, is told beside what goes out"
    for shown in ("Sondage", ADDRESS, "Inès <b>Exemple</b>"):
        assert shown in signed_in.text
    assert not signed_in.tree.xpath("//main//b")


def test_a_person_sees_where_data_goes_that_a_client_asks_for_under_a_name_of_its_own_choice(
    signed_in: Visitor, services: Services
) -> None:
    """Nobody has looked at the name; the address is what it is."""
    metadata = {"client_name": "Scolarité", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
    services.stores.clients.add(Registration("reg_survey", metadata, "", "", datetime.now(UTC)))
    ask(signed_in, client_id="reg_survey")
    assert signed_in.step == "consent"
    assert "Ce nom est celui qu’elle s’est donné ; vos données partent vers rp.example." in signed_in.text
    assert "rp.example" not in ask(signed_in, client_id="once").text


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("fr", ("Origine du compte Université", "Langue français")),
        ("en", ("Origin of the account University", "Language French")),
    ],
)
def test_a_person_reads_values_as_words(signed_in: Visitor, language: str, shown: tuple[str, ...]) -> None:
    ask(signed_in, client_id="once", scope="openid profile")
    signed_in.get(signed_in.last.request.path, lang=language)
    assert signed_in.step == "consent"
    for words in shown:
        assert words in signed_in.text
    assert "university" not in signed_in.text


def test_what_a_university_says_of_a_status_is_told_in_words(services: Services) -> None:
    data = {
        "eduperson_affiliation": ["student", "member"],
        "eduperson_scoped_affiliation": ["student@univ-exemple.fr", "novelty@univ-exemple.fr"],
        "account_type": "invited",
    }
    with application_of(services).test_request_context("/", headers=HOST):
        told = dict(rows(data))
    assert told["Statut dans l’établissement"] == [
        "Membre",
        "Étudiant ou étudiante (univ-exemple.fr)",
        "novelty (univ-exemple.fr)",
    ], "what is told with its university is not told once more without"
    assert told["Origine du compte"] == ["Invitation"]


def test_agreeing_is_remembered_until_more_is_asked_for(signed_in: Visitor) -> None:
    ask(signed_in, client_id="once")
    assert "code" in signed_in.press("Autoriser").answer
    assert "code" in ask(signed_in, client_id="once").answer
    assert "code" in ask(signed_in, client_id="once", prompt="none").answer
    assert ask(signed_in, client_id="once", scope="openid email profile").step == "consent"
    assert ask(signed_in, client_id="once", claims='{"userinfo": {"name": null}}').step == "consent"


def test_refusing_is_told_to_the_client_and_nothing_is_remembered(signed_in: Visitor) -> None:
    answer = ask(signed_in, client_id="once").press("Refuser").answer
    assert (answer["error"], answer["state"]) == ("access_denied", "état")
    assert ask(signed_in, client_id="once").step == "consent"


def test_the_security_log_tells_who_was_answered_and_who_went_back(services: Services, signed_in: Visitor) -> None:
    """It is also how the provider knows that an account is used."""
    for button in ("Autoriser", "Refuser"):
        ask(signed_in, client_id="always").press(button)
    told = services.stores.audit.events(account_ids=("account-of-ines",))
    asked = [event for event in told if event.event.startswith("authorization.")][-2:]
    assert [event.event for event in asked] == ["authorization.answered", "authorization.cancelled"]
    assert {event.fields["client_id"] for event in asked} == {"always"}
    assert len({event.reference for event in asked}) == 2


def test_without_a_page_a_missing_consent_is_an_error(signed_in: Visitor) -> None:
    assert ask(signed_in, client_id="once", prompt="none").answer["error"] == "consent_required"
    assert ask(signed_in, client_id="always", prompt="none").answer["error"] == "consent_required"


def test_some_clients_ask_every_time_and_prompt_consent_makes_the_others_ask_again(signed_in: Visitor) -> None:
    for changes in ({"client_id": "always"}, {"client_id": "once", "prompt": "consent"}):
        for _ in range(2):
            assert ask(signed_in, **changes).step == "consent"
            assert "code" in signed_in.press("Autoriser").answer


def test_o_44_the_page_shows_no_more_than_the_client_may_have(signed_in: Visitor) -> None:
    ask(signed_in, client_id="always", scope="openid email profile")
    assert ADDRESS in signed_in.text
    assert "Inès" not in signed_in.text


def test_consent_comes_after_the_sign_in_of_the_same_journey(visitor: Visitor) -> None:
    assert sign_in(ask(visitor, client_id="once")).step == "consent"
    assert "code" in visitor.press("Autoriser").answer


def test_consent_cannot_be_skipped_by_going_to_the_end(signed_in: Visitor) -> None:
    ask(signed_in, client_id="once")
    path = signed_in.tree.xpath("//form/@action")[0].rpartition("/")[0]
    assert signed_in.get(path).step == "consent"


def test_o_30_consent_needs_the_form_of_the_page(signed_in: Visitor, services: Services) -> None:
    ask(signed_in, client_id="once")
    action = signed_in.tree.xpath("//form[.//button[contains(., 'Autoriser')]]/@action")[0]
    assert signed_in._client.post(action, data={"csrf_token": "x"}, headers=HOST).status_code == 403
    assert services.stores.consents.find("account-of-ines", "once") is None


@pytest.mark.parametrize(("agreed", "step"), [("account-of-ines", Step.FINISH), ("another", Step.CONSENT)])
def test_what_somebody_else_agreed_to_in_the_same_journey_is_not_this_person_s_consent(
    services: Services, agreed: str, step: Step
) -> None:
    """Whoever signs in as somebody else between agreeing and the answer is asked for themselves."""
    here = signed_in_session(services)
    pending = replace(waiting(here, "always"), consent_of=agreed)
    assert flows.authorization(services).next_step(pending, here) is step


def signed_in_session(services: Services) -> Session:
    sessions, now = services.browser_sessions, datetime.now(UTC)
    return sessions.sign_in(
        sessions.open()[1], account_id="account-of-ines", methods=("pwd",), acr=ACR_BASIC, device=None, now=now
    ).session


def waiting(session: Session, client_id: str | None = None, **claims: Any) -> PendingAuthorization:
    """A request that waits in this browser."""
    now = datetime.now(UTC)
    request = AuthorizationRequest(client_id, CALLBACK, scope=("openid",), claims=claims)
    return PendingAuthorization(secrets.token_hex(8), session.browser, request, now, now + timedelta(hours=1), "REF")


def test_of_two_answers_to_one_request_at_the_same_moment_one_is_refused(services: Services) -> None:
    here, flow = signed_in_session(services), flows.authorization(services)
    pending = waiting(here)
    services.stores.authorizations.put(pending)
    assert isinstance(flow.go_on(pending, here, may_finish=True), Finished)
    with pytest.raises(Refusal, match="answered already"):
        flow.go_on(pending, here, may_finish=True)


def test_another_address_forgets_what_was_begun_with_the_one_before(services: Services) -> None:
    here, flow = signed_in_session(services), flows.authorization(services)
    begun = replace(waiting(here), address=ADDRESS, proofing_id="p", one_time_code_id="c")
    services.stores.authorizations.put(begun)
    now = flow.take_address(begun.id, here, "noe@univ-exemple.fr")
    assert (now.address, now.proofing_id, now.one_time_code_id) == ("noe@univ-exemple.fr", None, None)


def test_a_code_that_was_asked_for_does_not_stand_for_a_proof_that_is_insisted_on(services: Services) -> None:
    here = signed_in_session(services)
    insists = {"acr": {"essential": True, "value": ACR_UNIVERSITY}}
    begun = replace(waiting(here, "own", id_token=insists), address=ADDRESS, one_time_code_id="c")
    assert flows.authorization(services).next_step(begun, here) is Step.UNIVERSITY


def test_who_was_disabled_is_not_asked_whether_to_reopen(services: Services) -> None:
    here, accounts = signed_in_session(services), services.database.collection("accounts")
    accounts.update_one({"_id": "account-of-ines"}, {"$set": {"disabled": True}})
    try:
        assert flows.authorization(services).next_step(waiting(here), here) is Step.ADDRESS
    finally:
        accounts.update_one({"_id": "account-of-ines"}, {"$set": {"disabled": False}})


def test_consent_that_was_taken_back_is_asked_for_again(signed_in: Visitor, services: Services) -> None:
    ask(signed_in, client_id="once").press("Autoriser")
    assert services.stores.consents.withdraw("account-of-ines", "once")
    assert ask(signed_in, client_id="once").step == "consent"


# -- applications on the person's own device -----------------------------------------------------------------------

ON_THE_DEVICE = ["http://127.0.0.1:51234/cb", "org.example.app:/cb"]


@pytest.mark.parametrize("redirect_uri", ON_THE_DEVICE)
def test_no_program_on_the_device_gets_an_answer_behind_the_person_s_back(
    signed_in: Visitor, redirect_uri: str
) -> None:
    """RFC 8252 section 8.6: any program there can ask in this name, with a challenge of its own, and listen."""
    changes = {"client_id": "app", "redirect_uri": redirect_uri}
    assert ask(signed_in, prompt="none", **changes).answer["error"] == "consent_required"
    for _ in range(2):
        assert ask(signed_in, **changes).step == "consent"
        assert "Appli" in signed_in.text
        assert "code" in signed_in.press("Autoriser").answer


@pytest.mark.parametrize("redirect_uri", ON_THE_DEVICE)
def test_who_signs_in_on_the_way_to_such_an_application_has_said_so(visitor: Visitor, redirect_uri: str) -> None:
    assert "code" in sign_in(ask(visitor, client_id="app", redirect_uri=redirect_uri)).answer


def test_an_application_at_https_is_named_by_no_page_as_all_of_https_is(visitor: Visitor) -> None:
    policy = ask(visitor).last.headers["Content-Security-Policy"]
    assert policy.partition("form-action ")[2].partition(";")[0].split() == ["'self'", "https:", "http:"]


@pytest.mark.parametrize(
    ("redirect_uri", "target"),
    [("http://127.0.0.1:6002/cb", "http://127.0.0.1:6002"), ("org.example.app:/cb", "org.example.app:")],
)
def test_every_page_on_the_way_may_end_at_such_an_application(visitor: Visitor, redirect_uri: str, target: str) -> None:
    """Browsers hold form-action against the redirect that follows a form, else nothing happens on « Se connecter »."""
    ask(visitor, client_id="app", redirect_uri=redirect_uri)
    for step in ("email", "sign-in"):
        assert visitor.step == step
        policy = visitor.last.headers["Content-Security-Policy"]
        assert target in policy.partition("form-action ")[2].partition(";")[0].split()
        visitor.press("Se connecter", email=ADDRESS)


def test_an_address_that_its_operating_system_claims_for_the_application_is_proof_enough(signed_in: Visitor) -> None:
    """RFC 8252 sections 7.2 and 8.6."""
    assert "code" in ask(signed_in, client_id="app", redirect_uri="https://app.example/cb", prompt="none").answer


# -- going back ----------------------------------------------------------------------------------------------------


def test_whoever_goes_back_without_signing_in_is_told_to_the_client(visitor: Visitor) -> None:
    answer = ask(visitor).press("Revenir à l’application").answer
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "état", "http://localhost:5000")
    ask(visitor).press("Se connecter", email=ADDRESS)
    assert visitor.step == "sign-in"
    assert visitor.press("Revenir à l’application").answer["error"] == "access_denied"


def test_o_30_nobody_goes_back_by_a_form_that_is_not_ours(signed_in: Visitor) -> None:
    page = ask(signed_in, client_id="always").last
    (form,) = signed_in.tree.xpath("//form[.//button[normalize-space()='Refuser']]")
    assert signed_in._client.post(form.get("action"), data={"csrf_token": "x"}, headers=HOST).status_code == 403
    signed_in.last = page
    assert "code" in signed_in.press("Autoriser").answer


def test_a_request_that_was_given_up_is_answered_once(visitor: Visitor) -> None:
    ask(visitor)
    action = visitor.tree.xpath("//form[.//button[contains(., 'Revenir')]]/@action")[0]
    visitor.press("Revenir à l’application")
    assert visitor.get(action.rpartition("/")[0]).step == "error"


def test_without_an_application_there_is_nowhere_to_go_back_to(visitor: Visitor) -> None:
    assert visitor.get("/account").step == "email"
    assert "Revenir" not in visitor.text


# -- an application that changes meanwhile ------------------------------------------------------------------------


@pytest.fixture
def moves(services: Services) -> Iterator[Callable[[str], None]]:
    """Gives the application « moving » another table, or none, while somebody is on the way to it."""
    path = services.settings.clients.file

    def write(table: str) -> None:
        path.write_text(CLIENTS + table)
        services.clients_file._looked_at = float("-inf")

    yield write
    write(MOVING % CALLBACK)


@pytest.mark.parametrize("table", ["", MOVING % "https://elsewhere.example/cb"])
@pytest.mark.parametrize("ends", [sign_in, lambda visitor: visitor.press("Revenir à l’application")])
def test_o_33_an_address_that_was_taken_from_its_application_receives_nothing_any_more(
    visitor: Visitor, moves: Callable[[str], None], table: str, ends: Callable[[Visitor], Visitor]
) -> None:
    """A journey may last two hours, and an address may have to go because it fell into other hands."""
    assert ask(visitor, client_id="moving", scope="openid").step == "email"
    moves(table)
    ends(visitor)
    assert (visitor.step, visitor.location) == ("error", "")


# -- prompts, ages, hints ------------------------------------------------------------------------------------------


def test_select_account_shows_the_address_page_and_login_hint_fills_it(signed_in: Visitor) -> None:
    ask(signed_in, prompt="select_account", login_hint="zoe@univ-exemple.fr")
    assert signed_in.step == "email"
    assert signed_in.tree.xpath("//input[@name='email']/@value") == ["zoe@univ-exemple.fr"]


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}])
def test_a_new_sign_in_is_asked_for_and_then_counts(signed_in: Visitor, changes: dict[str, str]) -> None:
    assert "code" in sign_in(ask(signed_in, **changes)).answer


def test_somebody_else_s_hint_asks_to_sign_in_again(signed_in: Visitor, services: Services) -> None:
    keys = services.provider._id_tokens
    hint = keys.sign({"sub": "somebody-else", "aud": "own", "exp": 1}, "RS256")
    assert ask(signed_in, id_token_hint=hint, prompt="none").answer["error"] == "login_required"
    assert ask(signed_in, id_token_hint=hint).step == "email"
    assert sign_in(signed_in).answer["error"] == "login_required"
    own = keys.sign({"sub": "subject-of-ines", "aud": "own", "exp": 1}, "RS256")
    assert "code" in ask(signed_in, id_token_hint=own, prompt="none").answer


def test_what_an_application_was_refused_is_not_noted_as_received(signed_in: Visitor, services: Services) -> None:
    """The account page tells who received what: an error brings nothing."""
    hint = services.provider._id_tokens.sign({"sub": "somebody-else", "aud": "always", "exp": 1}, "RS256")
    services.database.collection("accounts").update_one({"_id": "account-of-ines"}, {"$set": {"releases": []}})
    ask(signed_in, client_id="always", id_token_hint=hint)
    assert sign_in(signed_in).step == "consent"
    assert signed_in.press("Autoriser").answer["error"] == "login_required"
    account = services.stores.accounts.find("account-of-ines")
    assert account is not None
    assert "always" not in [release.client_id for release in account.releases]


def test_create_leads_from_the_address_to_the_university(signed_in: Visitor) -> None:
    assert ask(signed_in, prompt="create").step == "email"
    assert signed_in.press("Se connecter", email="new@univ-exemple.fr").step == "choose-university"
    assert ask(signed_in, prompt="none create").answer["error"] == "invalid_request"


def test_pages_speak_the_language_asked_for(visitor: Visitor) -> None:
    assert ask(visitor, ui_locales="de en-GB fr").tree.get("lang") == "en"


# -- classes of sign-in --------------------------------------------------------------------------------------------

ESSENTIAL = '{"id_token": {"acr": {"essential": true, "values": ["%s"]}}}'


def test_a_fresh_proof_that_is_insisted_on_leads_to_the_university_for_the_person_signed_in(signed_in: Visitor) -> None:
    claims = ESSENTIAL % ACR_UNIVERSITY
    assert ask(signed_in, claims=claims).step == "choose-university"
    assert "confirme" in signed_in.text
    assert ask(signed_in, claims=claims, prompt="none").answer["error"] == "login_required"


def test_a_password_is_not_enough_where_a_fresh_proof_is_insisted_on(visitor: Visitor) -> None:
    ask(visitor, claims=ESSENTIAL % ACR_UNIVERSITY)
    assert visitor.press("Se connecter", email=ADDRESS).step == "choose-university"
    handle = visitor.tree.xpath("//form[@method='get']/@action")[0].rpartition("/")[0]
    assert visitor.get(handle + "/methods").step == "sign-in"
    assert visitor.press("Se connecter", password=PASSWORD).step == "choose-university"


def test_a_class_that_was_reached_is_not_asked_for_again(signed_in: Visitor, services: Services) -> None:
    sessions = services.database.collection("sessions")
    sessions.update_many({"sign_in.account_id": "account-of-ines"}, {"$set": {"sign_in.acr": ACR_UNIVERSITY}})
    assert "code" in ask(signed_in, claims=ESSENTIAL % ACR_UNIVERSITY, prompt="none").answer


def test_a_class_that_is_never_reached_is_an_error_at_once(visitor: Visitor) -> None:
    answer = ask(visitor, claims=ESSENTIAL % "urn:mace:incommon:iap:silver").answer
    assert answer["error"] == "unmet_authentication_requirements"


def test_a_preferred_class_chooses_the_way_and_leaves_the_other_open(visitor: Visitor) -> None:
    ask(visitor, acr_values=ACR_UNIVERSITY)
    assert visitor.press("Se connecter", email=ADDRESS).step == "choose-university"
    handle = visitor.tree.xpath("//form[@method='get']/@action")[0].rpartition("/")[0]
    visitor.get(handle + "/methods")
    assert "code" in visitor.press("Se connecter", password=PASSWORD).answer


def test_every_step_has_a_page() -> None:
    lost = [step.name for step in Step if step not in STEP_PAGES]
    assert not lost, f"say in STEP_PAGES (idp/web/authorization.py) which page these steps have: {lost}"
