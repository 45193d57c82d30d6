"""The addresses of an account: added by a mailed code, made the primary one, taken away."""

from datetime import timedelta

import pytest

from idp.domain.accounts import Account, Identity
from idp.domain.claims import claims_of
from idp.domain.guessing import MAILS_PER_HOUR, SHARED_BUDGET, WINDOW, proofing_limit
from idp.domain.one_time_codes import SENT_TWICE, digits
from idp.flows.addresses import CODES_PER_HOUR
from idp.storage.one_time_codes import OneTimeCodeStore
from tests.flows.one_person import at_the_end_of
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, Traveller, World

OWN, NEW = "ines@univ-exemple.fr", "ines@agence.example"


@pytest.fixture
def ines(world: World) -> Account:
    return world.account("ines", OWN, Identity(EXEMPLE, "eppn", "ines@univ-exemple.fr"), password=PASSWORD)


@pytest.fixture
def person(world: World, ines: Account) -> Traveller:
    return world.browser().signed_in(ines)


def account(world: World, name: str = "ines") -> Account:
    found = world.services.stores.accounts.find(name)
    assert found
    return found


def code(world: World, to: str) -> str:
    return digits(world.services.secret, world.mails(to)[-1]["record_id"])


def add(world: World, person: Traveller, address: str = NEW) -> Traveller:
    person.get("/account/addresses/new").press("Recevoir le code", email=address)
    assert person.step == "new-address-code", person.text
    person.press("Ajouter cette adresse", code=code(world, address))
    return person


def notices(world: World, to: str) -> list[str]:
    return [mail["fields"]["change"] for mail in world.mails(to) if mail["kind"] == "addresses_changed"]


def test_a_proven_address_is_added_and_signs_in(world: World, person: Traveller) -> None:
    assert add(world, person).step == "account"
    assert NEW in person.text
    assert account(world).addresses == (OWN, NEW)
    assert notices(world, OWN) == ["added"]
    assert notices(world, NEW) == [], "only the addresses of before are told"
    other = world.browser().start(NEW)
    assert other.press("Se connecter", password=PASSWORD).step == "account"


def test_an_address_asked_for_by_two_accounts_in_one_browser_is_added_to_the_one_that_is_signed_in(
    world: World, person: Traveller
) -> None:
    person.get("/account/addresses/new").press("Recevoir le code", email=NEW)
    first, mailed = str(person.tree.xpath("//form[.//input[@name='code']]/@action")[0]), code(world, NEW)
    world.account("noe", "noe@univ-exemple.fr", password=PASSWORD)
    world.clock.ahead = timedelta(minutes=6)
    person.get("/account/addresses/new").press("Se connecter", email="noe@univ-exemple.fr")
    assert person.press("Se connecter", password=PASSWORD).step == "new-address", person.text
    assert person.send(first, code=mailed).step == "new-address", "that code is the other account's"
    assert add(world, person).step == "account"
    assert account(world, "noe").addresses == ("noe@univ-exemple.fr", NEW)


def test_an_address_that_is_added_twice_is_there(world: World, person: Traveller) -> None:
    page = person.get("/account/addresses/new").press("Recevoir le code", email=NEW).last
    for _ in range(2):
        person.last = page
        assert person.press("Ajouter cette adresse", code=code(world, NEW)).step == "account"
    assert account(world).addresses == (OWN, NEW)
    assert notices(world, OWN) == ["added"]


def test_the_primary_address_is_what_applications_see_and_the_subject_stays(world: World, person: Traveller) -> None:
    before = account(world).subject
    add(world, person).press("En faire l’adresse principale")
    assert person.step == "account"
    after = account(world)
    assert (after.addresses, after.subject) == ((NEW, OWN), before)
    periods = world.services.settings.affiliations.periods
    assert claims_of(after, periods, now=world.clock())["email"] == NEW
    assert notices(world, OWN) == ["added", "primary"]
    assert notices(world, NEW) == ["primary"]


def test_an_address_is_taken_away_and_tells_the_old_ones(world: World, person: Traveller) -> None:
    add(world, person)
    person.send("/account/addresses/remove", address=OWN)
    assert account(world).addresses == (NEW,)
    assert notices(world, OWN) == ["added", "removed"]
    person.send("/account/addresses/remove", address=NEW)
    assert account(world).addresses == (NEW,), "never the last one"
    assert "Retirer cette adresse" not in person.get("/account").text


def test_the_next_proof_brings_a_removed_address_back(world: World, person: Traveller) -> None:
    add(world, person)
    person.send("/account/addresses/remove", address=OWN)
    other = world.browser().start(CAMILLE)
    other.prove(world.draft(EXEMPLE, mail=(OWN,), eppn=("ines@univ-exemple.fr",)))
    other.press("C’est moi") if other.step == "other-person" else None
    other.press("Continuer", code=world.code(OWN))
    assert OWN in account(world).addresses


def test_every_act_asks_for_a_fresh_sign_in(world: World, person: Traveller) -> None:
    person.get("/account")
    world.clock.ahead += timedelta(minutes=6)
    for path in ("/account/addresses/new", "/account/close"):
        assert person.get(path).step == "email", path
    person.get("/account")
    for path, fields in (
        ("new", {"email": NEW}),
        ("primary", {"address": OWN}),
        ("remove", {"address": OWN}),
    ):
        assert person.send(f"/account/addresses/{path}", **fields).step == "email", path
        person.get("/account")
    assert world.mails(NEW) == []


def test_known_and_unknown_addresses_look_alike_before_the_code(world: World, person: Traveller) -> None:
    world.account("noe", "noe@agence.example")
    pages = []
    for address in ("noe@agence.example", "none@agence.example"):
        person.get("/account/addresses/new").press("Recevoir le code", email=address)
        pages.append((person.last.status_code, person.timeless.replace(address, "")))
        assert [mail["kind"] for mail in world.mails(address)] == ["new_address"]
    assert pages[0] == pages[1]


def test_asking_for_the_code_again_is_acknowledged(world: World, person: Traveller) -> None:
    person.get("/account/addresses/new").press("Recevoir le code", email=CAMILLE)
    assert "C’est fait" not in person.text
    assert "C’est fait" in person.press("Renvoyer le code").text
    assert len(world.mails(CAMILLE)) == 2


def test_a_wrong_code_adds_nothing(world: World, person: Traveller) -> None:
    person.get("/account/addresses/new").press("Recevoir le code", email=NEW)
    right = code(world, NEW)
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    for _ in range(5):
        assert person.press("Ajouter cette adresse", code=wrong).step == "new-address-code"
    person.press("Ajouter cette adresse", code=right)
    assert account(world).addresses == (OWN,), "five tries for one code"


def test_a_code_works_in_no_other_browser_and_for_no_other_account(world: World, person: Traveller) -> None:
    person.get("/account/addresses/new").press("Recevoir le code", email=NEW)
    action = str(person.tree.xpath("//form[.//input[@name='code']]/@action")[0])
    stranger = world.browser().signed_in(world.account("noe", "noe@agence.example"))
    stranger.get("/account").send(action, code=code(world, NEW))
    assert stranger.step == "new-address"
    assert account(world, "noe").addresses == ("noe@agence.example",)


def test_o_20_nobody_has_a_mailbox_flooded(world: World, person: Traveller) -> None:
    person.get("/account/addresses/new").press("Recevoir le code", email=NEW)
    for _ in range(2 * MAILS_PER_HOUR):
        person.press("Renvoyer le code")
    assert len(world.mails(NEW)) == MAILS_PER_HOUR
    assert "message" in person.text


def test_an_address_that_is_typed_again_later_is_mailed_again(world: World, person: Traveller) -> None:
    """Within a moment it is a form that was sent twice; later, somebody who waited for a mail in vain."""
    for mails in (1, 1, 2):
        world.clock.ahead += SENT_TWICE if mails == 2 else timedelta()
        person.get("/account/addresses/new").press("Recevoir le code", email=NEW)
        assert len(world.mails(NEW)) == mails


@pytest.mark.parametrize(("typed", "words"), [("", "Saisissez"), (OWN, "déjà celle"), ("a@b", "incomplète")])
def test_what_is_no_new_address_is_said(person: Traveller, typed: str, words: str) -> None:
    person.get("/account/addresses/new").press("Recevoir le code", email=typed)
    assert (person.last.status_code, person.step) == (422, "new-address")
    assert words in person.text


def test_an_account_has_no_more_than_some_addresses(world: World, person: Traveller) -> None:
    for number in range(9):
        assert world.services.stores.account_addresses.add("ines", f"a{number}@agence.example")
    person.get("/account/addresses/new").press("Recevoir le code", email=NEW)
    assert "beaucoup d’adresses" in person.text


def test_the_audit_trail_tells_of_it_without_the_address(world: World, person: Traveller) -> None:
    add(world, person)
    (event,) = world.events("account.address_added")
    assert (event["account_id"], event["fields"]) == ("ines", {})


def test_a_proof_at_the_university_takes_an_added_address_along(world: World, person: Traveller) -> None:
    """Whoever added somebody's university address beforehand loses it to the person (account pre-hijacking)."""
    add(world, person, CAMILLE)
    owner = world.browser().start(CAMILLE).prove()
    owner.press("Continuer", code=world.code(CAMILLE))
    found = world.services.stores.accounts.by_address(CAMILLE)
    assert found
    assert found.id != "ines"
    assert account(world).addresses == (OWN,)
    assert account(world).password_hash is None


def test_recent_events_are_plain_sentences(world: World, person: Traveller) -> None:
    add(world, person)
    world.services.stores.audit.append(
        "sign_in.succeeded", at=world.clock() - timedelta(days=91), reference="r", account_id="ines", method="password"
    )
    world.services.stores.audit.append(
        "sign_in.succeeded", at=world.clock(), reference="r", account_id="ines", method="code"
    )
    world.services.stores.audit.append("account.exported", at=world.clock(), reference="r", account_id="noe")
    person.get("/account")
    (section,) = person.tree.xpath("//section[@aria-labelledby='recent-events']")
    lines = [" ".join(item.text_content().split()) for item in section.xpath(".//li")]
    assert len(lines) == 2
    assert lines[0].startswith("Connexion par un code reçu par mail")
    assert lines[1].startswith("Adresse mail ajoutée")


def test_recent_events_are_bounded(world: World, person: Traveller) -> None:
    for _ in range(40):
        world.services.stores.audit.append("account.exported", at=world.clock(), reference="r", account_id="ines")
    person.get("/account")
    assert len(person.tree.xpath("//section[@aria-labelledby='recent-events']//li")) == 20


def test_strangers_who_fail_to_sign_in_hide_nothing_of_what_happened(world: World, person: Traveller) -> None:
    """Whoever took the account over would have its person read of wrong passwords alone."""
    add(world, person)
    for number in range(600):
        at = world.clock() + timedelta(seconds=number)
        world.services.database.collection("audit").insert_one(
            {"event": "sign_in.failed", "at": at, "reference": "r", "account_id": "ines", "fields": {}}
        )
    world.clock.ahead += timedelta(seconds=601)
    person.get("/account")
    (section,) = person.tree.xpath("//section[@aria-labelledby='recent-events']")
    lines = [" ".join(item.text_content().split()) for item in section.xpath(".//li")]
    assert [line.rsplit(" ", 4)[0] for line in lines] == ["Connexion refusée"] * 5 + ["Adresse mail ajoutée"]


def test_a_new_password_is_told_at_every_address(world: World, person: Traveller) -> None:
    add(world, person)
    person.get("/account/password").press("Créer", password="girafe violon tempête cactus")
    assert person.step == "account", person.text
    for address in (OWN, NEW):
        assert [mail["kind"] for mail in world.mails(address)].count("password_changed") == 1


def test_o_20_nobody_has_a_whole_university_mailed(world: World, person: Traveller) -> None:
    for number in range(CODES_PER_HOUR):
        person.get("/account/addresses/new").press("Recevoir le code", email=f"a{number}@agence.example")
        assert person.step == "new-address-code"
    person.get("/account/addresses/new").press("Recevoir le code", email=NEW)
    assert (person.last.status_code, person.step, world.mails(NEW)) == (422, "new-address", [])


def test_a_code_that_was_mailed_for_signing_in_is_none_for_an_address(world: World, ines: Account) -> None:
    person = world.browser().start(OWN).press("Recevoir le code")
    person.get(f"/sign-in/{person.handle}/methods").press("Se connecter", password=PASSWORD)
    assert person.step == "account"
    signing_in = world.mails(OWN)[-1]["record_id"]
    assert person.get(f"/account/addresses/code/{signing_in}").step == "new-address"


def test_o_18_wrong_codes_for_an_address_are_counted_and_then_no_code_is_looked_at(
    world: World, person: Traveller
) -> None:
    """Whoever asked for the codes: each of them has tries of its own beside."""
    for _ in range(SHARED_BUDGET - 1):
        world.services.stores.limits.count(
            proofing_limit(world.services.secret, NEW), limit=SHARED_BUDGET, window=WINDOW, now=world.clock()
        )
    person.get("/account/addresses/new").press("Recevoir le code", email=NEW)
    right = code(world, NEW)
    person.press("Ajouter cette adresse", code=f"{(int(right) + 1) % 1_000_000:06}")
    assert person.press("Ajouter cette adresse", code=right).last.status_code == 422
    assert account(world).addresses == (OWN,)


def test_o_16_a_code_that_is_used_while_it_is_looked_at_adds_nothing(
    world: World, person: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.get("/account/addresses/new").press("Recevoir le code", email=NEW)
    codes, mailed = world.services.stores.codes, world.mails(NEW)[-1]["record_id"]
    at_the_end_of(monkeypatch, (OneTimeCodeStore, "attempt"), lambda: codes.take(mailed, now=world.clock()))
    person.press("Ajouter cette adresse", code=code(world, NEW))
    assert (person.last.status_code, person.step) == (422, "new-address-code")
    assert account(world).addresses == (OWN,)


def test_a_code_read_at_an_address_that_was_taken_away_opens_nothing_when_it_is_added_again(
    world: World, person: Traveller
) -> None:
    add(world, person)
    waiting = world.browser().start(NEW).press("Recevoir le code")
    read = code(world, NEW)
    person.get("/account").send("/account/addresses/remove", address=NEW)
    assert world.services.stores.account_addresses.add("ines", NEW)
    assert waiting.press("Se connecter", code=read).step == "code"
