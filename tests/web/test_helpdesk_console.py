"""The console: a relying party of the provider, for those with the role; every look and act is logged."""

import re
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from babel.dates import format_date

from idp import app as application
from idp.app import assistance, flows, own_account
from idp.domain.accounts import Account, Identity, Invited
from idp.domain.authorization import AuthorizationRequest, PendingAuthorization
from idp.domain.guessing import MAILS_PER_HOUR, METHOD_BUDGET, Method
from idp.domain.helpdesk import Act
from idp.domain.one_time_codes import digits
from idp.domain.sessions import ACR_BASIC, ACR_PHISHING_RESISTANT, Session, SignIn
from idp.storage.database import Database
from idp.web.helpdesk_act_pages import act_names
from tests.saml import identity_provider as university
from tests.web import proofing_world
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, Traveller, World
from tests.web.test_helpdesk_flows import answered, proven
from tests.web.visitor import HOST, Visitor

ALEX = "alex.dupuis@univ-exemple.fr"
# Names of ours: with an underscore or a dot, or one of those that look like a word.
RAW = re.compile(
    r"(?<![\w.@/:-])(?:[a-z]+[._][a-z_]+(?![\w@-]*[.@])|university|invited|invitation\b(?= \d)|eppn|pwd|otp)\b"
)
# What is nobody's but the universities', the mail servers' and the applications' own.
THEIRS = ("univ-exemple.fr", "exams.example", "idp.", "eduPerson")
CLIENT = """
[[client]]
client_id = "uness-helpdesk"
client_name = "Assistance"
token_endpoint_auth_method = "none"
redirect_uris = ["http://localhost:5000/helpdesk/callback"]
scope = "openid email roles"
claims = ["email", "roles"]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, university_keys: dict[str, university.Key]) -> Path:
    made = tmp_path_factory.mktemp("helpdesk")
    proofing_world.prepare(made, university_keys)
    with (made / "clients.toml").open("a") as clients:
        clients.write(CLIENT)
    return made


@pytest.fixture(scope="module")
def consoles(
    _indexed: Database, mongodb_uri: str, folder: Path, university_keys: dict[str, university.Key]
) -> dict[bool, World]:
    """Providers with a console, without and with a passkey asked for."""
    plain = proofing_world.build(_indexed, mongodb_uri, folder, university_keys)
    return {passkey: _with_console(plain, _indexed, passkey=passkey) for passkey in (False, True)}


def _with_console(plain: World, database: Database, *, passkey: bool) -> World:
    settings = plain.services.settings
    # As administrators write addresses: in any case.
    operators = f"{ALEX.title()} subject-of-nobody"
    asked = replace(settings.helpdesk, enabled=True, operators=operators, passkey=passkey)
    services = application.build(replace(settings, helpdesk=asked), database=database, clock=plain.clock)
    services.federation.refresh()
    return World(services, application.create_app(services), plain.clock, plain.keys)


@pytest.fixture(params=[False])
def helped(consoles: dict[bool, World], database: Database, request: pytest.FixtureRequest) -> World:
    """A provider where Alex helps. param: whether a passkey is asked for."""
    world = consoles[request.param].from_the_beginning()
    world.account("alex", ALEX, password=PASSWORD)
    world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr"), password=PASSWORD)
    return world


def account(world: World, account_id: str) -> Account:
    found = world.services.stores.accounts.find(account_id)
    assert found
    return found


def to_console(person: Traveller) -> Traveller:
    """Carry answers to the console's own address back, as a browser would."""
    while "/helpdesk/callback" in person.location:
        target = urlsplit(person.location)
        person.last = person._client.get(target.path, query_string=dict(parse_qsl(target.query)), headers=HOST)
        person._follow()
    return person


def entered(world: World, address: str = ALEX) -> Traveller:
    person = world.browser().get("/helpdesk")
    person.press("Se connecter", email=address).press("Se connecter", password=PASSWORD)
    return to_console(person)


def test_an_operator_signs_in_as_at_any_application_and_finds_a_person(helped: World) -> None:
    person = entered(helped)
    assert person.step == "helpdesk"
    person.press("Rechercher", query="cdurand@univ-exemple.fr")
    assert CAMILLE in person.text
    (searched,) = helped.events("helpdesk.searched")
    assert searched["fields"] == {"operator": ALEX, "found": "camille"}, "whose data was seen, and no word about them"
    person.get("/helpdesk/people/camille")
    assert person.step == "helpdesk-person"
    assert person.last.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in person.last.headers["Content-Security-Policy"]
    assert [event["fields"]["operator"] for event in helped.events("helpdesk.entered")] == [ALEX]
    (viewed,) = helped.events("helpdesk.viewed")
    assert (viewed["account_id"], viewed["fields"]["operator"]) == ("camille", ALEX)


def test_the_address_of_a_search_leads_back_to_it(helped: World) -> None:
    """The other language, reloading and Back ask for it again, without what was searched for."""
    operator = entered(helped)
    operator.press("Rechercher", query=CAMILLE)
    assert operator.get("/helpdesk/search").last.request.path == "/helpdesk"
    assert "Personnes trouvées" not in operator.text


def test_the_request_has_pkce_a_nonce_a_fresh_sign_in_and_the_role(helped: World) -> None:
    browser = helped.browser()
    answer = browser._client.get("/helpdesk", headers=HOST)
    asked = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    assert (asked["response_type"], asked["code_challenge_method"], asked["max_age"]) == ("code", "S256", "600")
    assert asked["state"]
    assert asked["nonce"]
    assert '"roles": {"essential": true}' in asked["claims"]


def test_who_has_no_role_stays_outside(helped: World) -> None:
    person = entered(helped, CAMILLE)
    assert (person.step, person.last.status_code) == ("error", 403)
    assert helped.events("helpdesk.entered") == []
    assert helped.events("request.refused")[-1]["fields"]["reason"] == "helpdesk.not_operator"


@pytest.mark.parametrize("helped", [True], indirect=True)
def test_where_a_passkey_is_asked_for_a_password_does_not_do(helped: World) -> None:
    person = helped.browser().signed_in(account(helped, "alex")).get("/helpdesk")
    assert person.step not in ("helpdesk", "sign-in")
    asked = helped.services.database.collection("authorizations").find_one()
    assert asked
    assert asked["request"]["claims"]["id_token"]["acr"] == {"essential": True, "value": ACR_PHISHING_RESISTANT}


@pytest.mark.parametrize("helped", [True], indirect=True)
def test_a_passkey_opens_the_console(helped: World) -> None:
    sessions, person = helped.services.browser_sessions, helped.browser()
    _, anonymous = sessions.open()
    made = sessions.sign_in(
        anonymous,
        account_id="alex",
        methods=("hwk", "user"),
        acr=ACR_PHISHING_RESISTANT,
        device=None,
        now=helped.clock(),
    )
    person._client.set_cookie("idp_session", made.session_cookie, domain="localhost")
    assert to_console(person.get("/helpdesk")).step == "helpdesk"


def test_acts_need_a_reason_and_are_logged(helped: World) -> None:
    person = entered(helped)
    act(person, "camille", "disable", reason=" ")
    assert (person.last.status_code, account(helped, "camille").disabled) == (422, False)
    act(person, "camille", "disable", reason="téléphone volé")
    assert account(helped, "camille").disabled
    (event,) = helped.events("account.closed")
    assert event["fields"] == {"operator": ALEX, "reason": "téléphone volé"}
    assert "Réactiver le compte" in person.text
    act(person, "camille", "enable", reason="téléphone retrouvé")
    assert not account(helped, "camille").disabled
    act(person, "camille", "unlock", reason="appel")
    assert helped.events("helpdesk.unlocked")


def test_nobody_acts_without_our_token_or_without_the_role(helped: World) -> None:
    person = entered(helped).get("/helpdesk/people/camille")
    forged = person._client.post("/helpdesk/people/camille/acts/disable", data={"reason": "x"}, headers=HOST)
    assert forged.status_code == 403
    other = helped.browser().signed_in(account(helped, "camille"))
    other.get("/account").post("/helpdesk/people/alex/acts/disable", reason="x")
    assert (other.last.status_code, account(helped, "alex").disabled) == (403, False)
    assert helped.browser().get("/helpdesk/people/camille").step != "helpdesk-person"


@pytest.mark.parametrize("token", ["none", "anybody's", "of before the sign-in"])
@pytest.mark.parametrize("path", ["search", "invitation", "people/camille/acts/disable"])
def test_o_30_no_form_of_the_console_does_anything_without_its_token(helped: World, path: str, token: str) -> None:
    person = entered(helped)
    browser = replace(person.session, sign_in=None)
    tokens = {"anybody's": "x" * 43, "of before the sign-in": helped.services.browser_sessions.csrf_token(browser)}
    fields = {"query": CAMILLE, "reason": "x"}
    fields |= {"csrf_token": tokens[token]} if token in tokens else {}
    assert person._client.post(f"/helpdesk/{path}", data=fields, headers=HOST).status_code == 403
    assert (account(helped, "camille").disabled, helped.events("helpdesk.searched")) == (False, [])


def test_the_console_closes_with_the_sign_in_with_the_role_and_with_time(helped: World) -> None:
    person = entered(helped)
    helped.services.stores.accounts.set_disabled("alex", disabled=True)
    assert person.get("/helpdesk").step != "helpdesk"
    helped.services.stores.accounts.set_disabled("alex", disabled=False)
    assert person.get("/helpdesk").step == "helpdesk"
    helped.services.stores.sessions.end_account("alex")
    assert person.get("/helpdesk").step != "helpdesk"


def test_another_browsers_answer_or_cookie_opens_nothing(helped: World) -> None:
    person = helped.browser().get("/helpdesk")
    person.press("Se connecter", email=ALEX).press("Se connecter", password=PASSWORD)
    stolen = person.location
    other = helped.browser().signed_in(account(helped, "camille"))
    other.last = other._client.get(stolen.removeprefix("http://localhost:5000"), headers=HOST)
    assert (other.last.status_code, other.step) == (403, "error")
    console = entered(helped)._client.get_cookie("idp_helpdesk", domain="localhost")
    assert console
    other.keep_cookie("idp_helpdesk", console.value)
    assert other.get("/helpdesk").step != "helpdesk"


@pytest.mark.parametrize(
    "query", ["error=access_denied", "", "code=x&state=y", "code=x&state=y&iss=https://evil.example"]
)
def test_an_answer_that_was_not_asked_for_is_refused(helped: World, query: str) -> None:
    person = helped.browser().signed_in(account(helped, "alex"))
    person.last = person._client.get(f"/helpdesk/callback?{query}", headers=HOST)
    assert (person.last.status_code, person.step) == (403, "error")


def test_the_console_is_not_there_unless_it_is_switched_on(world: World) -> None:
    assert world.browser().get("/helpdesk").last.status_code == 404


def test_a_role_is_told_to_the_helpdesk_alone(helped: World) -> None:
    claims = helped.services.provider._core._claims_of
    assert claims("alex") is not None
    assert (claims("alex") or {}).get("roles") == ["helpdesk"]
    assert "roles" not in (claims("camille") or {})


def test_who_has_a_role_reads_of_it_before_an_application_is_told(helped: World) -> None:
    now = helped.clock()
    session = Session("id", "browser", now + timedelta(hours=1), SignIn("alex", "sid", now, ("pwd",), ACR_BASIC))
    request = AuthorizationRequest(
        "uness-helpdesk", "http://localhost:5000/helpdesk/callback", scope=("openid", "email", "roles")
    )
    pending = PendingAuthorization("handle", "browser", request, now, now + timedelta(hours=1), "ABCD-2345")
    shown = flows.consent(helped.services).asked(pending, session).data
    assert (shown["email"], shown["roles"]) == (ALEX, ["helpdesk"])


def act(person: Traveller, account_id: str, name: str, **fields: str) -> Traveller:
    """The page of this act, then its button."""
    person.get(f"/helpdesk/people/{account_id}/acts/{name}")
    assert person.step == "helpdesk-act"
    return person.send(f"/helpdesk/people/{account_id}/acts/{name}", **fields)


@pytest.fixture
def two(helped: World) -> World:
    helped.account("zoe", "zoe@exemple.org", Identity(EXEMPLE, "eppn", "zoe@univ-exemple.fr"), password=PASSWORD)
    return helped


def test_every_act_is_offered_on_the_page_of_the_person(helped: World) -> None:
    person = entered(helped)
    links = person.get("/helpdesk/people/camille").links()
    for label in ("Réunir", "Séparer", "Retirer un identifiant", "Effacer"):
        assert any(text.startswith(label) for text in links), label


def test_two_accounts_are_merged_and_parted_again(two: World) -> None:
    person = entered(two)
    act(person, "zoe", "merge", into=CAMILLE, reason="ticket 1")
    assert person.step == "helpdesk-person"
    assert "zoe@exemple.org" in account(two, "camille").addresses
    (merged,) = two.events("helpdesk.merged")
    assert merged["fields"] == {"operator": ALEX, "reason": "ticket 1", "other": "zoe"}
    act(person, "camille", "unmerge", address="zoe@exemple.org", reason="ticket 2")
    assert account(two, "camille").addresses == (CAMILLE,)
    assert account(two, "zoe").addresses == ("zoe@exemple.org",)
    (parted,) = two.events("helpdesk.unmerged")
    assert parted["fields"]["reason"] == "ticket 2"


def test_the_page_of_an_act_is_a_look_at_the_person_too(two: World) -> None:
    entered(two).get("/helpdesk/people/zoe/acts/unlink")
    (viewed,) = two.events("helpdesk.viewed")
    assert (viewed["account_id"], viewed["fields"]) == ("zoe", {"operator": ALEX})


def test_what_ended_in_another_account_is_parted_not_reopened(two: World) -> None:
    person = entered(two)
    act(person, "zoe", "merge", into=CAMILLE, reason="ticket 1")
    act(person, "zoe", "enable", reason="erreur")
    assert (person.last.status_code, account(two, "zoe").disabled) == (422, True)
    assert "absorbé par un autre" in person.text


def test_an_identifier_is_taken_away(two: World) -> None:
    act(entered(two), "zoe", "unlink", identity="zoe@univ-exemple.fr", reason="erreur")
    assert account(two, "zoe").identities == ()
    (unlinked,) = two.events("helpdesk.unlinked")
    assert unlinked["fields"]["operator"] == ALEX


def test_an_account_is_given_back_at_one_of_its_addresses_and_no_other(two: World) -> None:
    """An address of the helper's choice would be a way into anybody's account."""
    person = entered(two)
    two.services.stores.account_addresses.add("zoe", "voleur@ailleurs.example")
    act(person, "zoe", "give-back", address="alex@elsewhere.example", reason="carte présentée")
    assert (person.last.status_code, len(account(two, "zoe").addresses)) == (422, 2)
    act(person, "zoe", "give-back", address="zoe@exemple.org", reason="carte présentée")
    assert account(two, "zoe").addresses == ("zoe@exemple.org",)
    (given,) = two.events("helpdesk.given_back")
    assert given["fields"]["operator"] == ALEX


def test_who_has_no_passkey_left_gets_in_by_password_and_code_again(two: World) -> None:
    person = entered(two)
    two.services.stores.accounts.set_only_passkeys("zoe", only=True)
    assert "par clé d’accès seulement" in person.get("/helpdesk/people/zoe").text
    act(person, "zoe", "allow-password", reason="carte présentée")
    assert not account(two, "zoe").only_passkeys
    assert "Accepter de nouveau" not in person.get("/helpdesk/people/zoe").text
    (allowed,) = two.events("helpdesk.password_allowed")
    assert allowed["fields"] == {"operator": ALEX, "reason": "carte présentée"}


def test_a_person_is_erased(two: World) -> None:
    person = entered(two)
    assert "Personne ne peut revenir" in person.get("/helpdesk/people/zoe/acts/erase").text
    person.send("/helpdesk/people/zoe/acts/erase", reason="demande de la personne")
    assert account(two, "zoe").disabled
    own_account.erasure(two.services).erase_next(two.clock())
    assert two.services.stores.accounts.find("zoe") is None
    (erased,) = two.events("helpdesk.erased")
    assert erased["fields"]["reason"] == "demande de la personne"


def test_a_person_is_invited_and_told(helped: World) -> None:
    person = entered(helped).get("/helpdesk/invitation")
    invited = {"address": "p.hospitalier@chu.example", "family_name": "Hospitalier", "role": "praticien"}
    ends = f"{helped.clock() + timedelta(days=90):%Y-%m-%d}"
    person.send("/helpdesk/invitation", **invited, expires=ends, reason="convention", mail="yes")
    assert "L’invitation de p.hospitalier@chu.example est enregistrée" in person.text
    (mail,) = helped.mails("p.hospitalier@chu.example")
    assert mail["kind"] == "invitation"
    (made,) = helped.events("invitation.made")
    assert made["fields"]["operator"] == ALEX


def test_an_invitation_says_which_of_its_fields_may_stay_empty(helped: World) -> None:
    """RGAA 11.10: what must be filled in is told before the form is sent."""
    form = entered(helped).get("/helpdesk/invitation").tree
    for label in form.xpath("//main//label[@for != 'mail']"):
        (field,) = form.xpath("//input[@id = $id]", id=label.get("for"))
        assert ("(facultatif)" in label.text_content()) == (field.get("required") is None), label.text_content()


def test_the_last_day_of_an_invitation_is_told_as_it_was_given(helped: World) -> None:
    """It lasts until that day is over in Paris, which is the next one at midnight: nobody reads that."""
    last = (helped.clock() + timedelta(days=90)).date()
    guest = {"address": "guest@chu.example", "family_name": "Hospitalier", "role": "praticien"}
    person = entered(helped).get("/helpdesk/invitation")
    (kind,) = person.tree.xpath("//input[@name='expires']/@type")
    assert kind == "date", "a calendar where the browser has one, which sends 2027-08-31 wherever it is"
    person.send("/helpdesk/invitation", **guest, expires=f"{last}", reason="convention", mail="yes")
    visitor = helped.browser().start("guest@chu.example").press("Recevoir le code")
    right = digits(helped.services.secret, helped.mails("guest@chu.example")[-1]["record_id"])
    assert visitor.press("Se connecter", code=right).step == "new-password"
    made = helped.services.stores.accounts.by_address("guest@chu.example")
    assert made
    told = " ".join(person.get(f"/helpdesk/people/{made.id}").text.split())
    day = format_date(last, "long", locale="fr")
    assert f"Invitation praticien, jusqu’au {day}" in told
    assert f"Jusqu’au : {day}" in told


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("merge", {"into": CAMILLE}, "Indiquez le motif"),
        ("merge", {"into": "", "reason": "r"}, "Personne ne correspond"),
        ("merge", {"into": "nobody@nowhere.example", "reason": "r"}, "Personne ne correspond"),
        ("merge", {"into": "zoe@exemple.org", "reason": "r"}, "deux comptes différents"),
        ("merge", {"into": "Camille", "reason": "r"}, "Personne ne correspond"),
        ("unmerge", {"reason": "r"}, "Choisissez dans la liste"),
        ("unmerge", {"address": CAMILLE, "reason": "r"}, ""),
        ("unlink", {"reason": "r"}, "Choisissez dans la liste"),
        ("unlink", {"identity": "someone@else.fr", "reason": "r"}, "Choisissez dans la liste"),
        ("erase", {}, "Indiquez le motif"),
        ("erase", {"reason": "r" * 501}, "Raccourcissez le motif"),
    ],
)
def test_an_act_that_is_not_clear_changes_nothing(two: World, name: str, fields: dict[str, str], words: str) -> None:
    before = account(two, "zoe"), account(two, "camille")
    person = act(entered(two), "zoe", name, **fields)
    assert (person.step, person.last.status_code) == ("helpdesk-act", 422)
    assert words in person.text
    assert (account(two, "zoe"), account(two, "camille")) == before


@pytest.mark.parametrize(
    ("of", "name", "fields"),
    [("camille", "merge", {"into": ALEX}), ("alex", "merge", {"into": CAMILLE}), ("alex", "unlock", {})],
)
def test_nobody_acts_on_the_account_of_their_own(helped: World, of: str, name: str, fields: dict[str, str]) -> None:
    """Who helps would take over somebody's addresses, identifiers and applications with two words as a reason."""
    operator = entered(helped)
    before = account(helped, "alex"), account(helped, "camille")
    page = act(operator, of, name, reason="demande 4711", **fields)
    assert page.last.status_code == 422
    assert "votre propre compte" in page.text
    assert (account(helped, "alex"), account(helped, "camille")) == before
    assert not helped.events("helpdesk.unlocked")


@pytest.mark.parametrize(
    "wrong", [{"address": "none"}, {"expires": "soon"}, {"family_name": ""}, {"reason": ""}, {"address": CAMILLE}]
)
def test_an_invitation_with_a_fault_invites_nobody(helped: World, wrong: dict[str, str]) -> None:
    ends = f"{helped.clock() + timedelta(days=90):%Y-%m-%d}"
    right = {"address": "p@chu.example", "family_name": "P", "role": "", "expires": ends, "reason": "r"}
    person = entered(helped).get("/helpdesk/invitation").send("/helpdesk/invitation", **(right | wrong))
    assert (person.step, person.last.status_code) == ("helpdesk-act", 422)
    assert helped.services.stores.invitations.every() == ()


def test_who_is_not_there_and_what_is_no_act_is_not_found(helped: World) -> None:
    person = entered(helped)
    for path in ("/helpdesk/people/nobody/acts/erase", "/helpdesk/people/camille/acts/impersonate"):
        assert person.get(path).last.status_code == 404
        person.get("/helpdesk")
        assert person.send(path, reason="r").last.status_code == 404
        person.get("/helpdesk")


@pytest.mark.parametrize("path", ["/helpdesk/people/camille/acts/erase", "/helpdesk/invitation"])
def test_without_the_role_no_page_of_an_act_opens(helped: World, path: str) -> None:
    outside = helped.browser().signed_in(account(helped, "camille"))
    outside.get("/account")
    assert outside.send(path, reason="r").last.status_code == 403
    assert outside.get(path).step != "helpdesk-act"
    assert not account(helped, "camille").disabled


@pytest.fixture
def lived(helped: World) -> World:
    """A person with a story: proven, mistaken, refused, helped; and one who is only invited."""
    helped.services.database.collection("accounts").delete_one({"_id": "camille"})
    proven(helped)
    answered(helped, "250 2.0.0 Ok: queued as 4XyZ")
    person = helped.browser().start(CAMILLE)
    for _ in range(METHOD_BUDGET[Method.PASSWORD]):
        person.press("Se connecter", password="mauvais mot de passe")
    for _ in range(MAILS_PER_HOUR):
        helped.browser().start(CAMILLE).press("Recevoir le code")
    person._client.post(f"/sign-in/{person.handle}/methods", data={"csrf_token": "x"}, headers=HOST)
    ends = f"{helped.clock() + timedelta(days=90):%Y-%m-%d}"
    invitations, why = assistance.invitations(helped.services), Act("alex", "convention")
    invitations.invite("p@chu.example", "", "Pé", "praticien", ends, why, by_mail=True)
    return helped


def shown(person: Visitor) -> str:
    """What the page says, without what is somebody else's word."""
    words = person.text.split()
    return " ".join(word for word in words if not any(name in word for name in THEIRS))


def test_no_page_of_the_console_shows_a_name_of_ours(lived: World) -> None:
    person = entered(lived)
    searched = (CAMILLE, "p@chu.example", "nobody at all", lived.events("sign_in.failed")[0]["reference"])
    (line,) = assistance.people(lived.services).find(CAMILLE)
    found = [shown(person.get("/helpdesk").press("Rechercher", query=query)) for query in searched]
    sheet = shown(person.get(f"/helpdesk/people/{line.account_id}"))
    acts = [shown(act(person, line.account_id, name, reason=" ")) for name in act_names() | {"enable": ""}]
    invitation = shown(person.get("/helpdesk/invitation").send("/helpdesk/invitation", address="x"))
    for page in (*found, sheet, *acts, invitation):
        assert not RAW.findall(page), page
    assert "compte d’université" in found[0]
    assert "invitation pas encore acceptée" in found[1]
    assert "essais du mot de passe" in sheet
    assert "Adresse ou mot de passe incorrect" in sheet


def test_a_fault_in_an_invitation_is_told_beside_its_field_in_french(helped: World) -> None:
    person = entered(helped).get("/helpdesk/invitation")
    filled = {"address": "p@chu.example", "given_name": "", "family_name": "P", "role": "", "reason": "r"}
    for wrong, words in (
        ({"expires": "2020-01-01"}, "Ce jour est déjà passé."),
        ({"expires": "soon"}, "Écrivez le dernier jour ainsi : 2027-08-31."),
        ({"expires": "2999-01-01"}, "Choisissez un jour dans les trois ans."),
        ({"expires": "2999-01-01", "family_name": ""}, "Indiquez un prénom ou un nom de famille."),
        ({"expires": "2999-01-01", "role": "x" * 201}, "Écrivez moins de 200 caractères, sur une seule ligne."),
        ({"expires": "2999-01-01", "address": "x"}, "Cette adresse est incomplète ou contient une faute."),
        ({"expires": f"{helped.clock() + timedelta(days=9):%Y-%m-%d}", "address": CAMILLE}, "a déjà un compte"),
    ):
        person.send("/helpdesk/invitation", **(filled | wrong))
        assert words in person.text, wrong


def test_nobody_prolongs_or_renames_their_own_account_by_an_invitation(helped: World) -> None:
    """Who helps may have come by an invitation themselves."""
    now, stores = helped.clock(), helped.services.stores
    before = Invited("assistance", now + timedelta(days=2))
    names: dict[str, tuple[str, ...]] = {"displayName": ("Alex Dupuis",)}
    helped.services.database.collection("accounts").update_one({"_id": "alex"}, {"$set": {"invited": asdict(before)}})
    assert stores.accounts.invite("alex", before, names)
    seen = account(helped, "alex")
    person = entered(helped).get("/helpdesk/invitation")
    expires = (now + timedelta(days=900)).date().isoformat()
    person.send(
        "/helpdesk/invitation", address=ALEX, given_name="Camille", family_name="Durand", expires=expires, reason="moi"
    )
    assert person.last.status_code == 422
    assert account(helped, "alex").invited == seen.invited
    assert account(helped, "alex").attributes == seen.attributes
    assert stores.invitations.of_address(ALEX) is None


def test_nobody_gives_away_a_colleague_s_role_by_a_merge(two: World) -> None:
    """The role goes with an address; who has it is the administrator's to say."""
    person = entered(two)
    two.services.database.collection("accounts").update_one({"_id": "alex"}, {"$set": {"subject": "subject-of-nobody"}})
    two.services.database.collection("accounts").update_one({"_id": "alex"}, {"$set": {"addresses": ["a@exemple.org"]}})
    two.services.database.collection("accounts").update_one({"_id": "zoe"}, {"$push": {"addresses": ALEX}})
    act(person, "zoe", "merge", into=CAMILLE, reason="ticket 1")
    assert person.last.status_code == 422
    assert "l’administration du service" in person.text
    assert account(two, "camille").addresses == (CAMILLE,)


def test_nobody_gives_anybody_a_colleague_s_role_by_a_merge_into_their_account(two: World) -> None:
    """Zoé's addresses, identifiers and passkeys would open the console, under the colleague's name."""
    person = entered(two)
    is_colleague = {"subject": "subject-of-nobody"}
    two.services.database.collection("accounts").update_one({"_id": "camille"}, {"$set": is_colleague})
    before = account(two, "camille"), account(two, "zoe")
    act(person, "zoe", "merge", into=CAMILLE, reason="ticket 1")
    assert person.last.status_code == 422
    assert "l’administration du service" in person.text
    assert (account(two, "camille"), account(two, "zoe")) == before
