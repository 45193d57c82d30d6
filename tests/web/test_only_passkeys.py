"""Who chooses to sign in by passkey alone: no password and no mailed code leads in, and nobody is locked out."""

import json
from datetime import timedelta

import pytest

from idp.app import own_account, ways_in
from idp.domain.accounts import Account, Identity
from idp.domain.merging import Merge
from idp.domain.one_time_codes import digits
from idp.domain.passkeys import Passkey
from idp.storage.accounts import AccountStore
from idp.storage.passkeys import PasskeyStore
from tests.passkeys.authenticator import BACKED_UP, ELIGIBLE, PRESENT, VERIFIED, Authenticator
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, Traveller, World
from tests.web.test_passkeys import add, present, stranger
from tests.web.test_same_work import PRESSES, UNKNOWN, operations

CHOOSE, TAKE_BACK = "N’accepter que mes clés", "Accepter de nouveau"
EPPN = Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr")


@pytest.fixture
def camille(world: World) -> Traveller:
    """At the page of the passkeys, of which there is none yet."""
    person = world.browser().signed_in(world.account("camille", CAMILLE, EPPN, password=PASSWORD))
    person.get("/account/passkeys")
    return person


def synced() -> Authenticator:
    return Authenticator(flags=PRESENT | VERIFIED | ELIGIBLE | BACKED_UP)


@pytest.fixture
def key(world: World, camille: Traveller) -> Authenticator:
    """A passkey that its devices share, and that has signed in once."""
    made = synced()
    add(camille, made)
    assert present(stranger(world), made).step == "account"
    camille.get("/account/passkeys")
    return made


@pytest.fixture
def alone(camille: Traveller, key: Authenticator) -> Authenticator:
    """The passkey, chosen to be the only way in."""
    assert camille.press(CHOOSE).step == "passkeys", camille.text
    return key


def account(world: World) -> Account:
    found = world.services.stores.accounts.find("camille")
    assert found
    return found


def kinds(world: World, to: str = CAMILLE) -> list[str]:
    return [str(mail["kind"]) for mail in world.mails(to)]


def test_neither_password_nor_code_leads_in_and_the_passkey_does(world: World, alone: Authenticator) -> None:
    assert account(world).only_passkeys
    person = world.browser().start(CAMILLE).press("Se connecter", password=PASSWORD)
    assert (person.step, person.last.status_code) == ("sign-in", 422)
    person.press("Recevoir le code")
    assert person.step == "code"
    assert kinds(world)[-1] == "passkey_needed"
    assert present(stranger(world), alone).step == "account"


def test_a_code_that_was_already_on_its_way_leads_in_no_longer(
    world: World, camille: Traveller, key: Authenticator
) -> None:
    waiting = world.browser().start(CAMILLE).press("Recevoir le code")
    code = digits(world.services.secret, world.mails(CAMILLE)[-1]["record_id"])
    camille.press(CHOOSE)
    waiting.press("Se connecter", code=code)
    assert (waiting.step, waiting.last.status_code) == ("code", 422)


def test_every_address_is_told_and_the_pages_say_so(world: World, camille: Traveller, alone: Authenticator) -> None:
    assert kinds(world)[-1] == "only_passkeys"
    assert "seules vos clés d’accès permettent de s’y connecter" in camille.text
    assert "seules vos clés d’accès permettent de s’y connecter" in camille.get("/account").text
    assert json.loads(camille.get("/account/export.json").last.text)["account"]["only_passkeys"] is True
    (event,) = world.events("account.only_passkeys")
    assert event["account_id"] == "camille"


def test_password_and_code_lead_in_again_once_the_person_wants_it(
    world: World, camille: Traveller, alone: Authenticator
) -> None:
    camille.press(TAKE_BACK)
    assert kinds(world)[-1] == "any_method"
    assert world.browser().start(CAMILLE).press("Se connecter", password=PASSWORD).step == "account"


def test_one_passkey_of_one_device_or_one_that_never_signed_in_is_not_relied_on(
    world: World, camille: Traveller
) -> None:
    assert "Seulement mes clés" not in camille.text
    first = Authenticator()
    add(camille, first)
    assert "Connectez-vous d’abord une fois" in camille.text
    present(stranger(world), first)
    assert "Ajoutez d’abord une seconde clé" in camille.get("/account/passkeys").text
    camille.send("/account/passkeys/only")
    assert (camille.last.status_code, account(world).only_passkeys) == (422, False)
    add(camille, Authenticator(), "Tablette")
    camille.press(CHOOSE)
    assert account(world).only_passkeys


def test_a_passkey_that_could_be_copied_and_was_not_is_lost_with_its_device(world: World, camille: Traveller) -> None:
    made = Authenticator(flags=PRESENT | VERIFIED | ELIGIBLE)
    add(camille, made)
    present(stranger(world), made)
    assert "Ajoutez d’abord une seconde clé" in camille.get("/account/passkeys").text
    assert "Sur un seul appareil" in camille.text
    made.flags |= BACKED_UP
    present(stranger(world), made)
    assert camille.get("/account/passkeys").press(CHOOSE).step == "passkeys"
    assert account(world).only_passkeys


def test_the_choice_needs_a_fresh_sign_in(world: World, camille: Traveller, key: Authenticator) -> None:
    world.clock.ahead = timedelta(minutes=11)
    assert camille.press(CHOOSE).step == "email"
    assert not account(world).only_passkeys


def test_what_is_still_needed_is_not_removed(world: World, camille: Traveller, alone: Authenticator) -> None:
    camille.press("Retirer")
    assert camille.last.status_code == 422
    assert "est nécessaire" in camille.text
    add(camille, Authenticator(), "Clé rouge")
    present(stranger(world), alone)
    (_, red) = world.services.stores.passkeys.of_account("camille")
    camille.send("/account/passkeys/remove", passkey=red.id)
    assert [one.name for one in world.services.stores.passkeys.of_account("camille")] == ["Téléphone"]


def test_two_that_are_removed_at_once_do_not_both_go(
    world: World, camille: Traveller, alone: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(camille, synced(), "Tablette")
    (phone, tablet) = world.services.stores.passkeys.of_account("camille")
    present(stranger(world), alone)
    remove = PasskeyStore.remove

    def after_the_other(store: PasskeyStore, credential_id: str, account_id: str) -> Passkey | None:
        remove(store, phone.id, account_id)
        return remove(store, credential_id, account_id)

    monkeypatch.setattr(PasskeyStore, "remove", after_the_other)
    camille.send("/account/passkeys/remove", passkey=tablet.id)
    assert (camille.last.status_code, kinds(world)[-1]) == (422, "passkey_added")
    assert [one.id for one in world.services.stores.passkeys.of_account("camille")] == [tablet.id]


def test_the_choice_does_not_stand_where_a_passkey_goes_at_the_same_moment(
    world: World, camille: Traveller, key: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = AccountStore.set_only_passkeys

    def after_the_removal(store: AccountStore, account_id: str, *, only: bool) -> bool:
        world.services.stores.passkeys.remove_account(account_id)
        return choose(store, account_id, only=only)

    monkeypatch.setattr(AccountStore, "set_only_passkeys", after_the_removal)
    camille.press(CHOOSE)
    assert (camille.last.status_code, kinds(world)[-1]) == (422, "passkey_added")
    assert not account(world).only_passkeys


def test_whoever_has_a_closed_account_back_is_not_asked_for_a_passkey_that_went(
    world: World, camille: Traveller, alone: Authenticator
) -> None:
    camille.get("/account/close").press("Fermer mon compte")
    person = world.browser().start(CAMILLE).press("Recevoir le code")
    person.press("Se connecter", code=digits(world.services.secret, world.mails(CAMILLE)[-1]["record_id"]))
    assert person.press("Rouvrir mon compte").step == "account"
    assert world.services.stores.passkeys.of_account("camille") == ()
    again = world.browser().start(CAMILLE).press("Se connecter", password=PASSWORD)
    assert again.step == "account", again.text


def test_who_lost_every_passkey_comes_back_by_the_university(world: World, alone: Authenticator) -> None:
    person = world.browser().start(CAMILLE).prove()
    person.press("Continuer", code=world.code(CAMILLE)).press("Créer", password=PASSWORD)
    assert person.step == "account", person.text
    assert not account(world).only_passkeys


def test_o_25_who_had_the_account_before_a_proof_comes_back_by_no_passkey(
    world: World, camille: Traveller, key: Authenticator
) -> None:
    person = world.browser().start(CAMILLE).prove()
    person.press("Continuer", code=world.code(CAMILLE)).press("Créer", password=PASSWORD)
    assert person.step == "account", person.text
    assert present(stranger(world), key).last.status_code == 422


def test_the_helpdesk_gives_the_other_ways_back(world: World, alone: Authenticator) -> None:
    flow = ways_in.passkeys(world.services)
    assert flow.take_any_method("camille")
    assert kinds(world)[-1] == "any_method"
    assert not flow.take_any_method("camille")
    assert not flow.take_any_method("nobody")


def test_a_code_that_is_asked_for_again_after_the_helpdesk_s_help_is_mailed(world: World, alone: Authenticator) -> None:
    person = world.browser().start(CAMILLE).press("Recevoir le code")
    assert kinds(world)[-1] == "passkey_needed"
    ways_in.passkeys(world.services).take_any_method("camille")
    person.press("Renvoyer le code")
    assert kinds(world)[-1] == "sign_in_code"
    person.press("Se connecter", code=digits(world.services.secret, world.mails(CAMILLE)[-1]["record_id"]))
    assert person.step == "account", person.text


def test_o_26_the_pages_and_the_work_are_those_of_an_unknown_address(world: World, alone: Authenticator) -> None:
    known, unknown = world.browser().start(CAMILLE), world.browser().start(UNKNOWN)
    for press in PRESSES:
        there, nobody = operations(world, press, known), operations(world, press, unknown)
        assert sorted(there) == sorted(nobody)
        assert known.timeless.replace(CAMILLE, "") == unknown.timeless.replace(UNKNOWN, "")


def test_an_account_that_takes_only_passkeys_is_not_merged_by_its_mailbox_or_password(
    world: World, alone: Authenticator
) -> None:
    own = world.account("own", "camille@agence.example", password=PASSWORD)
    person = world.browser().signed_in(own)
    person.get("/account/addresses/new").press("Recevoir le code", email=CAMILLE)
    code = digits(world.services.secret, world.mails(CAMILLE)[-1]["record_id"])
    person.press("Ajouter cette adresse", code=code)
    assert person.step == "merge-accounts"
    person.press("Réunir les deux comptes", password=PASSWORD)
    assert person.last.status_code == 422
    assert "n’accepte que ses clés" in person.text
    assert not person.tree.xpath("//input[@aria-invalid]"), "no other password would do"
    assert account(world).addresses == (CAMILLE,)


def test_parting_two_accounts_leaves_nobody_with_passkeys_that_are_gone(world: World, alone: Authenticator) -> None:
    world.account("zoe", "zoe@exemple.org", Identity(EXEMPLE, "eppn", "zoe@univ-exemple.fr"))
    merging = own_account.merging(world.services)
    assert merging.merge_by_hand("camille", "zoe")
    (merge,) = merging.undoable(account(world))
    assert isinstance(merge, Merge)
    assert merging.undo(account(world), merge.id) is None
    assert not account(world).only_passkeys
