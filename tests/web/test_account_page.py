"""The person's own page: who can reach the account, and ending each of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from idp import app as application
from idp import settings
from idp.app import Services
from idp.domain.accounts import Account, Identity, Invited
from idp.domain.consent import Consent
from idp.domain.grants import Grant
from idp.domain.releases import Release
from idp.domain.sessions import ACR_BASIC, SignedIn
from idp.storage.database import Database
from tests.profiled import profiled
from tests.web.visitor import application_of

HOST = {"Host": "localhost:5000"}
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0"
FIREFOX_ON_LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
CLIENTS = """
[[client]]
client_id = "library"
client_name = "Ma bibliothèque"
client_secret = "a-secret-of-the-library"
redirect_uris = ["https://library.example/cb"]
backchannel_logout_uri = "https://library.example/logout"

[[client]]
client_id = "survey"
client_name = "Sondage"
client_secret = "a-secret-of-the-survey"
redirect_uris = ["https://survey.example/cb"]
"""


@pytest.fixture
def services(database: Database, mongodb_uri: str, tmp_path: Path, keys_folder: Path) -> Services:
    (tmp_path / "clients.toml").write_text(CLIENTS)
    configured = settings.load(
        {
            "IDP_MONGODB_URI": mongodb_uri,
            "IDP_VAR_DIR": str(tmp_path / "var"),
            "IDP_KEYS_DIR": str(keys_folder),
            "IDP_CLIENTS_FILE": str(tmp_path / "clients.toml"),
            "IDP_PASSWORDS_BCRYPT_COST": "4",
        }
    )
    built = application.build(configured, database=database)
    for name in ("ines", "noe"):
        built.stores.accounts.create(Account(name, f"subject-{name}", built.clock(), addresses=(f"{name}@b.example",)))
    return built


def signed_in(
    services: Services,
    account_id: str = "ines",
    method: str = "pwd",
    ago: timedelta = timedelta(),
    user_agent: str = "",
) -> SignedIn:
    _, anonymous = services.browser_sessions.open(user_agent)
    at = services.clock() - ago
    return services.browser_sessions.sign_in(
        anonymous, account_id=account_id, methods=(method,), acr=ACR_BASIC, device=None, now=at
    )


def opened(services: Services, who: SignedIn, client_id: str, *scope: str) -> None:
    sign_in = who.session.sign_in
    assert sign_in is not None
    services.stores.grants.add(
        Grant(
            id=f"{sign_in.sid} {client_id}",
            account_id=sign_in.account_id,
            client_id=client_id,
            subject="sub",
            scope=("openid", *scope),
            redirect_uri="",
            sign_in=sign_in,
            code_hash=f"{sign_in.sid} {client_id}",
            code_expires_at=sign_in.at + timedelta(minutes=1),
            created_at=sign_in.at,
            expires_at=sign_in.at + timedelta(hours=1),
        )
    )


def sid_of(who: SignedIn) -> str:
    assert who.session.sign_in
    return who.session.sign_in.sid


def notices(services: Services) -> list[tuple[str, str, str]]:
    """To whom, what happened and to what, of every mail about access that ended."""
    mails = services.database.collection("outbox").find({"kind": "access_ended"})
    return [(mail["to"], mail["fields"]["change"], mail["fields"]["changed"]) for mail in mails]


def browser_of(services: Services, who: SignedIn) -> FlaskClient:
    browser = application_of(services).test_client()
    browser.set_cookie("idp_session", who.session_cookie, domain="localhost")
    return browser


def press(browser: FlaskClient, path: str, **fields: str) -> str:
    """Post one of the page's forms; the page afterwards."""
    page = browser.get("/account", headers=HOST).text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"csrf_token": token, **fields}
    answer = browser.post(path, data=form, headers=HOST, follow_redirects=True)
    assert answer.status_code == 200
    return answer.text


def test_applications_and_sessions_are_listed(services: Services) -> None:
    here, elsewhere = signed_in(services), signed_in(services, method="otp")
    opened(services, here, "library")
    services.stores.consents.add(Consent("ines", "survey", frozenset({"openid"}), frozenset(), services.clock()))
    opened(services, signed_in(services, "noe"), "survey")
    text = browser_of(services, here).get("/account", headers=HOST).text
    assert text.count("Ma bibliothèque") == text.count("Sondage") == 1
    assert text.count("Cet appareil") == text.count("Déconnecter cet appareil") == 1
    assert text.count("par un code reçu par mail") == 1
    assert elsewhere.session.sign_in
    assert f'value="{elsewhere.session.sign_in.sid}"' in text


def test_taking_an_application_s_access_back_tells_it_and_ends_nothing_else(services: Services) -> None:
    here = signed_in(services)
    opened(services, here, "library")
    opened(services, here, "survey")
    services.stores.consents.add(Consent("ines", "library", frozenset({"openid"}), frozenset(), services.clock()))
    text = press(browser_of(services, here), "/account/applications/withdraw", client_id="library")
    assert "Ma bibliothèque" not in text
    assert "Sondage" in text
    assert services.stores.consents.find("ines", "library") is None
    assert services.stores.logout_notices.waiting(now=services.clock()) == 1


def test_another_browser_is_signed_out_from_here(services: Services) -> None:
    here, elsewhere = signed_in(services), signed_in(services)
    opened(services, elsewhere, "library")
    assert elsewhere.session.sign_in
    text = press(browser_of(services, here), "/account/sessions/end", sid=elsewhere.session.sign_in.sid)
    assert "Déconnecter cet appareil" not in text
    assert browser_of(services, elsewhere).get("/account", headers=HOST).status_code == 303
    assert services.stores.logout_notices.waiting(now=services.clock()) == 1


def test_nobody_ends_what_belongs_to_others(services: Services) -> None:
    here, other = signed_in(services), signed_in(services, "noe")
    opened(services, other, "library")
    assert other.session.sign_in
    browser = browser_of(services, here)
    press(browser, "/account/sessions/end", sid=other.session.sign_in.sid)
    press(browser, "/account/applications/withdraw", client_id="library")
    assert browser_of(services, other).get("/account", headers=HOST).status_code == 200
    assert services.stores.grants.used_by_account("noe")


@pytest.mark.parametrize("path", ["/account/sessions/end", "/account/applications/withdraw"])
def test_a_form_without_our_token_ends_nothing(services: Services, path: str) -> None:
    here, elsewhere = signed_in(services), signed_in(services)
    opened(services, here, "library")
    assert elsewhere.session.sign_in
    form = {"sid": elsewhere.session.sign_in.sid, "client_id": "library"}
    assert browser_of(services, here).post(path, data=form, headers=HOST).status_code == 403
    assert browser_of(services, elsewhere).get("/account", headers=HOST).status_code == 200
    assert services.stores.grants.used_by_account("ines")


def test_each_session_names_its_device_which_comes_from_the_browser_and_is_not_kept_as_it_came(
    services: Services,
) -> None:
    told = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6_2 like Mac OS X) Version/26.0 Mobile/15E148 Safari/604.1"
    browser = application_of(services).test_client()
    browser.get("/account", headers=HOST | {"User-Agent": told})
    assert services.database.collection("sessions").count_documents({}) == 0
    cookie = browser.get_cookie("idp_session", domain="localhost").value  # type: ignore[union-attr]
    session = services.browser_sessions.find(cookie, told)
    assert session
    phone = services.browser_sessions.sign_in(
        session, account_id="ines", methods=("pwd",), acr=ACR_BASIC, device=None, now=services.clock()
    )
    (document,) = services.database.collection("sessions").find()
    assert document["sign_in"]["kind"] == {"browser": "Safari", "system": "iPhone"}
    assert "18_6_2" not in str(document)
    signed_in(services)
    signed_in(services, user_agent=FIREFOX)
    text = browser_of(services, phone).get("/account", headers=HOST).text
    for name in ("Safari sur iPhone", "Firefox sur Windows", "Appareil inconnu"):
        assert text.count(name) == 1
    assert text.index("Safari sur iPhone") < text.index("Cet appareil") < text.index("Déconnecter cet appareil")


def test_each_application_tells_what_it_received_in_words(services: Services) -> None:
    here, now = signed_in(services), services.clock()
    services.stores.releases.note("ines", Release("library", frozenset({"email", "email_verified", "name"}), now))
    services.stores.releases.note("ines", Release("gone", frozenset({"a_claim_of_tomorrow"}), now))
    opened(services, here, "library", "offline_access")
    opened(services, here, "survey")
    text = browser_of(services, here).get("/account", headers=HOST).text
    for told in ("<li>Nom</li>", "<li>Adresse mail</li>", "<li>a_claim_of_tomorrow</li>"):
        assert text.count(told) == 1
    assert "email_verified" not in text
    assert text.count("N’a reçu qu’un identifiant") == text.count("Peut les relire sans vous") == 1


@pytest.mark.parametrize(
    ("path", "field", "button", "told"),
    [
        ("/account/applications/withdraw", "client_id", "Retirer l’accès", "Ma bibliothèque"),
        ("/account/sessions/end", "sid", "Déconnecter cet appareil", "Edge sur Windows"),
        ("/account/sign-out-everywhere", "", "Se déconnecter partout", "Tous vos appareils"),
    ],
)
def test_ending_access_asks_for_a_fresh_sign_in_and_comes_back_to_what_was_wanted(
    services: Services, path: str, field: str, button: str, told: str
) -> None:
    stale = signed_in(services, ago=timedelta(hours=1))
    elsewhere = signed_in(services, user_agent=EDGE)
    opened(services, elsewhere, "library")
    wanted = {"client_id": "library", "sid": sid_of(elsewhere)}.get(field, "")
    browser = browser_of(services, stale)
    token = browser.get("/account", headers=HOST).text.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"csrf_token": token} | ({field: wanted} if field else {})
    asked = browser.post(path, data=form, headers=HOST)
    assert asked.status_code == 303
    assert "/sign-in/" in asked.headers["Location"]
    assert services.stores.grants.used_by_account("ines"), "nothing has ended"
    (waiting,) = services.database.collection("authorizations").find()
    back = waiting["request"]["redirect_uri"]
    assert back.startswith(path)
    page = browser_of(services, signed_in(services)).get(back, headers=HOST)
    assert page.status_code == 200
    assert told in page.text
    assert page.text.count(button) >= 1
    assert services.stores.grants.used_by_account("ines"), "looking changes nothing"
    assert browser_of(services, elsewhere).get("/account", headers=HOST).status_code == 200
    assert notices(services) == []


def test_whoever_ends_access_is_told_at_every_address(services: Services) -> None:
    services.stores.account_addresses.add("ines", "ines@other.example")
    both = ["ines@b.example", "ines@other.example"]
    here, elsewhere = signed_in(services), signed_in(services, user_agent=EDGE)
    opened(services, here, "library")
    browser = browser_of(services, here)
    press(browser, "/account/applications/withdraw", client_id="library")
    press(browser, "/account/sessions/end", sid=sid_of(elsewhere))
    press(browser, "/account/sign-out-everywhere")
    assert notices(services) == [
        *((to, "application", "Ma bibliothèque") for to in both),
        *((to, "session", "Edge, Windows") for to in both),
        *((to, "everywhere", "") for to in both),
    ]


def test_ending_what_is_not_there_tells_nobody(services: Services) -> None:
    browser = browser_of(services, signed_in(services))
    press(browser, "/account/applications/withdraw", client_id="nobody")
    press(browser, "/account/sessions/end", sid="nothing")
    assert notices(services) == []
    for path in ("/account/applications/withdraw?client_id=nobody", "/account/sessions/end?sid=nothing"):
        answer = browser.get(path, headers=HOST)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/account")


def test_a_withdrawn_application_is_off_the_list_however_much_it_had_received(services: Services) -> None:
    here = signed_in(services)
    services.stores.releases.note("ines", Release("library", frozenset({"name"}), services.clock()))
    text = press(browser_of(services, here), "/account/applications/withdraw", client_id="library")
    assert "Ma bibliothèque" not in text


def test_the_export_has_devices_and_what_applications_received(services: Services) -> None:
    here, now = signed_in(services, user_agent=FIREFOX_ON_LINUX), services.clock()
    services.stores.releases.note("ines", Release("library", frozenset({"name", "email"}), now))
    export = browser_of(services, here).get("/account/export.json", headers=HOST).json
    assert export
    assert export["sessions"][0]["device"] == "Firefox, Linux"
    (release,) = export["releases"]
    assert (release["client_id"], release["claims"]) == ("library", ["email", "name"])


def test_whoever_wants_no_new_password_after_all_goes_back_to_the_account(services: Services) -> None:
    page = browser_of(services, signed_in(services)).get("/account/password", headers=HOST).text
    assert '<a class="action-link" href="/account">Revenir à mon compte</a>' in page
    assert "Vous arriverez ensuite" not in page, "they stay here"


def test_names_tell_on_whose_word_they_stand(services: Services) -> None:
    stores, now = services.stores, datetime(2026, 3, 2, 12, tzinfo=UTC)
    university = Identity("https://idp.univ-exemple.fr", "eppn", "zoe@univ-exemple.fr")
    names: dict[str, tuple[str, ...]] = {"displayName": ("Zoé <b>Petit</b>",), "sn": ("Petit",)}
    stores.accounts.create(Account("zoe", "sub-zoe", now, (university,), ("zoe@b.example",), None, names, now))
    stores.accounts.create(
        Account("mia", "sub-mia", now, (), ("mia@b.example",), attributes=names, invited=Invited("", services.clock()))
    )
    text = browser_of(services, signed_in(services, "zoe")).get("/account", headers=HOST).text
    assert "Zoé &lt;b&gt;Petit" in text
    assert "Transmis par https://idp.univ-exemple.fr le 2 mars 2026." in text
    english = browser_of(services, signed_in(services, "zoe")).get("/account?lang=en", headers=HOST).text
    assert "on 2 March 2026." in english, "as every date with a time, and as mails, write it"
    invited = browser_of(services, signed_in(services, "mia")).get("/account", headers=HOST).text
    assert "Indiqués dans votre invitation." in invited
    nobody = browser_of(services, signed_in(services)).get("/account", headers=HOST).text
    assert "Aucun nom ne nous a été transmis." in nobody


def test_a_sign_in_without_news_writes_nothing_about_the_account(services: Services, database: Database) -> None:
    browser = browser_of(services, signed_in(services))
    request = {
        "client_id": "library",
        "redirect_uri": "https://library.example/cb",
        "response_type": "code",
        "scope": "openid email profile",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }

    def writes() -> int:
        with profiled(database, "accounts") as done:
            answer = browser.get("/authorize", query_string=request, headers=HOST)
        assert answer.headers["Location"].startswith("https://library.example/cb?code=")
        return sum(operation["op"] == "update" for operation in done)

    assert (writes(), writes()) == (1, 0)
    account = services.stores.accounts.find("ines")
    assert account
    (release,) = account.releases
    assert release.claims == {"email", "email_verified", "locale", "updated_at", "account_type"}
