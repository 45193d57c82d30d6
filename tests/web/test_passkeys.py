"""Passkeys on the pages: added on the account page, used on the address page, refused wherever they lie."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from idp.domain.accounts import Account
from idp.domain.keyed import base64url
from idp.domain.passkeys import MOST_PER_ACCOUNT
from idp.domain.sessions import ACR_PHISHING_RESISTANT
from tests.openid.world import CHALLENGE
from tests.passkeys.authenticator import BACKED_UP, ELIGIBLE, PRESENT, VERIFIED, Authenticator
from tests.web.proofing_world import CAMILLE, PASSWORD, Traveller, World

OTHER_ADDRESS = "camille@exemple.org"
ESSENTIAL = '{"id_token": {"acr": {"essential": true, "value": "urn:uness:acr:phishing-resistant"}}}'
EXAMS = {
    "client_id": "exams",
    "redirect_uri": "https://exams.example/cb",
    "response_type": "code",
    "scope": "openid",
    "state": "s",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.fixture
def account(world: World) -> Account:
    hashed = world.services.hasher.hash(PASSWORD)
    made = Account("camille", "subject", world.clock(), (), (CAMILLE, OTHER_ADDRESS), password_hash=hashed)
    world.services.stores.accounts.create(made)
    return made


@pytest.fixture
def camille(world: World, account: Account) -> Traveller:
    browser = world.browser().signed_in(account)
    browser.get("/account/passkeys")
    return browser


def form(who: Traveller, kind: str) -> tuple[str, str, str]:
    """Where the form of this ceremony goes, its options, its challenge."""
    (found,) = who.tree.xpath("//form[@data-passkey=$kind]", kind=kind)
    return found.get("action"), found.get("data-options"), found.xpath(".//input[@name='challenge']/@value")[0]


def add(who: Traveller, authenticator: Authenticator, name: str = "Téléphone") -> Traveller:
    action, options, challenge = form(who, "create")
    who.send(action, credential=authenticator.create(options), challenge=challenge, name=name)
    return who


def present(who: Traveller, authenticator: Authenticator, **fields: str) -> Traveller:
    action, options, challenge = form(who, "sign-in")
    who.send(action, credential=authenticator.get(options), challenge=challenge, **fields)
    return who


def stranger(world: World) -> Traveller:
    """Another browser, at the address page."""
    browser = world.browser()
    browser.get("/account")
    return browser


@pytest.fixture
def authenticator(camille: Traveller) -> Authenticator:
    made = Authenticator()
    assert add(camille, made).step == "passkeys", camille.text
    return made


def test_a_passkey_is_added_and_every_address_is_told(
    world: World, camille: Traveller, authenticator: Authenticator
) -> None:
    assert "Téléphone" in camille.text
    assert "Téléphone" in camille.get("/account").text
    assert [mail["kind"] for to in (CAMILLE, OTHER_ADDRESS) for mail in world.mails(to)] == ["passkey_added"] * 2
    (event,) = world.events("account.passkey_added")
    assert event["account_id"] == "camille"
    assert "Téléphone" not in str(event), "people's own words do not outlive their account"
    (stored,) = world.services.stores.passkeys.of_account("camille")
    assert stored.user_handle not in (b"subject", b"camille")


def test_passkeys_without_a_name_are_told_apart_by_what_keeps_them(world: World, account: Account) -> None:
    """By the password manager, else as a key that is plugged in, else by the device in use; then by numbers."""
    firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:149.0) Gecko/20100101 Firefox/149.0"
    camille = world.browser().signed_in(account, user_agent=firefox)
    google = UUID("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4").bytes
    for made in (
        Authenticator(),
        Authenticator(aaguid=google, transports=("hybrid", "internal")),
        Authenticator(transports=("nfc", "usb")),
        Authenticator(transports=("usb",)),
        Authenticator(transports=()),
    ):
        add(camille.get("/account/passkeys"), made, name=" ")
    names = [passkey.name for passkey in world.services.stores.passkeys.of_account("camille")]
    assert names == [
        "Firefox sur Windows",
        "Gestionnaire de mots de passe de Google",
        "Clé de sécurité",
        "Clé de sécurité (2)",
        "Firefox sur Windows (2)",
    ]
    assert world.mails(CAMILLE)[-1]["fields"]["name"] == "Firefox sur Windows (2)"


def test_a_passkey_of_a_device_that_nobody_knows_has_a_name_as_well(camille: Traveller) -> None:
    for _ in range(2):
        add(camille.get("/account/passkeys"), Authenticator(), name="")
    assert camille.tree.xpath("//main//h2/bdi/text()") == ["Clé d’accès", "Clé d’accès (2)"]


def test_a_passkey_signs_in_without_an_address(world: World, authenticator: Authenticator) -> None:
    browser = stranger(world)
    before = browser.session
    assert present(browser, authenticator).step == "account", browser.text
    assert browser.session.id != before.id
    sign_in = browser.session.sign_in
    assert sign_in is not None
    assert (sign_in.methods, sign_in.acr) == (("hwk", "user"), ACR_PHISHING_RESISTANT)
    (event,) = world.events("sign_in.passkey")
    assert event["account_id"] == "camille"
    assert "par une clé d’accès" in browser.text


def test_on_a_shared_computer_a_passkey_leaves_nothing_and_elsewhere_the_account_s_card(
    world: World, authenticator: Authenticator
) -> None:
    shared = present(stranger(world), authenticator, shared="yes")
    assert shared.step == "account"
    assert shared.cookies.keys() == {"idp_session"}
    own = present(stranger(world), authenticator)
    assert own.cookies.keys() == {"idp_session", "idp_device", "idp_account"}
    own.press("Se déconnecter").get("/account")
    assert f"Continuer avec {CAMILLE}" in own.text


def test_a_passkey_that_may_be_copied_is_told_as_kept_by_software(world: World, camille: Traveller) -> None:
    synced = Authenticator(flags=PRESENT | VERIFIED | ELIGIBLE | BACKED_UP)
    add(camille, synced)
    browser = present(stranger(world), synced)
    assert browser.session.sign_in is not None
    assert browser.session.sign_in.methods == ("swk", "user")


def test_an_answer_seen_elsewhere_signs_nobody_in(world: World, authenticator: Authenticator) -> None:
    browser, thief = stranger(world), stranger(world)
    action, options, challenge = form(browser, "sign-in")
    answer = authenticator.get(options)
    browser.send(action, credential=answer, challenge=challenge)
    assert browser.step == "account"
    thief.send(form(thief, "sign-in")[0], credential=answer, challenge=challenge)
    assert (thief.last.status_code, thief.session.sign_in) == (422, None)


def test_an_answer_is_worth_nothing_twice_in_the_same_browser(world: World, authenticator: Authenticator) -> None:
    browser = stranger(world)
    action, options, challenge = form(browser, "sign-in")
    forged = Authenticator(id=authenticator.id, user_handle=authenticator.user_handle)
    browser.send(action, credential=forged.get(options), challenge=challenge)
    assert browser.last.status_code == 422
    browser.send(action, credential=authenticator.get(options), challenge=challenge)
    assert browser.last.status_code == 422
    assert browser.session.sign_in is None


def test_the_challenge_of_another_browser_is_refused(world: World, authenticator: Authenticator) -> None:
    mine, theirs = stranger(world), stranger(world)
    _, options, challenge = form(theirs, "sign-in")
    mine.send(form(mine, "sign-in")[0], credential=authenticator.get(options), challenge=challenge)
    assert mine.last.status_code == 422
    assert mine.session.sign_in is None


@pytest.mark.parametrize("challenge", ["", "x", "a.b.c", "a.1.é", "." * 300])
def test_a_challenge_that_we_never_gave_is_refused(world: World, authenticator: Authenticator, challenge: str) -> None:
    browser = stranger(world)
    action, options, _ = form(browser, "sign-in")
    browser.send(action, credential=authenticator.get(options), challenge=challenge)
    assert browser.last.status_code == 422


def test_a_challenge_is_short_lived(world: World, authenticator: Authenticator) -> None:
    browser = stranger(world)
    action, options, challenge = form(browser, "sign-in")
    world.clock.ahead = timedelta(minutes=16)
    browser.send(action, credential=authenticator.get(options), challenge=challenge)
    assert browser.last.status_code == 422
    assert present(browser, authenticator).step == "account"


def test_a_challenge_for_adding_does_not_sign_in(
    world: World, camille: Traveller, authenticator: Authenticator
) -> None:
    _, options, challenge = form(camille, "create")
    browser = stranger(world)
    browser.send(form(browser, "sign-in")[0], credential=authenticator.get(options), challenge=challenge)
    assert browser.last.status_code == 422


@pytest.mark.parametrize(
    "lie", [{"origin": "https://idp.example"}, {"origin": "\ud800"}, {"rp_id": "example.org"}, {"flags": PRESENT}]
)
def test_a_lie_does_not_sign_in_and_is_noted(
    world: World, authenticator: Authenticator, lie: dict[str, object]
) -> None:
    for name, value in lie.items():
        setattr(authenticator, name, value)
    browser = present(stranger(world), authenticator)
    assert (browser.last.status_code, browser.session.sign_in) == (422, None)
    (event,) = world.events("sign_in.passkey_refused")
    assert event["fields"]["problem"] == "passkey.invalid"


def test_an_unknown_passkey_is_refused(world: World, account: Account) -> None:
    unknown = Authenticator(user_handle=b"somebody")
    browser = present(stranger(world), unknown)
    assert (browser.last.status_code, browser.step) == (422, "passkey")
    assert "n’est pas connue ici" in browser.text


def test_a_passkey_with_another_user_handle_is_refused(world: World, authenticator: Authenticator) -> None:
    for handle in (b"somebody", None):
        authenticator.user_handle = handle
        assert present(stranger(world), authenticator).last.status_code == 422


def test_a_copied_key_is_refused_from_then_on(world: World, camille: Traveller, authenticator: Authenticator) -> None:
    authenticator.counter = 9
    assert present(stranger(world), authenticator).step == "account"
    authenticator.counter = 5
    assert present(stranger(world), authenticator).last.status_code == 422
    (event,) = world.events("sign_in.passkey_refused")
    assert (event["account_id"], event["fields"]["problem"]) == ("camille", "passkey.suspected")
    authenticator.counter = 4
    assert present(stranger(world), authenticator).last.status_code == 422
    for address in (CAMILLE, OTHER_ADDRESS):
        assert [mail["kind"] for mail in world.mails(address)].count("passkey_suspected") == 1, "told once"
    authenticator.counter = 20
    assert present(stranger(world), authenticator).last.status_code == 422
    assert "Plus acceptée" in camille.get("/account").text


def test_a_false_counter_with_a_false_signature_harms_no_passkey(world: World, authenticator: Authenticator) -> None:
    forged = Authenticator(id=authenticator.id, user_handle=authenticator.user_handle, counter=1)
    assert present(stranger(world), forged).last.status_code == 422
    (event,) = world.events("sign_in.passkey_refused")
    assert event["account_id"] == "camille", "it stands in the person's timeline"
    assert present(stranger(world), authenticator).step == "account"


def test_a_closed_account_is_not_opened_by_its_passkey(world: World, authenticator: Authenticator) -> None:
    collection = world.services.database.collection("accounts")
    collection.update_one({"_id": "camille"}, {"$set": {"disabled": True}})
    assert present(stranger(world), authenticator).last.status_code == 422


def test_a_passkey_whose_account_is_gone_signs_nobody_in(world: World, authenticator: Authenticator) -> None:
    """The account is erased before what belonged to it."""
    world.services.database.collection("accounts").delete_one({"_id": "camille"})
    browser = present(stranger(world), authenticator)
    assert (browser.last.status_code, browser.session.sign_in) == (422, None)


def test_a_device_that_signed_in_before_stays_known_as_the_same_one(world: World, authenticator: Authenticator) -> None:
    browser = present(stranger(world), authenticator)
    before = browser.cookies["idp_device"].value
    browser.press("Se déconnecter").get("/account")
    assert present(browser, authenticator).cookies["idp_device"].value == before


def test_many_failures_from_one_network_are_told_to_wait_and_nobody_is_locked_out(
    world: World, authenticator: Authenticator
) -> None:
    browser = stranger(world)
    action = form(browser, "sign-in")[0]
    statuses = [browser.send(action, credential="{}", challenge="x").last.status_code for _ in range(121)]
    assert (statuses[0], statuses[-1]) == (422, 429)
    assert present(browser, authenticator).step == "account"
    by_password = world.browser().start("nobody@univ-exemple.fr").press("Se connecter", password="wrong")
    assert by_password.last.status_code == 429, "one budget for both ways in"


def test_the_same_credential_is_not_added_twice(world: World, camille: Traveller, authenticator: Authenticator) -> None:
    add(camille, authenticator)
    assert camille.last.status_code == 422
    assert "déjà enregistrée" in camille.text
    assert len(world.services.stores.passkeys.of_account("camille")) == 1


def test_an_account_has_so_many_passkeys_and_no_more(world: World, camille: Traveller) -> None:
    add(camille, Authenticator())
    store = world.services.stores.passkeys
    (first,) = store.of_account("camille")
    for number in range(2, MOST_PER_ACCOUNT):
        store.add(replace(first, credential=replace(first.credential, id=f"id{number:02}")))
    assert add(camille, Authenticator()).last.status_code == 200
    assert add(camille, Authenticator()).last.status_code == 422
    assert len(store.of_account("camille")) == MOST_PER_ACCOUNT


def test_an_authenticator_is_told_which_passkeys_there_are(camille: Traveller, authenticator: Authenticator) -> None:
    """So that it makes no second one for the account (WebAuthn level 3, section 5.4, excludeCredentials)."""
    _, options, _ = form(camille, "create")
    assert len(json.loads(options)["excludeCredentials"]) == 1


def test_an_old_challenge_adds_nothing(world: World, camille: Traveller) -> None:
    action, options, challenge = form(camille, "create")
    first = Authenticator()
    camille.send(action, credential=first.create(options), challenge=challenge, name="")
    camille.send(action, credential=Authenticator().create(options), challenge=challenge, name="")
    assert camille.last.status_code == 422
    assert len(world.services.stores.passkeys.of_account("camille")) == 1


def test_the_challenge_of_another_account_adds_nothing(world: World, camille: Traveller) -> None:
    noe = world.account("noe", "noe@exemple.org")
    other = world.browser().signed_in(noe)
    other.get("/account/passkeys")
    action, _, _ = form(other, "create")
    _, options, challenge = form(camille, "create")
    other.send(action, credential=Authenticator().create(options), challenge=challenge, name="")
    assert other.last.status_code == 422
    assert world.services.stores.passkeys.of_account("noe") == ()


def test_signing_in_by_passkey_leaves_whom_the_university_had_named(world: World, authenticator: Authenticator) -> None:
    """Somebody else came back from the university in this journey: the passkey says who the person wants to be."""
    browser = world.browser().start("mnguyen@etu.univ-exemple.fr").prove()
    assert browser.step == "check-mailbox"
    begun = browser.get(f"/sign-in/{browser.handle}/address")
    assert present(begun, authenticator).step == "account", browser.text
    sign_in = browser.session.sign_in
    assert sign_in is not None
    assert sign_in.account_id == "camille"


def test_a_passkey_is_renamed_and_removed_by_its_person_alone(
    world: World, camille: Traveller, authenticator: Authenticator
) -> None:
    (stored,) = world.services.stores.passkeys.of_account("camille")
    noe = world.browser().signed_in(world.account("noe", "noe@exemple.org")).get("/account/passkeys")
    noe.send("/account/passkeys/remove", passkey=stored.id)
    noe.send("/account/passkeys/rename", passkey=stored.id, position="1", **{"name-1": "à moi"})
    camille.get("/account/passkeys").press("Renommer", **{"name-1": "Clé  rouge\x00"})
    assert "Clé rouge" in camille.text
    assert "Clé rouge" in camille.press("Renommer", **{"name-1": " \x00"}).text, "no name is no new name"
    camille.press("Retirer")
    assert world.services.stores.passkeys.of_account("camille") == ()
    assert world.mails(CAMILLE)[-1]["kind"] == "passkey_removed"
    assert present(stranger(world), authenticator).last.status_code == 422


@pytest.mark.parametrize("path", ["", "/rename", "/remove"])
def test_changing_passkeys_needs_a_fresh_sign_in(
    world: World, camille: Traveller, authenticator: Authenticator, path: str
) -> None:
    (stored,) = world.services.stores.passkeys.of_account("camille")
    world.clock.ahead = timedelta(minutes=6)
    camille.post(f"/account/passkeys{path}", passkey=stored.id, position="1", **{"name-1": "autre"})
    assert camille.step == "email"
    assert world.services.stores.passkeys.of_account("camille") == (stored,)


def test_the_offer_goes_away_when_it_is_not_wanted(world: World, account: Account) -> None:
    browser = world.browser().signed_in(account).get("/account").press("Ne plus le proposer ici")
    assert browser.step == "account"
    assert "Ne plus le proposer ici" not in browser.text


def test_an_application_that_insists_on_a_passkey_gets_one(world: World, authenticator: Authenticator) -> None:
    browser = world.browser()
    browser.get("/authorize", **EXAMS, claims=ESSENTIAL)
    assert browser.step == "passkey"
    assert "code" in present(browser, authenticator).answer
    # The same sign-in does for the next application, and for the basic class.
    assert "code" in browser.get("/authorize", **EXAMS, claims=ESSENTIAL).answer
    assert "code" in browser.get("/authorize", **EXAMS, claims=ESSENTIAL.replace("phishing-resistant", "basic")).answer


def test_a_password_is_not_enough_for_an_application_that_insists_on_a_passkey(world: World, account: Account) -> None:
    browser = world.browser().signed_in(account)
    assert browser.get("/authorize", **EXAMS, claims=ESSENTIAL).step == "passkey"
    assert browser.get("/authorize", **EXAMS, claims=ESSENTIAL, prompt="none").answer["error"] == "login_required"


def test_a_passkey_is_not_a_proof_at_the_university(world: World, authenticator: Authenticator) -> None:
    browser = present(stranger(world), authenticator)
    browser.ask_for_a_proof()
    assert browser.step == "choose-university", browser.text


def test_prompt_login_takes_a_new_presentation(world: World, authenticator: Authenticator) -> None:
    browser = present(stranger(world), authenticator)
    browser.get("/authorize", **EXAMS, prompt="login")
    assert browser.step == "email"
    assert "code" in present(browser, authenticator).answer


def test_max_age_takes_a_new_presentation(world: World, authenticator: Authenticator) -> None:
    browser = present(stranger(world), authenticator)
    world.clock.ahead = timedelta(minutes=2)
    browser.get("/authorize", **EXAMS, max_age="60")
    assert browser.step == "email"
    assert "code" in present(browser, authenticator).answer


def test_a_form_without_our_token_does_nothing(world: World, authenticator: Authenticator) -> None:
    browser = stranger(world)
    action, options, challenge = form(browser, "sign-in")
    browser.send(action, credential=authenticator.get(options), challenge=challenge, csrf_token="x")
    assert browser.last.status_code == 403


def test_the_class_is_announced(world: World) -> None:
    browser = world.browser().get("/.well-known/openid-configuration")
    assert ACR_PHISHING_RESISTANT in json.loads(browser.last.text)["acr_values_supported"]


def signals(who: Traveller, kind: str) -> Any:
    """What the page has the browser tell its authenticators."""
    (found,) = who.tree.xpath(f"//form/@data-{kind}")
    return json.loads(found)


def test_a_device_is_told_to_forget_a_passkey_that_was_removed(
    world: World, camille: Traveller, authenticator: Authenticator
) -> None:
    """WebAuthn level 3 section 5.1.10: it would offer it for ever, and we refuse it each time."""
    (kept,) = world.services.stores.passkeys.of_account("camille")
    accepted = {"rpId": "localhost", "userId": base64url(kept.user_handle)}
    assert signals(camille, "accepted-passkeys") == [accepted | {"allAcceptedCredentialIds": [kept.id]}]
    camille.press("Retirer")
    assert signals(camille, "accepted-passkeys") == [accepted | {"allAcceptedCredentialIds": []}]
    refused = present(stranger(world), authenticator)
    assert signals(refused, "unknown-passkey") == {"rpId": "localhost", "credentialId": kept.id}


def test_one_that_is_suspected_is_not_offered_any_more(
    world: World, camille: Traveller, authenticator: Authenticator
) -> None:
    (kept,) = world.services.stores.passkeys.of_account("camille")
    world.services.stores.passkeys.suspect(kept, now=world.clock())
    (told,) = signals(camille.get("/account/passkeys"), "accepted-passkeys")
    assert told["allAcceptedCredentialIds"] == []


def test_those_of_a_merged_account_are_told_by_the_name_that_their_device_knows(
    world: World, camille: Traveller, authenticator: Authenticator
) -> None:
    (kept,) = world.services.stores.passkeys.of_account("camille")
    merged = replace(kept, credential=replace(kept.credential, id="b3RoZXI"), user_handle=b"another handle")
    world.services.stores.passkeys.add(merged)
    told = signals(camille.get("/account/passkeys"), "accepted-passkeys")
    ids = {one["userId"]: one["allAcceptedCredentialIds"] for one in told}
    assert ids == {base64url(kept.user_handle): [kept.id], base64url(b"another handle"): ["b3RoZXI"]}


def test_a_passkey_of_an_account_that_may_come_back_is_not_forgotten(
    world: World, authenticator: Authenticator
) -> None:
    world.services.stores.accounts.set_disabled("camille", disabled=True)
    refused = present(stranger(world), authenticator)
    assert refused.last.status_code == 422
    assert refused.tree.xpath("//form/@data-unknown-passkey") == []
