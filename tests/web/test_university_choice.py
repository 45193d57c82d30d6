"""How a person and their university find each other, as pages over the real store."""

import hashlib
import json
from logging import WARNING
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit
from xml.sax.saxutils import escape

import pytest

from idp import app as application
from idp import settings
from idp.app import Services, first_time
from idp.domain.errors import ServiceUnavailable
from idp.domain.proofing import Proofing
from idp.domain.routing import LearnedDomain
from idp.saml.federation_snapshot import FederationSnapshot
from idp.storage.database import Database
from idp.storage.learned_domains import LearnedDomains
from idp.web import university_choice
from tests.openid.world import CHALLENGE
from tests.saml import identity_provider as university
from tests.web.visitor import ISSUER, Visitor, application_of

NORTH = "https://idp.univ-nord.fr/idp"
SOUTH = "urn:mace:univ-sud.fr:idp;x=1, y"
OLD = "https://old.univ-nord.fr/idp"
GONE = "https://idp.univ-partie.fr/idp"
MARKED = "https://idp.markup.fr/idp"
MARKUP = "<script>alert(1)</script> Université \u202eeunimrof"
CLIENT = """
[[client]]
client_id = "portail"
client_secret = "a-secret-of-the-portal"
redirect_uris = ["https://portail.example/cb"]
"""
HELP = "https://aide.univ-sud.fr/compte"
DISCOVERY = "https://discovery.example/wayf?entry=1"


def entities(key: university.Key) -> bytes:
    described = (
        (NORTH, ("univ-nord.fr", "sante.fr"), "Université du Nord"),
        (SOUTH, ("univ-sud.fr", "sante.fr"), "Université du Sud"),
        (OLD, ("univ-nord.fr",), "Université du Nord (obsolète)"),
        (MARKED, ("markup.fr",), MARKUP),
    )
    each = [
        university.entity_descriptor(entity_id, (key,), scopes=scopes, names={"fr": escape(name)})
        for entity_id, scopes, name in described
    ]
    return b'<md:EntitiesDescriptor xmlns:md="%s" validUntil="2049-01-01T00:00:00Z">%s</md:EntitiesDescriptor>' % (
        university.MD.encode(),
        b"".join(each),
    )


@pytest.fixture(scope="module")
def metadata() -> bytes:
    return entities(university.new_key("idp"))


@pytest.fixture(scope="module")
def environment(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory, metadata: bytes) -> dict[str, str]:
    home = tmp_path_factory.mktemp("provider")
    folder = home / "federation"
    folder.mkdir()
    (folder / "some.xml").write_bytes(metadata)
    (folder / "overrides.toml").write_text(
        f'[files."some.xml"]\nsha256 = "{hashlib.sha256(metadata).hexdigest()}"\n'
        f'[providers."{OLD}"]\nhidden = true\n[providers."{NORTH}"]\naliases = ["UDN"]\n'
        f'[providers."{SOUTH}"]\nhelp_url = "{HELP}"\n'
    )
    (home / "clients.toml").write_text(CLIENT)
    return {
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_VAR_DIR": str(home / "var"),
        "IDP_KEYS_DIR": str(home / "keys"),
        "IDP_CLIENTS_FILE": str(home / "clients.toml"),
        "IDP_FEDERATION_DIR": str(folder),
        "IDP_PASSWORDS_BCRYPT_COST": "4",
    }


def built(environment: dict[str, str], database: Database) -> Services:
    services = application.build(settings.load(environment), database=database)
    services.federation.refresh()
    assert services.federation.current.provider(NORTH) is not None, services.federation.status()
    return services


@pytest.fixture(scope="module")
def _services(environment: dict[str, str], _indexed: Database) -> Services:
    return built(environment, _indexed)


@pytest.fixture(scope="module")
def _outside(environment: dict[str, str], _indexed: Database) -> Services:
    return built(environment | {"IDP_FEDERATION_DISCOVERY_URL": DISCOVERY}, _indexed)


@pytest.fixture
def services(_services: Services, database: Database) -> Services:
    """Built once, the database emptied each time."""
    return _services


@pytest.fixture
def outside(_outside: Services, database: Database) -> Services:
    """With an outside discovery service."""
    return _outside


def arriving(services: Services, address: str) -> Visitor:
    """Somebody who comes from the application and has given an address."""
    visitor = Visitor(application_of(services).test_client())
    request = {
        "client_id": "portail",
        "response_type": "code",
        "redirect_uri": "https://portail.example/cb",
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    visitor.get("/authorize", **request)
    assert visitor.step == "email", visitor.text
    visitor.press("Se connecter", email=address, suggested="1")
    assert visitor.step == "sign-in", visitor.text
    return visitor


def offered(visitor: Visitor) -> list[str]:
    """The universities on the page, in their order."""
    return [str(value) for value in visitor.tree.xpath("//main//form//input[@name='entity_id']/@value")]


def select(visitor: Visitor, entity_id: str) -> Visitor:
    """Press « Sélection » on the card of this university."""
    for form in visitor.tree.xpath("//form[.//input[@name='entity_id']]"):
        if form.xpath(".//input[@name='entity_id']/@value") == [entity_id]:
            assert form.find(".//button").text_content() == "Sélection"
            return visitor.send(form.get("action"), entity_id=entity_id)
    raise AssertionError(f"{entity_id} is not offered on {visitor.step}: {visitor.text}")


def chosen(visitor: Visitor, services: Services) -> str:
    """The university that the browser was sent to with a request of ours."""
    assert visitor.last.status_code == 303, visitor.text
    assert "SAMLRequest" in dict(parse_qsl(urlsplit(visitor.location).query))
    (proofing,) = services.database.collection("proofings").find()
    return str(proofing["entity_id"])


def handle(visitor: Visitor) -> str:
    return str(visitor.last.request.path).split("/")[2]


def accepted(services: Services, address: str, typed: str, entity_id: str, account: str) -> None:
    """What the mailbox page reports once somebody of this university was accepted."""
    visitor = arriving(services, typed)
    pending = services.database.collection("authorizations").find_one({"_id": handle(visitor)})
    assert pending is not None
    now = services.clock()
    proofing = Proofing("p", pending["browser"], pending["_id"], entity_id, "r", "ref", now, now, address=address)
    first_time.mailbox_proof(services).learns(proofing, account)


def test_an_address_that_names_one_university_leaves_for_it_by_name(services: Services) -> None:
    visitor = arriving(services, "a@etu.univ-sud.fr")
    assert "Université du Sud" in visitor.text
    visitor.press("Continuer")
    assert chosen(visitor, services) == SOUTH


def test_the_page_that_names_a_university_leads_to_its_help(services: Services) -> None:
    """Who has forgotten that password stays at the university's sign-in page and never comes back for our advice."""
    links = "//section[@aria-labelledby='first-time']//a[@href=$help]"
    (link,) = arriving(services, "a@univ-sud.fr").tree.xpath(links, help=HELP)
    assert " ".join(link.text_content().split()) == "L’aide de l’établissement « Université du Sud »"
    assert not arriving(services, "a@sante.fr").tree.xpath(links, help=HELP)


def test_an_address_that_names_several_is_answered_by_cards(services: Services) -> None:
    visitor = arriving(services, "a@sante.fr").press("Continuer")
    assert visitor.step == "choose-university"
    assert set(offered(visitor)) == {NORTH, SOUTH}
    assert chosen(select(visitor, NORTH), services) == NORTH


def test_a_retired_university_is_neither_offered_nor_taken(services: Services) -> None:
    visitor = arriving(services, "a@gmail.com").press("Continuer")
    visitor.get(visitor.last.request.path, q="obsolete")
    assert offered(visitor) == []
    visitor.send(visitor.last.request.path, entity_id=OLD)
    assert visitor.step == "error"
    assert services.database.collection("proofings").count_documents({}) == 0


def test_a_personal_address_is_told_to_search_and_whom_to_ask(services: Services) -> None:
    visitor = arriving(services, "a@gmail.com").press("Continuer")
    assert visitor.step == "choose-university"
    assert "Votre adresse est personnelle" in visitor.text
    assert "Vous n’avez pas d’université" in visitor.text
    assert visitor.tree.xpath("//input[@id='q'][@name='q']")


def test_nothing_chosen_is_asked_for_again(services: Services) -> None:
    visitor = arriving(services, "a@gmail.com").press("Continuer")
    visitor.send(visitor.last.request.path, entity_id="")
    assert visitor.last.status_code == 422
    assert visitor.tree.xpath("//input[@id='q'][@aria-invalid='true']")


def test_three_accepted_people_teach_the_domain_of_a_hospital(services: Services) -> None:
    for account in ("a", "b", "b"):
        accepted(services, f"{account}@univ-nord.fr", f"{account}@chu-nord.fr", NORTH, account)
    assert "Université du Nord" not in arriving(services, "z@chu-nord.fr").text
    accepted(services, "c@univ-nord.fr", "c@chu-nord.fr", NORTH, "c")
    assert "Université du Nord" in arriving(services, "z@chu-nord.fr").text
    assert "Université du Nord" in arriving(services, "z@pediatrie.chu-nord.fr").text


def test_people_of_one_university_never_take_another_one_s_domain(services: Services) -> None:
    for account in "abcd":
        accepted(services, f"{account}@univ-nord.fr", f"{account}@etu.univ-sud.fr", NORTH, account)
    text = arriving(services, "z@etu.univ-sud.fr").text
    assert "Université du Sud" in text
    assert "Université du Nord" not in text


def test_a_mailbox_proven_below_a_shared_scope_tells_which_of_the_two(services: Services) -> None:
    for account in "abc":
        accepted(services, f"{account}@etu.sante.fr", f"{account}@etu.sante.fr", SOUTH, account)
    assert "Université du Sud" in arriving(services, "z@etu.sante.fr").text
    assert offered(arriving(services, "z@sante.fr").press("Continuer")) != []


def test_mail_providers_for_everybody_are_never_learned(services: Services, database: Database) -> None:
    for account in "abcd":
        accepted(services, f"{account}@univ-nord.fr", f"{account}@gmail.com", NORTH, account)
    assert database.collection("learned_domains").count_documents({}) == 0
    assert "Université du Nord" not in arriving(services, "z@gmail.com").text


def test_no_account_stands_readable_among_learned_domains(services: Services, database: Database) -> None:
    accepted(services, "a@univ-nord.fr", "a@chu-nord.fr", NORTH, "account-of-a")
    (document,) = database.collection("learned_domains").find()
    assert "account-of-a" not in str(document)
    assert "a@" not in str(document)


def test_nobody_can_see_that_two_domains_were_taught_by_one_account(services: Services, database: Database) -> None:
    accepted(services, "a@clinique.fr", "a@chu-nord.fr", NORTH, "account-of-a")
    hashes = [set(document["accounts"]) for document in database.collection("learned_domains").find()]
    assert len(hashes) == 2
    assert hashes[0].isdisjoint(hashes[1])


def test_a_university_that_left_leads_nobody_and_keeps_nobody(services: Services, database: Database) -> None:
    """Its people were accepted and taught their domain; then it left the federation."""
    for name in "abc":
        services.stores.learned_domains.note(LearnedDomain("chu-nord.fr", GONE), name, now=services.clock())
    assert arriving(services, "z@chu-nord.fr").press("Continuer").step == "choose-university"
    for name in "abc":
        accepted(services, f"{name}@univ-nord.fr", f"{name}@chu-nord.fr", NORTH, name)
    assert "Université du Nord" in arriving(services, "z@chu-nord.fr").text
    accepted(services, "d@clinique.fr", "d@clinique.fr", GONE, "d")
    assert database.collection("learned_domains").count_documents({"domain": "clinique.fr"}) == 0


def test_a_database_that_is_away_costs_what_would_have_been_learned_and_no_sign_in(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object, **__: object) -> None:
        raise ServiceUnavailable("database", "away")

    monkeypatch.setattr(LearnedDomains, "note", away)
    accepted(services, "a@univ-nord.fr", "a@chu-nord.fr", NORTH, "a")
    assert [record.message for record in caplog.records if record.levelno >= WARNING] == ["routing.not_learned"]
    assert database.collection("learned_domains").count_documents({}) == 0


def test_after_the_request_s_end_the_proven_mailbox_alone_teaches(services: Services, database: Database) -> None:
    now = services.clock()
    proofing = Proofing("p", "browser", "over", NORTH, "r", "ref", now, now, address="a@clinique.fr")
    first_time.mailbox_proof(services).learns(proofing, "a")
    assert [document["domain"] for document in database.collection("learned_domains").find()] == ["clinique.fr"]


def test_the_last_choice_is_offered_first_and_can_be_forgotten(services: Services) -> None:
    visitor = arriving(services, "a@gmail.com").press("Continuer")
    page = visitor.last.request.path
    visitor.get(page, q="sud")
    select(visitor, SOUTH)
    visitor.get(page)
    assert "Votre dernier choix sur cet appareil" in visitor.text
    assert offered(visitor) == [SOUTH]
    visitor.press("Oublier ce choix")
    assert visitor.step == "choose-university"
    assert offered(visitor) == []


def test_the_remembered_choice_is_a_name_and_nothing_else(services: Services) -> None:
    visitor = arriving(services, "a@univ-sud.fr").press("Continuer")
    (cookie,) = [line for line in visitor.last.headers.getlist("Set-Cookie") if line.startswith("idp_university=")]
    assert cookie.split(";")[0] == "idp_university=urn%3Amace%3Auniv-sud.fr%3Aidp%3Bx%3D1%2C%20y"
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}


@pytest.mark.parametrize("value", ["https%3A//unknown.example", OLD, "%ff%00", "x" * 3000])
def test_a_remembered_choice_that_is_not_offered_any_more_is_passed_over(services: Services, value: str) -> None:
    visitor = arriving(services, "a@gmail.com")
    visitor.keep_cookie("idp_university", value)
    visitor.press("Continuer")
    assert visitor.step == "choose-university"
    assert offered(visitor) == []


def suggestions(services: Services, **query: str) -> list[dict[str, str]]:
    visitor = Visitor(application_of(services).test_client()).get("/universities.json", **query)
    assert visitor.last.status_code == 200
    found: list[dict[str, str]] = json.loads(visitor.last.text)["universities"]
    return found


def test_suggestions_hold_name_and_domain_and_no_retired_university(services: Services) -> None:
    assert suggestions(services, q="udn") == [
        {"entity_id": NORTH, "name": "Université du Nord", "domain": "univ-nord.fr"}
    ]
    assert [row["entity_id"] for row in suggestions(services, q="NORD univérsite")] == [NORTH]
    assert [row["entity_id"] for row in suggestions(services, q="z@etu.univ-sud.fr")] == [SOUTH]
    assert suggestions(services, q="") == suggestions(services) == []
    assert suggestions(services, q="nord", language="xx")[0]["name"] == "Université du Nord"


def test_suggestions_may_be_kept_for_a_minute_and_set_no_cookie(services: Services) -> None:
    visitor = Visitor(application_of(services).test_client()).get("/universities.json", q="nord")
    assert visitor.last.headers["Cache-Control"] == "private, max-age=60"
    assert visitor.last.headers["Content-Type"] == "application/json"
    assert visitor.last.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in visitor.last.headers


def test_the_page_alone_lets_its_script_ask(services: Services) -> None:
    visitor = arriving(services, "a@gmail.com")
    assert "connect-src" not in visitor.last.headers["Content-Security-Policy"]
    visitor.press("Continuer")
    policy = visitor.last.headers["Content-Security-Policy"]
    assert "connect-src 'self'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_o_10_a_name_with_markup_stays_text_on_the_page_and_among_suggestions(services: Services) -> None:
    visitor = arriving(services, "a@gmail.com").press("Continuer")
    visitor.get(visitor.last.request.path, q="universite markup")
    assert offered(visitor) == [MARKED]
    assert not visitor.tree.xpath("//main//script")
    assert "<script>alert(1)</script>" in visitor.text
    (row,) = suggestions(services, q="markup")
    assert "\u202e" not in row["name"] + visitor.last.text


def test_a_list_that_was_cut_does_not_say_that_it_is_all(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = arriving(services, "a@gmail.com").press("Continuer")
    page = visitor.last.request.path
    monkeypatch.setattr(university_choice, "SHOWN", 3)
    assert "3 établissements trouvés" in visitor.get(page, q="universite").text
    assert len(offered(visitor)) == 3
    monkeypatch.setattr(university_choice, "SHOWN", 2)
    assert "Les 2 premiers établissements ; précisez votre recherche" in visitor.get(page, q="universite").text
    assert len(offered(visitor)) == 2
    assert "trouvés" not in visitor.text


def test_an_outside_discovery_service_is_asked_instead_of_our_page(outside: Services) -> None:
    visitor = arriving(outside, "a@gmail.com")
    journey = handle(visitor)
    visitor.press("Continuer")
    assert visitor.location.startswith(DISCOVERY + "&")
    query = parse_qs(urlsplit(visitor.location).query)
    assert query["entityID"] == [f"{ISSUER}/saml/metadata"]
    assert query["returnIDParam"] == ["entityID"]
    assert query["return"] == [f"{ISSUER}/saml/discovery?journey={journey}"]
    assert "isPassive" not in query


def back(visitor: Visitor, journey: str, *entity_ids: str) -> Visitor:
    """From the discovery service to us."""
    pairs = [("journey", journey), *(("entityID", entity_id) for entity_id in entity_ids)]
    return visitor.get(f"/saml/discovery?{urlencode(pairs)}")


def test_its_answer_leads_to_the_university(outside: Services) -> None:
    visitor = arriving(outside, "a@gmail.com")
    back(visitor, handle(visitor), NORTH)
    assert chosen(visitor, outside) == NORTH


def test_without_an_answer_people_choose_on_our_own_page(outside: Services) -> None:
    visitor = arriving(outside, "a@gmail.com")
    assert back(visitor, handle(visitor)).step == "choose-university"
    assert visitor.get(visitor.last.request.path, q="sud").step == "choose-university"


@pytest.mark.parametrize("answer", [(OLD,), ("https://unknown.example/idp",), ("javascript:alert(1)",), (NORTH, SOUTH)])
def test_an_answer_that_we_do_not_offer_is_refused(outside: Services, answer: tuple[str, ...]) -> None:
    visitor = arriving(outside, "a@gmail.com")
    journey = handle(visitor)
    assert back(visitor, journey, *answer).step == "error"
    assert outside.database.collection("proofings").count_documents({}) == 0
    # The application still waits: the page leads back into its journey, not to the account.
    assert f"/sign-in/{journey}/" in visitor.last.text


def test_an_answer_in_another_browser_is_refused(outside: Services) -> None:
    journey = handle(arriving(outside, "a@gmail.com"))
    other = arriving(outside, "b@gmail.com")
    assert back(other, journey, NORTH).step == "error"
    assert outside.database.collection("proofings").count_documents({}) == 0


def test_without_an_outside_service_nobody_comes_back_from_one(services: Services) -> None:
    visitor = arriving(services, "a@gmail.com")
    assert back(visitor, handle(visitor), NORTH).last.status_code == 404


def test_our_metadata_names_where_people_come_back_to(outside: Services) -> None:
    visitor = Visitor(application_of(outside).test_client()).get("/saml/metadata")
    assert f'Location="{ISSUER}/saml/discovery"' in visitor.last.text
    assert "idp-discovery-protocol" in visitor.last.text


def test_an_address_that_everybody_may_have_is_never_corrected_to_a_university_s(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FederationSnapshot, "known_domains", lambda _: frozenset({"gmial.com"}))
    visitor = Visitor(application_of(services).test_client())
    visitor.get("/account")
    assert visitor.press("Se connecter", email="camille@gmail.com").step == "sign-in"


@pytest.mark.parametrize(
    ("typed", "meant"), [("gmial.com", "gmail.com"), ("hotmal.fr", "hotmail.fr"), ("orage.fr", "orange.fr")]
)
def test_a_slip_in_a_domain_that_everybody_may_have_is_asked_about(services: Services, typed: str, meant: str) -> None:
    visitor = Visitor(application_of(services).test_client())
    visitor.get("/account")
    assert visitor.press("Se connecter", email=f"camille@{typed}").step == "email"
    assert f"camille@{meant}" in visitor.text
    assert visitor.press("Se connecter", email=f"camille@{typed}").step == "sign-in", "kept"


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_search_is_none(services: Services, empty: str) -> None:
    visitor = arriving(services, "a@gmail.com").press("Continuer")
    page = visitor.last.request.path
    without = visitor.get(page).text
    assert visitor.get(page, q=empty).text == without
    assert visitor.last.status_code == 200
