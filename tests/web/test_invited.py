"""People whom no university vouches for: an administrator invites them, and the mailed code makes their account."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from lxml import html

from idp.app import assistance, flows, own_account, ways_in
from idp.domain.accounts import Account, Identity
from idp.domain.claims import claims_of
from idp.domain.helpdesk import Act, Unfounded
from idp.domain.invitation_list import InvitationFaults
from idp.domain.one_time_codes import digits
from idp.flows.invitations import MAIL_LIFETIME
from idp.storage.accounts import AccountStore
from idp.storage.invitations import InvitationStore
from idp.storage.outbox import Outbox
from tests.flows.one_person import cut_at
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, Traveller, World

INES = "ines.martin@ch-exemple.fr"
ACT = Act("alex", "arrivée au CHU, demande 4711")


def invite(world: World, address: str = INES, *, days: int = 30, by_mail: bool = False) -> None:
    day = f"{world.clock() + timedelta(days=days):%Y-%m-%d}"
    assistance.invitations(world.services).invite(address, "Inès", "Martin", "praticienne", day, ACT, by_mail=by_mail)


def asked(world: World, address: str = INES) -> Traveller:
    return world.browser().start(address).press("Recevoir le code")


def code(world: World, address: str = INES) -> str:
    return digits(world.services.secret, world.mails(address)[-1]["record_id"])


def came(world: World, address: str = INES) -> Traveller:
    person = asked(world, address)
    return person.press("Se connecter", code=code(world, address))


def account_of(world: World, address: str = INES) -> Account:
    found = world.services.stores.accounts.by_address(address)
    assert found
    return found


def claims(world: World, address: str = INES) -> dict[str, Any]:
    return claims_of(account_of(world, address), world.services.settings.affiliations.periods, now=world.clock())


def close_what_is_over(world: World) -> None:
    closing = assistance.account_closing(world.services)
    while closing.close_next_expired(world.clock()):
        pass


def test_the_mailed_code_makes_the_account_and_a_password_is_offered_but_never_in_the_way(world: World) -> None:
    invite(world)
    assert world.services.stores.accounts.by_address(INES) is None
    assert world.mails(INES) == [], "whoever invites tells them"
    person = came(world)
    assert person.step == "new-password"
    person.press("Plus tard")
    assert person.step == "account"
    assert "Inès Martin" in person.text
    account = account_of(world)
    assert account.invited
    assert (account.identities, account.password_hash, account.proved_at) == ((), None, None)


def test_an_invited_person_chooses_a_password_and_signs_in_with_it(world: World) -> None:
    invite(world)
    came(world).press("Créer", password=PASSWORD)
    again = world.browser().start(INES).press("Se connecter", password=PASSWORD)
    assert again.step == "account"


def test_their_claims_say_that_they_were_invited(world: World) -> None:
    invite(world)
    came(world)
    found = claims(world)
    assert (found["account_type"], found["invited_role"]) == ("invited", "praticienne")
    assert (found["name"], found["email"], found["email_verified"]) == ("Inès Martin", INES, True)
    assert not found.keys() & {"eduperson_assurance", "eduperson_affiliation", "affiliation_checked_at"}
    world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "c@univ-exemple.fr"))
    assert claims(world, CAMILLE)["account_type"] == "university"


def test_o_26_known_unknown_and_invited_addresses_read_the_same_pages(world: World) -> None:
    invite(world)
    world.account("camille", "camille@ch-exemple.fr", password=PASSWORD)
    pages = []
    for address in (INES, "camille@ch-exemple.fr", "nobody@ch-exemple.fr"):
        person = world.browser().start(address)
        seen: list[object] = [_bytes(person, address)]
        for press in _tries():
            press(person)
            seen.append((person.last.status_code, _bytes(person, address)))
        pages.append(seen)
    assert pages[0] == pages[1] == pages[2]


def _tries() -> list[Callable[[Traveller], object]]:
    return [
        lambda person: person.press("Se connecter", password="mauvais mot de passe"),
        lambda person: person.press("Recevoir le code"),
        lambda person: person.press("Se connecter", code="000000"),
    ]


def _bytes(person: Traveller, address: str) -> str:
    """The page without what differs from browser to browser: handle, token, address, reference, the wall's clock."""
    tree = person.tree
    for reference in tree.xpath("//footer//p[starts-with(normalize-space(), 'Référence')]"):
        reference.text = ""
    for field in tree.xpath("//input[@name='csrf_token']"):
        field.set("value", "")
    for told in tree.xpath("//*[contains(text(), 'message est en route') or contains(text(), 'vous attend')]"):
        told.text = ""
    page: bytes = html.tostring(tree)
    return page.decode().replace(person.handle, "").replace(address, "")


def test_two_browsers_at_once_make_one_account(world: World) -> None:
    invite(world)
    people = [asked(world) for _ in range(3)]
    codes = [digits(world.services.secret, mail["record_id"]) for mail in world.mails(INES)]
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda pair: pair[0].press("Se connecter", code=pair[1]), zip(people, codes, strict=True)))
    assert [person.step for person in people] == ["new-password"] * 3
    assert len(world.events("invitation.accepted")) == 1
    assert world.services.database.collection("accounts").count_documents({}) == 1


def test_one_invitation_taken_sixteen_times_at_once_makes_one_account(world: World) -> None:
    invite(world)
    store = world.services.stores
    waiting = store.invitations.open_for(INES, now=world.clock())
    assert waiting
    admits = flows.sign_in(world.services).admits

    def take(_: int) -> str | None:
        account = admits(waiting.id, INES, reference="AAAA-BBBB", now=world.clock())
        return account.subject if account else None

    with ThreadPoolExecutor(16) as threads:
        subjects = set(threads.map(take, range(16)))
    assert subjects == {account_of(world).subject}
    assert len(world.events("invitation.accepted")) == 1


@pytest.mark.parametrize("when", ["before the code was asked for", "before it was entered"])
def test_a_withdrawn_invitation_lets_nobody_in(world: World, when: str) -> None:
    invite(world)
    person = asked(world) if when == "before it was entered" else None
    typed = code(world) if person else "000000"
    assert assistance.invitations(world.services).withdraw(INES, ACT)
    person = person or asked(world)
    person.press("Se connecter", code=typed)
    assert (person.step, person.last.status_code) == ("code", 422)
    assert world.services.stores.accounts.by_address(INES) is None
    assert not assistance.invitations(world.services).withdraw(INES, ACT)
    (event,) = world.events("invitation.withdrawn")
    assert (event["fields"]["operator"], event["fields"]["reason"]) == ("alex", ACT.reason)


def moved(world: World) -> Account:
    """Inès came, and has another address in the place of the one that was invited."""
    came(world)
    account = account_of(world)
    own = ways_in.addresses(world.services)
    assert own.addresses.add(account.id, "ines@perso.example")
    assert own.remove(account, INES)
    return account


def test_a_withdrawn_invitation_ends_the_account_under_whatever_address_it_goes(world: World) -> None:
    invite(world)
    account = moved(world)
    assert assistance.invitations(world.services).withdraw(INES, ACT)
    close_what_is_over(world)
    assert world.services.stores.accounts.find(account.id).expired  # type: ignore[union-attr]


def test_who_moved_to_another_address_is_invited_again_into_the_same_account(world: World) -> None:
    invite(world, days=1)
    account = moved(world)
    invite(world, days=30)
    (invitation,) = assistance.invitations(world.services).every()
    assert (invitation.account_id, str(invitation.state)) == (account.id, "used")
    prolonged = world.services.stores.accounts.find(account.id)
    assert prolonged is not None
    assert prolonged.invited is not None
    assert prolonged.invited.until == invitation.invitee.expires_at
    assistance.account_closing(world.services).close(account.id)
    with pytest.raises(InvitationFaults):
        invite(world, days=60)


def test_who_was_invited_anew_is_found_under_whatever_address_they_go_today(world: World) -> None:
    """Nobody needs the second invitation to come: the account is there already, and rests on it all the same."""
    invite(world)
    came(world)
    flow = assistance.invitations(world.services)
    assert flow.withdraw(INES, ACT)
    invite(world)
    assert [str(invitation.state) for invitation in flow.every()] == ["used"]
    account = moved(world)
    assert flow.withdraw(INES, ACT)
    assert [event["account_id"] for event in world.events("invitation.withdrawn")] == [account.id] * 2
    close_what_is_over(world)
    assert world.services.stores.accounts.find(account.id).expired  # type: ignore[union-attr]


def merged_into(world: World, person: Traveller) -> Traveller:
    """Inès came by her invitation, and makes that account part of the one that is signed in in this browser."""
    came(world)
    person.get("/account/addresses/new").press("Recevoir le code", email=INES)
    person.press("Ajouter cette adresse", code=code(world)).press("Réunir les deux comptes")
    assert account_of(world).addresses[-1:] == (INES,)
    return person


def test_a_withdrawn_invitation_ends_the_invited_account_that_took_over_its_own(world: World) -> None:
    own = "ines@agence.example"
    invite(world, own)
    invite(world)
    person = merged_into(world, came(world, own).press("Plus tard"))
    assert assistance.invitations(world.services).withdraw(INES, ACT)
    close_what_is_over(world)
    assert account_of(world).expired
    assert person.get("/account").step == "email"


def test_a_withdrawn_invitation_ends_nothing_of_whom_a_university_vouches_for(world: World) -> None:
    invite(world)
    own = world.account("own", CAMILLE, Identity(EXEMPLE, "eppn", "c@univ-exemple.fr"))
    person = merged_into(world, world.browser().signed_in(own))
    assert assistance.invitations(world.services).withdraw(INES, ACT)
    close_what_is_over(world)
    assert person.get("/account").step == "account"
    assert not account_of(world).disabled


def test_accounts_that_are_parted_do_not_bring_a_withdrawn_invitation_back(world: World) -> None:
    invite(world)
    own = world.account("own", CAMILLE, Identity(EXEMPLE, "eppn", "c@univ-exemple.fr"))
    person = merged_into(world, world.browser().signed_in(own))
    assert assistance.invitations(world.services).withdraw(INES, ACT)
    person.get("/account").press("Séparer les deux comptes")
    close_what_is_over(world)
    assert account_of(world).expired
    assert not account_of(world, CAMILLE).disabled
    assert asked(world).step == "code"
    assert world.mails(INES)[-1]["kind"] == "unknown_account"


def test_nor_where_the_invited_account_itself_was_vouched_for_by_the_merge(world: World) -> None:
    """It had put the invitation aside for the parting."""
    invite(world)
    person, camille = came(world).press("Plus tard"), Identity(EXEMPLE, "eppn", "c@univ-exemple.fr")
    own = world.account("own", CAMILLE)
    world.services.stores.accounts.renew_proof(own, identities=(camille,), attributes={}, now=world.clock())
    person.get("/account/addresses/new").press("Recevoir le code", email=CAMILLE)
    person.press("Ajouter cette adresse", code=code(world, CAMILLE)).press("Réunir les deux comptes")
    assert account_of(world).invited is None
    assert assistance.invitations(world.services).withdraw(INES, ACT)
    close_what_is_over(world)
    person.get("/account").press("Séparer les deux comptes")
    close_what_is_over(world)
    assert account_of(world).expired
    assert not account_of(world, CAMILLE).disabled


def test_a_withdrawal_that_was_cut_short_is_done_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    invite(world)
    came(world)
    flow = assistance.invitations(world.services)
    cut_at(monkeypatch, (AccountStore, "invite"), lambda: flow.withdraw(INES, ACT))
    assert flow.withdraw(INES, ACT)
    close_what_is_over(world)
    assert account_of(world).expired


@pytest.mark.parametrize("step", [(Outbox, "put"), (InvitationStore, "put")])
def test_an_invitation_that_was_cut_short_is_mailed_when_it_is_given_again(
    world: World, monkeypatch: pytest.MonkeyPatch, step: tuple[type, str]
) -> None:
    cut_at(monkeypatch, step, lambda: invite(world, by_mail=True))
    invite(world, by_mail=True)
    assert world.mails(INES)


def test_an_invitation_that_is_over_lets_nobody_in(world: World) -> None:
    invite(world, days=1)
    world.clock.ahead = timedelta(days=3)
    assert asked(world).step == "code"
    assert world.mails(INES)[-1]["kind"] == "unknown_account"


@pytest.mark.parametrize("how", ["expired", "withdrawn"])
def test_access_ends_with_the_invitation(world: World, how: str) -> None:
    invite(world, days=1)
    person = came(world).press("Créer", password=PASSWORD)
    if how == "expired":
        world.clock.ahead = timedelta(days=3)
    else:
        assistance.invitations(world.services).withdraw(INES, ACT)
    close_what_is_over(world)
    account = account_of(world)
    assert (account.disabled, account.expired) == (True, True)
    assert person.get("/account").step == "email"
    again = world.browser().start(INES).press("Se connecter", password=PASSWORD)
    assert (again.step, again.last.status_code) == ("sign-in", 422)
    assert asked(world).step == "code"
    assert world.mails(INES)[-1]["kind"] == "unknown_account"


def test_who_is_invited_again_comes_back_to_the_same_account(world: World) -> None:
    invite(world, days=1)
    came(world)
    subject = account_of(world).subject
    world.clock.ahead = timedelta(days=3)
    close_what_is_over(world)
    invite(world, days=30)
    assert came(world).step == "account"
    assert account_of(world).subject == subject
    assert not account_of(world).disabled


def test_what_a_later_invitation_says_of_the_person_holds_from_then_on(world: World) -> None:
    invite(world)
    came(world)
    day = f"{world.clock() + timedelta(days=60):%Y-%m-%d}"
    assistance.invitations(world.services).invite(INES, "Agnès", "Martin", "cadre", day, ACT, by_mail=False)
    assert (claims(world)["name"], claims(world)["invited_role"]) == ("Agnès Martin", "cadre")
    (changed,) = world.events("invitation.changed")
    assert (changed["account_id"], changed["fields"]["role"]) == (account_of(world).id, "cadre")


def test_a_university_that_proves_the_person_makes_it_a_normal_account(world: World) -> None:
    invite(world, CAMILLE, days=1)
    came(world, CAMILLE).press("Créer", password=PASSWORD)
    subject = account_of(world, CAMILLE).subject
    world.clock.ahead = timedelta(days=3)
    close_what_is_over(world)
    person = world.browser().start(CAMILLE).prove()
    person.press("Continuer", code=world.code(CAMILLE)).press("Créer", password="cinq poires mûres sur un mur")
    assert person.step == "account"
    account = account_of(world, CAMILLE)
    assert (account.subject, account.invited, account.disabled) == (subject, None, False)
    assert account.identities
    assert claims(world, CAMILLE)["account_type"] == "university"
    close_what_is_over(world)
    assert not account_of(world, CAMILLE).disabled


def test_a_proof_does_not_open_what_was_disabled_by_hand(world: World) -> None:
    invite(world, CAMILLE)
    came(world, CAMILLE)
    assert assistance.account_closing(world.services).close(account_of(world, CAMILLE).id)
    person = world.browser().start(CAMILLE).prove()
    person.press("Continuer", code=world.code(CAMILLE))
    assert person.step == "error"
    assert account_of(world, CAMILLE).disabled


def test_a_proof_opens_what_the_invited_person_had_closed(world: World) -> None:
    """As it does an account that a university vouched for; the mailbox may be another person's by now."""
    invite(world, CAMILLE)
    came(world, CAMILLE)
    own_account.closing(world.services).close(account_of(world, CAMILLE))
    person = world.browser().start(CAMILLE).prove()
    person.press("Continuer", code=world.code(CAMILLE)).press("Créer", password=PASSWORD)
    assert person.step == "reopen-account"
    assert person.press("Rouvrir mon compte").step == "account"
    assert (account_of(world, CAMILLE).disabled, account_of(world, CAMILLE).invited) == (False, None)


def test_o_25_a_proof_ends_what_the_invited_person_had_open(world: World) -> None:
    invite(world, CAMILLE)
    before = came(world, CAMILLE).press("Créer", password=PASSWORD)
    person = world.browser().start(CAMILLE).prove()
    person.press("Continuer", code=world.code(CAMILLE))
    assert before.get("/account").step == "email"
    assert account_of(world, CAMILLE).password_hash is None


def test_o_25_no_other_address_of_an_invited_account_leads_in_after_a_proof(world: World) -> None:
    """Whoever had the mailbox first may have added one of their own (trojan identifier, Sudhodanan & Paverd)."""
    own = "somebody@exemple.org"
    invite(world, CAMILLE)
    before = came(world, CAMILLE).press("Créer", password=PASSWORD).get("/account/addresses/new")
    before.press("Recevoir le code", email=own).press("Ajouter cette adresse", code=code(world, own))
    assert account_of(world, CAMILLE).addresses == (CAMILLE, own)
    waiting = asked(world, own)
    world.browser().start(CAMILLE).prove().press("Continuer", code=world.code(CAMILLE))
    assert account_of(world, CAMILLE).addresses == (CAMILLE,)
    assert waiting.press("Se connecter", code=code(world, own)).step == "code"
    told = [mail["fields"] for mail in world.mails(own) if mail["kind"] == "addresses_changed"]
    assert [(fields["change"], fields["changed"]) for fields in told] == [("removed", own)]


def test_a_list_is_taken_whole_or_not_at_all(world: World) -> None:
    flow = assistance.invitations(world.services)
    world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "c@univ-exemple.fr"))
    header = b"address,given_name,family_name,role,expires\n"
    day = f"{world.clock() + timedelta(days=9):%Y-%m-%d}".encode()
    good = b"a@ch-exemple.fr,A,A,r,%s\nb@ch-exemple.fr,B,B,r,%s\n" % (day, day)
    with pytest.raises(InvitationFaults) as caught:
        flow.invite_list(header + good + b"%s,C,C,r,%s\n" % (CAMILLE.encode(), day), ACT, by_mail=True)
    assert caught.value.lines == (f"line 4: {CAMILLE} has an account already",)
    assert flow.every() == ()
    made = flow.invite_list(header + good, ACT, by_mail=True)
    assert [one.invitee.address for one in made] == ["a@ch-exemple.fr", "b@ch-exemple.fr"]
    flow.invite_list(header + good, ACT, by_mail=True)
    assert len(flow.every()) == 2
    assert len(world.mails("a@ch-exemple.fr")) == 1


def test_the_mail_holds_no_secret_and_the_audit_trail_tells_who_invited_and_why(world: World) -> None:
    invite(world, by_mail=True)
    (mail,) = world.mails(INES)
    assert (mail["kind"], mail["record_id"]) == ("invitation", "")
    assert mail["fields"] == {"sign_in_url": "http://localhost:5000/account"}
    assert mail["expires_at"] - mail["created_at"] == MAIL_LIFETIME
    (event,) = world.events("invitation.made")
    assert (event["fields"]["operator"], event["fields"]["reason"]) == ("alex", ACT.reason)
    assert event["reference"] == mail["reference"]
    assert INES not in str(event), "the reference leads to the invitation, for as long as that is kept"


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_no_act_without_a_reason(reason: str) -> None:
    with pytest.raises(Unfounded):
        Act("alex", reason)


def test_an_account_is_erased_some_time_after_its_invitation_and_its_person_may_be_invited_anew(world: World) -> None:
    invite(world, days=1)
    came(world)
    before = account_of(world)
    world.clock.ahead = timedelta(days=3)
    close_what_is_over(world)
    closing, erasure = assistance.account_closing(world.services), own_account.erasure(world.services)
    assert not closing.give_up_next_expired(world.clock())
    world.clock.ahead = timedelta(days=3 + world.services.settings.retention.closed_accounts_days)
    assert closing.give_up_next_expired(world.clock())
    assert erasure.erase_next(world.clock())
    assert world.services.stores.accounts.find(before.id) is None
    assert assistance.invitations(world.services).every() == ()
    invite(world)
    came(world)
    assert account_of(world).subject != before.subject


def test_the_code_of_an_invitation_does_not_lead_past_the_passkeys_of_who_has_the_address_by_now(world: World) -> None:
    invite(world)
    person = asked(world)
    world.account("ines", "ines@agence.example")
    world.services.stores.account_addresses.add("ines", INES)
    world.services.stores.accounts.set_only_passkeys("ines", only=True)
    person.press("Se connecter", code=code(world))
    assert person.step == "code"
    assert world.services.stores.sessions.of_account("ines", now=world.clock()) == ()
