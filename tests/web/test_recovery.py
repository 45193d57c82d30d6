"""A thief had a person's session, password or mailbox for ten minutes; later the person takes the account back.

What leads in beside the password is shown where another one is chosen, and goes there with one tick.
"""

from collections.abc import Callable

import pytest

from idp.app import assistance, own_account
from idp.domain.accounts import Account, Identity
from idp.domain.errors import ServiceUnavailable
from idp.domain.helpdesk import Act
from idp.domain.one_time_codes import digits
from idp.domain.passkeys import Credential, Passkey
from idp.domain.proofing import link_token
from idp.storage.accounts import AccountStore
from idp.storage.sweeps import SECOND_SWEEP
from tests.web.proofing_world import AUTRE, CAMILLE, EXEMPLE, PASSWORD, Traveller, World

EPPN = Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr")
THIEF = "quelqu.un@ailleurs.example"
OTHER_PASSWORD = "une tout autre phrase bien longue"
ACT = Act("alex", "carte présentée au guichet")
WAYS = "Cochez ce que vous ne reconnaissez pas"


@pytest.fixture
def account(world: World) -> Account:
    """Of a person whose session a thief had: an address and a passkey of theirs are there."""
    account = world.account("camille", CAMILLE, EPPN, password=PASSWORD)
    world.services.stores.account_addresses.add("camille", THIEF)
    world.services.stores.passkeys.add(
        Passkey(Credential("dm9sZXVy", b"key", 0, ""), "camille", b"handle", "Téléphone inconnu", world.clock())
    )
    return account


def present(world: World) -> Account:
    found = world.services.stores.accounts.find("camille")
    assert found is not None
    return found


def sign_in_code(world: World, to: str) -> str:
    return digits(world.services.secret, world.mails(to)[-1]["record_id"])


def by_code(world: World, address: str) -> Traveller:
    person = world.browser().start(address).press("Recevoir le code")
    return person.press("Se connecter", code=sign_in_code(world, address))


def ticks(who: Traveller) -> dict[str, str]:
    """What may be ticked: the words beside each box, and its name."""
    boxes = who.tree.xpath("//main//p[@class='tick']")
    return {" ".join(box.text_content().split()): box.xpath(".//input/@name")[0] for box in boxes}


def tick(who: Traveller, *words: str) -> dict[str, str]:
    """The fields of these boxes, ticked."""
    boxes = {name: who.tree.xpath("//input[@name=$n]/@value", n=name)[0] for name in ticks(who).values()}
    return {ticks(who)[one]: boxes[ticks(who)[one]] for one in words}


def in_the_same_browser(world: World) -> Traveller:
    return world.browser().start().prove().press("Continuer", code=world.code(CAMILLE))


def behind_the_link(world: World) -> Traveller:
    world.browser().start().prove()
    link = link_token(world.services.secret, world.mails(CAMILLE)[-1]["record_id"])
    person = world.browser().get(f"/proofing/link/{link}")
    return person.press("Confirmer")


def after_a_code(world: World) -> Traveller:
    person = world.browser().start(CAMILLE).press("Recevoir le code", forgotten="yes")
    return person.press("Se connecter", code=sign_in_code(world, CAMILLE))


def on_the_account_page(world: World) -> Traveller:
    return by_code(world, CAMILLE).get("/account/password")


ProofOrCode = Callable[[World], Traveller]
BY_PROOF: list[ProofOrCode] = [in_the_same_browser, behind_the_link]
BY_CODE: list[ProofOrCode] = [after_a_code, on_the_account_page]


@pytest.mark.parametrize("comes", [*BY_PROOF, *BY_CODE])
def test_an_address_that_a_thief_added_goes_where_the_person_chooses_another_password(
    world: World, account: Account, comes: ProofOrCode
) -> None:
    person = comes(world)
    assert (person.step, WAYS in person.text) == ("new-password", True), person.text
    # Put out by now, or not: whoever reads that mailbox comes back meanwhile.
    thief = by_code(world, THIEF)
    assert thief.step == "account"
    person.press("Créer", password=OTHER_PASSWORD, **tick(person, THIEF))
    assert person.step == "account", person.text
    assert present(world).addresses == (CAMILLE,)
    assert thief.get("/account").step != "account", "nor does what they had opened go on"
    for address in (CAMILLE, THIEF):
        told = [mail["fields"].get("changed") for mail in world.mails(address) if mail["kind"] == "addresses_changed"]
        assert told == [THIEF]
    while world.services.ends_sign_ins.sweep_next(world.clock() + SECOND_SWEEP):
        continue
    assert person.get("/account").step == "account", "whoever chose the password stays"


@pytest.mark.parametrize("comes", BY_CODE)
def test_so_does_a_passkey(world: World, account: Account, comes: ProofOrCode) -> None:
    person = comes(world)
    person.press("Créer", password=OTHER_PASSWORD, **tick(person, "Clé d’accès « Téléphone inconnu »"))
    assert person.step == "account"
    assert world.services.stores.passkeys.of_account("camille") == ()
    assert present(world).addresses == (CAMILLE, THIEF), "what was not ticked stays"


@pytest.mark.parametrize("comes", BY_PROOF)
def test_a_proof_has_ended_the_passkeys_already(world: World, account: Account, comes: ProofOrCode) -> None:
    assert list(ticks(comes(world))) == [THIEF]


@pytest.mark.parametrize("comes", [*BY_PROOF, *BY_CODE])
def test_without_a_tick_everything_stays(world: World, account: Account, comes: ProofOrCode) -> None:
    comes(world).press("Créer", password=OTHER_PASSWORD)
    assert present(world).addresses == (CAMILLE, THIEF)
    assert world.services.hasher.verify(OTHER_PASSWORD, present(world).password_hash)


@pytest.mark.parametrize("comes", [*BY_PROOF, *BY_CODE])
def test_a_refused_password_keeps_the_ticks_and_removes_nothing(
    world: World, account: Account, comes: ProofOrCode
) -> None:
    person = comes(world)
    person.press("Créer", password="court", **tick(person, THIEF))
    assert person.last.status_code == 422
    assert present(world).addresses == (CAMILLE, THIEF)
    assert person.tree.xpath("//input[@value=$a]/@checked", a=THIEF)


@pytest.mark.parametrize("comes", [*BY_PROOF, *BY_CODE])
def test_nothing_is_asked_of_whoever_has_one_address_and_no_passkey(world: World, comes: ProofOrCode) -> None:
    world.account("camille", CAMILLE, EPPN, password=PASSWORD)
    person = comes(world)
    assert (person.step, ticks(person), WAYS in person.text) == ("new-password", {}, False)


@pytest.mark.parametrize("comes", [in_the_same_browser, after_a_code])
def test_the_address_that_was_just_proven_stays(world: World, account: Account, comes: ProofOrCode) -> None:
    person = comes(world)
    assert CAMILLE not in ticks(person)
    person.press("Créer", password=OTHER_PASSWORD, **{"not-mine-1": CAMILLE, "not-mine-2": "b@elsewhere.example"})
    assert present(world).addresses == (CAMILLE, THIEF)


def test_a_person_whose_address_is_not_the_primary_one_any_more_takes_it_back(world: World, account: Account) -> None:
    """The thief put theirs first; mail to applications goes there."""
    world.services.stores.account_addresses.make_primary("camille", THIEF)
    person = on_the_account_page(world)
    person.press("Créer", password=OTHER_PASSWORD, **tick(person, THIEF))
    assert present(world).addresses == (CAMILLE,)


def test_an_identifier_taken_away_puts_out_whoever_came_by_it(world: World) -> None:
    """It named the wrong person: they are signed in, with tokens and a browser that is known."""
    world.account("camille", CAMILLE, EPPN, password=PASSWORD)
    wrong = world.browser().start().prove().press("Continuer", code=world.code(CAMILLE))
    assert wrong.press("Créer", password=OTHER_PASSWORD).step == "account"
    people, stores = assistance.people(world.services), world.services.stores
    assert not people.unlink("camille", "nobody@univ-exemple.fr", ACT)
    assert wrong.get("/account").step == "account", "nothing was changed"
    assert people.unlink("camille", EPPN.value, ACT)
    assert wrong.get("/account").step == "email"
    assert stores.devices.of_account("camille") == ()
    (sweep,) = {str(one["account_id"]) for one in world.services.database.collection("sweeps").find()}
    assert sweep == "camille", "a sign-in that was under way ends a minute later"


@pytest.fixture
def taken(world: World) -> Account:
    """A thief put their address first, took the person's away, and had only their passkeys lead in."""
    account = world.account("camille", CAMILLE, EPPN, password=PASSWORD)
    stores = world.services.stores
    stores.passkeys.add(Passkey(Credential("dm9s", b"key", 0, ""), "camille", b"handle", "Clé", world.clock()))
    stores.accounts.set_only_passkeys("camille", only=True)
    stores.account_addresses.add("camille", THIEF)
    stores.account_addresses.remove("camille", CAMILLE)
    return account


def give_back(world: World, address: str) -> str | None:
    return assistance.helpdesk_acts(world.services).give_back("camille", address, ACT)


def test_an_account_is_given_back_to_a_person_who_has_lost_every_way_in(world: World, taken: Account) -> None:
    thief = world.browser().signed_in(taken)
    waiting = world.browser().start(THIEF).press("Recevoir le code")
    code = sign_in_code(world, THIEF)
    assert give_back(world, f" {CAMILLE.upper()}") is None
    assert thief.get("/account").step == "email"
    assert waiting.press("Se connecter", code=code).step == "code"
    found = present(world)
    assert (found.addresses, found.password_hash, found.only_passkeys) == ((CAMILLE,), None, False)
    assert found.identities == (EPPN,), "what the university says of the person is nobody else's"
    assert world.services.stores.passkeys.of_account("camille") == ()
    for address in (CAMILLE, THIEF):
        fields = [mail["fields"] for mail in world.mails(address) if mail["kind"] == "addresses_changed"]
        assert fields == [{"change": "given_back", "changed": CAMILLE}]
    assert by_code(world, CAMILLE).step == "account"
    (event,) = world.events("helpdesk.given_back")
    assert event["fields"] == {"operator": "alex", "reason": "carte présentée au guichet"}


def test_a_code_that_was_asked_for_before_opens_nothing_after_it(world: World) -> None:
    """The thief was in the mailbox, and asked for a code in a browser of their own."""
    world.account("camille", CAMILLE, EPPN, password=PASSWORD)
    waiting = world.browser().start(CAMILLE).press("Recevoir le code")
    code = sign_in_code(world, CAMILLE)
    assert give_back(world, CAMILLE) is None
    assert waiting.press("Se connecter", code=code).step != "account"


def test_nor_does_one_at_an_address_that_the_person_adds_again(world: World, account: Account) -> None:
    waiting = world.browser().start(THIEF).press("Recevoir le code")
    code = sign_in_code(world, THIEF)
    assert give_back(world, CAMILLE) is None
    assert world.services.stores.account_addresses.add("camille", THIEF)
    assert waiting.press("Se connecter", code=code).step == "code"


@pytest.mark.parametrize("address", [CAMILLE, "camille@agence.example"])
@pytest.mark.parametrize("is_confirmed", [False, True], ids=["mailed link", "last page"])
def test_nor_does_a_proof_under_way(world: World, address: str, is_confirmed: bool) -> None:
    """Left in a browser that others use, or its mail in a mailbox that others read."""
    world.account("camille", CAMILLE, EPPN, password=PASSWORD)
    person = in_the_same_browser(world) if is_confirmed else world.browser().start().prove()
    link = link_token(world.services.secret, world.mails(CAMILLE)[0]["record_id"])
    assert give_back(world, address) is None
    if is_confirmed:
        person.press("Créer", password=OTHER_PASSWORD)
    else:
        assert person.get(f"/proofing/link/{link}").step == "error"
    assert (present(world).password_hash, present(world).addresses) == (None, (address,))


def asks_to_add_it_elsewhere(world: World) -> tuple[Traveller, str]:
    """Somebody who reads the person's mailbox has a code that adds its address to an account of their own."""
    thief = world.browser().signed_in(world.account("thief", "autre@agence.example"))
    thief.get("/account/addresses/new").press("Recevoir le code", email=CAMILLE)
    return thief, sign_in_code(world, CAMILLE)


def test_nor_does_one_asked_for_before_offer_to_merge_it_which_has_no_password_now(
    world: World, taken: Account
) -> None:
    thief, code = asks_to_add_it_elsewhere(world)
    assert give_back(world, CAMILLE) is None
    assert thief.press("Ajouter cette adresse", code=code).step == "new-address-code"
    assert "plus valable" in thief.text


def test_it_is_given_to_nobody_at_an_address_of_another_account(world: World, taken: Account) -> None:
    world.account("ines", "ines@agence.example")
    person = world.browser().signed_in(taken)
    for address, problem in (
        ("ines@agence.example", "helpdesk.address_taken"),
        ("no address", "email.malformed"),
    ):
        assert give_back(world, address) == problem
    assert present(world).addresses == (THIEF,)
    assert world.events("helpdesk.given_back") == []
    assert person.get("/account").step == "account", "a mistyped address puts nobody out"


def test_nor_where_it_is_being_erased(world: World, taken: Account) -> None:
    later = world.clock()
    world.services.database.collection("accounts").update_one({"_id": "camille"}, {"$set": {"erasing_until": later}})
    assert give_back(world, CAMILLE) == "helpdesk.not_reopened"
    assert assistance.helpdesk_acts(world.services).give_back("nobody", CAMILLE, ACT) == "helpdesk.nobody"


@pytest.mark.parametrize("survivor", ["camille", "thief"])
@pytest.mark.parametrize("comes", [*BY_PROOF, *BY_CODE])
def test_two_accounts_that_a_thief_merged_are_parted_with_the_university_of_the_thief(
    world: World, survivor: str, comes: ProofOrCode
) -> None:
    """An address of the thief's that went would keep the accounts from being parted, and their university leads in."""
    theirs = Identity(AUTRE, "eppn", "voleur@autre.fr")
    world.account("camille", CAMILLE, EPPN, password=PASSWORD)
    world.account("thief", THIEF, theirs, password=OTHER_PASSWORD)
    merging, stores = own_account.merging(world.services), world.services.stores
    assert merging.merge_by_hand(survivor, "thief" if survivor == "camille" else "camille")
    person = comes(world)
    assert "séparez-les ensuite sur la page" in person.text
    assert ticks(person) == {}
    person.press("Créer", password="une phrase qui n’est connue de personne", **{"not-mine-1": THIEF})
    assert person.step == "account", person.text
    person.press("Séparer les deux comptes")
    found = {name: stores.accounts.find(name) for name in ("camille", "thief")}
    assert {name: one and (one.addresses, one.identities, one.disabled) for name, one in found.items()} == {
        "camille": ((CAMILLE,), (EPPN,), False),
        "thief": ((THIEF,), (theirs,), False),
    }


def test_who_removes_something_reads_how_to_put_out_whoever_came_by_it(world: World, account: Account) -> None:
    """The thief's session goes on: only another password, or signing out everywhere, ends it."""
    told = "Si quelqu’un d’autre s’en servait, choisissez aussi un autre mot de passe"
    person = by_code(world, CAMILLE)
    assert told not in person.text
    person.send("/account/addresses/remove", address=THIEF)
    assert (person.step, told in person.text) == ("account", True)
    person.send("/account/addresses/remove", address=CAMILLE)
    assert told not in person.text, "the last one stays"
    assert told not in person.get("/account/passkeys").text
    assert told in person.press("Retirer").text


def test_a_merge_that_waited_for_the_password_is_not_left_without_one(world: World) -> None:
    """The thief read the mailbox, and lacked the password, which goes when the account is given back."""
    world.account("camille", CAMILLE, EPPN, password=PASSWORD)
    thief = world.browser().signed_in(world.account("thief", THIEF))
    thief.get("/account/addresses/new").press("Recevoir le code", email=CAMILLE)
    thief.press("Ajouter cette adresse", code=sign_in_code(world, CAMILLE))
    assert thief.step == "merge-accounts"
    assert give_back(world, CAMILLE) is None
    thief.press("Réunir les deux comptes", password="")
    assert present(world).addresses == (CAMILLE,)
    assert not present(world).disabled


@pytest.mark.parametrize("act", ["password", "everywhere", "closed", "disabled"])
def test_a_code_that_a_thief_has_read_opens_nothing_once_the_person_has_put_everybody_out(
    world: World, act: str
) -> None:
    """They were in the mailbox, asked for it in a browser of their own, and keep it for later."""
    account = world.account("camille", CAMILLE, EPPN, password=PASSWORD)
    thief = world.browser().start(CAMILLE).press("Recevoir le code")
    code = sign_in_code(world, CAMILLE)
    person = world.browser().signed_in(account)
    if act == "password":
        person.get("/account/password").press("Créer", password=OTHER_PASSWORD)
    elif act == "everywhere":
        person.get("/account/sign-out-everywhere").press("Se déconnecter partout")
    elif act == "closed":
        person.get("/account/close").press("Fermer")
    else:
        closing = assistance.account_closing(world.services)
        assert closing.close("camille")
        assert closing.reopen("camille")
    assert thief.press("Se connecter", code=code).step == "code"
    assert "plus valable" in thief.text


@pytest.mark.parametrize("comes", BY_PROOF)
def test_nor_does_one_read_at_another_address_outlive_a_proof(world: World, comes: ProofOrCode) -> None:
    """The other mailbox is the person's own; a thief was in it, and the proof ends what they had."""
    world.account("camille", CAMILLE, EPPN, password=PASSWORD)
    world.services.stores.account_addresses.add("camille", "camille@agence.example")
    thief = world.browser().start("camille@agence.example").press("Recevoir le code")
    code = sign_in_code(world, "camille@agence.example")
    assert comes(world).press("Créer", password=OTHER_PASSWORD).step == "account"
    assert thief.press("Se connecter", code=code).step == "code"
    assert present(world).addresses == (CAMILLE, "camille@agence.example")


def test_nor_a_proof_that_takes_the_account_s_address_for_somebody_else(world: World) -> None:
    """Password and sign-ins of the account that loses the address end; so does a code that was read at another one."""
    world.account("before", CAMILLE, password=PASSWORD)
    world.services.stores.account_addresses.add("before", "camille@agence.example")
    thief = world.browser().start("camille@agence.example").press("Recevoir le code")
    code = sign_in_code(world, "camille@agence.example")
    assert in_the_same_browser(world).step == "new-password"
    assert thief.press("Se connecter", code=code).step == "code"


@pytest.mark.parametrize("identities", [(), (EPPN,)], ids=["first time", "known by another address"])
def test_nor_does_one_to_add_the_address_elsewhere_offer_to_merge_the_account_before_its_password(
    world: World, identities: tuple[Identity, ...]
) -> None:
    if identities:
        world.account("camille", "camille@agence.example", *identities, password=PASSWORD)
    thief, code = asks_to_add_it_elsewhere(world)
    assert in_the_same_browser(world).step == "new-password"
    assert thief.press("Ajouter cette adresse", code=code).step == "new-address-code"
    assert "plus valable" in thief.text


def test_what_waits_in_the_browser_of_whoever_removes_an_address_goes_on_where_that_is_cut_half_way(
    world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They had signed in meanwhile, in another tab: that ends with every other sign-in, and the browser stays known."""
    person = in_the_same_browser(world)
    journey, page = f"/sign-in/{person.handle}", person.last
    person.start(CAMILLE).press("Recevoir le code").press("Se connecter", code=sign_in_code(world, CAMILLE))
    assert person.step == "account"
    person.last = page

    def away(*_: object, **__: object) -> None:
        raise ServiceUnavailable("database", "cut")

    with monkeypatch.context() as cut:
        cut.setattr(AccountStore, "set_password", away)
        person.press("Créer", password=OTHER_PASSWORD, **tick(person, THIEF))
    assert present(world).addresses == (CAMILLE,)
    assert person.get(journey).step == "sign-in", person.text
