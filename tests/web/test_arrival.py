"""Back from the university: as expected, as somebody else, twice, late, or in a browser that lost its cookie."""

from datetime import timedelta

import pytest

from idp.domain.accounts import Identity
from idp.domain.guessing import SHARED_BUDGET, WINDOW, proofing_limit
from idp.domain.proofing import link_token
from idp.saml.federation_snapshot import FederationSnapshot
from idp.storage.one_time_codes import OneTimeCodeStore
from tests.flows.one_person import at_the_end_of
from tests.web.proofing_world import AUTRE, CAMILLE, EXEMPLE, PASSWORD, Traveller, World

OTHER = {"mail": ("alix.roux@autre.fr",), "eppn": ("aroux@autre.fr",), "displayName": ("Alix <b>Roux</b>",)}
WITHOUT_ADDRESS = {"eppn": ("cdurand@univ-exemple.fr",), "displayName": ("Camille Durand",)}
CDURAND = Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr")


@pytest.mark.parametrize("typed", [CAMILLE, f"  {CAMILLE.upper()} "])
def test_who_comes_back_as_expected_sees_no_further_page(world: World, typed: str) -> None:
    person = world.browser().start(typed).prove()
    assert person.step == "check-mailbox"
    assert "Vous aviez saisi" not in person.text
    assert len(world.mails(CAMILLE)) == 1


def test_another_address_of_the_same_university_is_told_beside_the_code(world: World) -> None:
    person = world.browser().start("cdurand@etu.univ-exemple.fr").prove()
    assert person.step == "check-mailbox"
    assert "Vous aviez saisi cdurand@etu.univ-exemple.fr" in person.text
    elsewhere = person.links()["Ce n’est pas vous ? Choisir une autre université"]
    assert person.get(elsewhere).step == "choose-university"


MAI = "mai.nguyen@etu.univ-exemple.fr"


def is_forced(person: Traveller) -> bool:
    """Whether the university was asked for its password (SAML core 3.4.1)."""
    return str(person.request_xml.get("ForceAuthn")) == "true"


@pytest.mark.parametrize("typed", ["cdurand@etu.univ-exemple.fr", CAMILLE])
def test_nobody_is_asked_for_the_university_s_password_at_first(world: World, typed: str) -> None:
    person = world.browser().start(typed)
    person.leave(EXEMPLE)
    assert not is_forced(person)


def test_who_is_not_the_person_beside_the_code_is_asked_for_by_the_same_university(world: World) -> None:
    person = world.browser().start("mnguyen@etu.univ-exemple.fr").prove()
    assert person.step == "check-mailbox"
    assert "Sur un ordinateur partagé" in person.text
    record = world.mails(CAMILLE)[-1]["record_id"]
    request_id = person.press("Ce n’est pas moi").sent_request()
    assert is_forced(person)
    assert person.get(f"/proofing/link/{link_token(world.services.secret, record)}").step == "error"
    assert len(world.events("proofing.denied")) == 1
    own = {"mail": (MAI,), "eppn": ("mnguyen@univ-exemple.fr",), "displayName": ("Maï Nguyễn",)}
    person.come_back(request_id, world.draft(EXEMPLE, **own))
    assert person.step == "check-mailbox"
    person.press("Continuer", code=world.code(MAI)).press("Créer", password=PASSWORD)
    assert (person.step, MAI in person.text) == ("account", True)


def test_a_code_of_a_denied_proof_proves_nothing(world: World) -> None:
    person = world.browser().start("mnguyen@etu.univ-exemple.fr").prove()
    proofing = person.tree.xpath("//input[@name='proofing']/@value")[0]
    code, path = world.code(CAMILLE), f"/sign-in/{world.handle()}/mailbox"
    person.press("Ce n’est pas moi")
    for page, typed in ((path, {"code": code}), (f"{path}/send", {})):
        person.post(page, proofing=proofing, **typed)
        assert (person.last.status_code, person.step) == (400, "error"), "over, and no failure of ours"
    assert world.services.stores.accounts.by_address(CAMILLE) is None


def test_only_the_browser_that_began_denies(world: World) -> None:
    mine, theirs = world.browser().start("mnguyen@etu.univ-exemple.fr").prove(), world.browser().start(MAI)
    foreign = mine.tree.xpath("//input[@name='proofing']/@value")[0]
    theirs.post(f"/sign-in/{theirs.handle}/not-me/again", proofing=foreign)
    assert theirs.step == "error"
    assert mine.press("Continuer", code=world.code(CAMILLE)).step == "new-password"


@pytest.mark.parametrize("way", ["recommencer", "Choisir une autre université"])
def test_the_same_university_again_is_asked_for_its_password(world: World, way: str) -> None:
    person = world.browser().start("mnguyen@etu.univ-exemple.fr").prove()
    person.get(next(link for words, link in person.links().items() if words.endswith(way)))
    page = person.last
    person.leave(AUTRE)
    assert not is_forced(person)
    person.last = page
    person.leave(EXEMPLE)
    assert is_forced(person)


def test_who_begins_again_as_expected_is_not_asked_for_it(world: World) -> None:
    person = world.browser().start(CAMILLE).prove()
    person.get(next(link for words, link in person.links().items() if words.endswith("recommencer")))
    person.leave()
    assert not is_forced(person)


def test_an_address_with_another_name_of_the_same_university_is_asked_about_before_any_mail(world: World) -> None:
    person = world.browser().start(MAI).prove()
    assert person.step == "other-person"
    assert f"Vous aviez saisi {MAI}, qui semble être l’adresse de quelqu’un d’autre." in person.text
    assert world.mails(CAMILLE) == []
    person.press("Ce n’est pas moi")
    person.sent_request()
    assert is_forced(person)


def test_who_has_an_address_with_another_name_goes_on_all_the_same(world: World) -> None:
    person = world.browser().start(MAI).prove().press("C’est moi, continuer")
    assert (person.step, len(world.mails(CAMILLE))) == ("check-mailbox", 1)


def test_who_is_not_somebody_without_a_released_address_is_asked_for_by_the_same_university(world: World) -> None:
    person = world.browser().start(CAMILLE)
    person.prove(world.draft(EXEMPLE, **WITHOUT_ADDRESS))
    page = person.last
    assert person.step == "give-address"
    person.leave(EXEMPLE)
    assert not is_forced(person), "whoever goes back merely went back"
    person.last = page
    person.press("Choisir une autre université").leave(EXEMPLE)
    assert is_forced(person)


def test_who_is_not_somebody_without_a_released_address_need_not_choose_another_university(world: World) -> None:
    person = world.browser().start(CAMILLE).prove(world.draft(EXEMPLE, **WITHOUT_ADDRESS))
    person.press("Ce n’est pas moi").sent_request()
    assert is_forced(person)


def test_who_chooses_another_university_twice_is_still_not_that_person(world: World) -> None:
    person = world.browser().start(CAMILLE).prove(world.draft(EXEMPLE, **WITHOUT_ADDRESS))
    page = person.last
    person.press("Choisir une autre université")
    person.last = page
    person.press("Choisir une autre université").leave(EXEMPLE)
    assert is_forced(person)


def test_who_goes_back_where_somebody_else_was_named_is_asked_for_their_password(world: World) -> None:
    """Also where no address was released, so that the name alone says that it is somebody else."""
    person = world.browser().start(MAI).prove(world.draft(EXEMPLE, **WITHOUT_ADDRESS))
    assert person.step == "give-address"
    person.leave(EXEMPLE)
    assert is_forced(person)


def test_who_denies_a_proof_whose_mailbox_was_proven_meanwhile_does_not_go_on_with_it(world: World) -> None:
    person = world.browser().start("mnguyen@etu.univ-exemple.fr").prove()
    page, handle = person.last, person.handle
    assert person.press("Continuer", code=world.code(CAMILLE)).step == "new-password"
    person.last = page
    person.press("Ce n’est pas moi")
    assert person.get(f"/sign-in/{handle}").step == "sign-in"


def test_an_address_of_the_account_is_theirs_whatever_the_university_releases(world: World) -> None:
    world.account("camille", "camille@etu.univ-exemple.fr", CDURAND)
    person = world.browser().start("camille@etu.univ-exemple.fr").prove()
    assert person.step == "check-mailbox"
    assert "Vous aviez saisi" not in person.text


def test_nor_is_anything_asked_where_their_address_has_another_name_and_leads_to_another_university(
    world: World,
) -> None:
    world.account("camille", "alix.roux@autre.fr", CDURAND)
    person = world.browser().start("alix.roux@autre.fr").prove()
    assert (person.step, len(world.mails(CAMILLE))) == ("check-mailbox", 1)


def test_somebody_of_another_university_is_named_and_asked_before_any_mail(world: World) -> None:
    person = world.browser().start(CAMILLE).prove(world.draft(AUTRE, **OTHER))
    assert (person.last.status_code, person.step) == (200, "other-person")
    for said in ("Alix <b>Roux</b>", "alix.roux@autre.fr", "Université Autre", CAMILLE):
        assert said in person.text
    assert world.mails("alix.roux@autre.fr") == []
    assert not person.tree.xpath("//form[contains(@action, '/not-me/again')]"), "their own university is another one"
    person.get("/account")
    assert person.step != "account"


def test_who_goes_on_as_the_person_named_gets_the_mail_there(world: World) -> None:
    person = world.browser().start(CAMILLE).prove(world.draft(AUTRE, **OTHER))
    person.press("C’est moi, continuer")
    assert person.step == "check-mailbox"
    assert len(world.mails("alix.roux@autre.fr")) == 1
    person.press("Continuer", code=world.code("alix.roux@autre.fr")).press("Créer", password=PASSWORD)
    assert person.step == "account"
    assert world.mails(CAMILLE) == []


def test_who_goes_on_in_one_tab_goes_on_as_whom_it_named_whatever_came_back_in_the_other(world: World) -> None:
    person = world.browser().start(CAMILLE).prove(world.draft(AUTRE, **OTHER))
    page = person.last
    person.get(f"/sign-in/{person.handle}/university").prove(world.draft())
    assert (person.step, len(world.mails(CAMILLE))) == ("check-mailbox", 1)
    person.last = page
    assert person.press("C’est moi, continuer").step == "check-mailbox"
    assert "alix.roux@autre.fr" in person.text
    assert len(world.mails("alix.roux@autre.fr")) == 1


@pytest.mark.parametrize("path", ["mailbox", "mailbox/send"])
def test_no_form_of_a_later_page_goes_round_the_question(world: World, path: str) -> None:
    person = world.browser().start(CAMILLE).prove(world.draft(AUTRE, **OTHER))
    person.post(f"/sign-in/{world.handle()}/{path}", code="123456")
    assert (person.last.status_code, person.step) == (400, "error")
    assert world.mails("alix.roux@autre.fr") == []


def test_who_is_not_that_person_chooses_another_university_and_comes_through(world: World) -> None:
    person = world.browser().start(CAMILLE).prove(world.draft(AUTRE, **OTHER))
    person.press("Choisir une autre université")
    assert person.step == "choose-university"
    assert person.prove().step == "check-mailbox"
    assert world.mails("alix.roux@autre.fr") == []


def test_whether_somebody_has_the_typed_address_shows_nowhere(world: World) -> None:
    world.account("known", "known@etu.univ-exemple.fr", Identity(EXEMPLE, "eppn", "known@univ-exemple.fr"))
    pages = []
    for typed in ("known@etu.univ-exemple.fr", "nobody@etu.univ-exemple.fr"):
        person = world.browser().start(typed).prove()
        pages.append((person.step, person.timeless.replace(typed, "")))
    assert pages[0] == pages[1]


def test_somebody_else_signed_in_here_is_told_and_may_stay(world: World) -> None:
    known = world.account("ines", "ines@autre.fr", Identity(AUTRE, "eppn", "ines@autre.fr"))
    person = world.browser().signed_in(known)
    person.ask_for_a_proof()
    person.prove()
    assert person.step == "other-person"
    assert "ines@autre.fr" in person.text
    assert "camille" in person.text.lower()
    person.press("Garder la connexion actuelle")
    assert person.step == "choose-university"  # the application still wants a proof
    assert person.get("/account").step == "account"
    assert world.mails(CAMILLE) == []


def test_nobody_s_account_is_proven_again_by_who_is_signed_in_to_another_one(world: World) -> None:
    world.account("camille", CAMILLE, CDURAND)
    person = world.browser().signed_in(world.account("ines", "ines@autre.fr", Identity(AUTRE, "eppn", "ines@autre.fr")))
    person.ask_for_a_proof()
    assert person.prove().step == "other-person"
    assert (world.events("proofing.renewed"), world.mails(CAMILLE)) == ([], [])


def test_whoever_is_signed_in_as_the_person_named_is_nobody_else(world: World) -> None:
    """Also where the university did not ask for its password although it should have, so that the mailbox proves it."""
    person = world.browser().signed_in(world.account("camille", CAMILLE, CDURAND))
    person.ask_for_a_proof(prompt="login")
    person.prove(world.draft().changed(authn_instant=world.clock() - timedelta(hours=2)))
    assert (person.step, len(world.mails(CAMILLE))) == ("check-mailbox", 1)


def test_two_accounts_never_mix_when_the_second_signs_in_meanwhile(world: World) -> None:
    """One tab at the university, in the other somebody signs in: the first is not sent on as the second."""
    person = world.browser().start(CAMILLE)
    request_id = person.leave(EXEMPLE)
    known = world.account("ines", "ines@autre.fr", password=PASSWORD)
    person.start("ines@autre.fr").press("Se connecter", password=PASSWORD)
    assert person.step == "account"
    person.come_back(request_id, world.draft())
    assert person.step == "other-person"
    person.press("C’est moi, continuer")
    assert person.step == "check-mailbox"
    person.press("Continuer", code=world.code(CAMILLE)).press("Créer", password=PASSWORD)
    assert person.step == "account"
    assert CAMILLE in person.text
    assert known.address not in person.text


def test_two_tabs_at_two_universities_each_go_on_with_their_own(world: World) -> None:
    person = world.browser().start(CAMILLE)
    first = person.leave(EXEMPLE)
    person.get(f"/sign-in/{world.handle()}/university")
    second = person.leave(AUTRE)
    person.come_back(first, world.draft())
    assert person.step == "check-mailbox"
    first_tab = person.tree
    person.come_back(second, world.draft(AUTRE, **OTHER))
    assert person.step == "other-person"
    fields = {field.get("name"): field.get("value") for field in first_tab.xpath("//form[1]//input[@name]")}
    person.post(f"/sign-in/{world.handle()}/mailbox", proofing=fields["proofing"], code=world.code(CAMILLE))
    assert person.step == "new-password"
    person.press("Créer", password=PASSWORD)
    assert CAMILLE in person.text


def test_a_form_names_no_proofing_of_another_journey_or_browser(world: World) -> None:
    mine, theirs = world.browser().start(CAMILLE).prove(), world.browser().start("alix.roux@autre.fr")
    theirs.prove(world.draft(AUTRE, **OTHER))
    foreign = theirs.tree.xpath("//input[@name='proofing']/@value")[0]
    mine.press("Continuer", proofing=foreign, code=world.code("alix.roux@autre.fr"))
    assert (mine.last.status_code, mine.step) == (400, "error")
    assert mine.get("/account").step != "account"


def test_a_form_names_no_proofing_of_another_journey_in_the_same_browser(world: World) -> None:
    """Whoever proves who they are on the way to one application has not said so to the other."""
    person = world.browser().start(CAMILLE).prove()
    first = person.tree.xpath("//input[@name='proofing']/@value")[0]
    person.ask_for_a_proof().press("Se connecter", email=CAMILLE)
    person.post(f"/sign-in/{person.handle}/mailbox", proofing=first, code=world.code(CAMILLE))
    assert (person.last.status_code, person.step) == (400, "error")
    assert world.services.stores.accounts.by_address(CAMILLE) is None


def test_o_18_wrong_codes_for_a_mailbox_are_counted_whoever_asks_and_then_no_code_is_looked_at(world: World) -> None:
    person, limits = world.browser().start(CAMILLE).prove(), world.services.stores.limits
    for _ in range(SHARED_BUDGET - 1):
        limits.count(
            proofing_limit(world.services.secret, CAMILLE), limit=SHARED_BUDGET, window=WINDOW, now=world.clock()
        )
    right = world.code(CAMILLE)
    person.press("Continuer", code=f"{(int(right) + 1) % 1_000_000:06}")
    assert len(world.events("proofing.code_wrong")) == 1
    assert person.press("Continuer", code=right).last.status_code == 422
    assert world.services.stores.accounts.by_address(CAMILLE) is None


def test_o_16_a_code_that_is_used_while_it_is_looked_at_proves_no_mailbox(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, codes = world.browser().start(CAMILLE).prove(), world.services.stores.codes
    mailed = world.mails(CAMILLE)[-1]["fields"]["code_record_id"]
    at_the_end_of(monkeypatch, (OneTimeCodeStore, "attempt"), lambda: codes.take(mailed, now=world.clock()))
    person.press("Continuer", code=world.code(CAMILLE))
    assert (person.last.status_code, person.step) == (422, "check-mailbox")
    assert world.services.stores.accounts.by_address(CAMILLE) is None


def test_a_mailbox_is_proven_also_while_the_metadata_of_the_university_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = world.browser().start().prove()
    monkeypatch.setattr(FederationSnapshot, "provider", lambda *_: None)
    person.get(person.last.request.path)
    assert (person.step, EXEMPLE in person.text) == ("check-mailbox", True)
    person.press("Continuer", code=world.code(CAMILLE)).press("Créer", password=PASSWORD)
    assert person.step == "account"


def test_whoever_was_named_is_asked_also_while_the_metadata_of_the_university_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = world.browser().start(MAI).prove()
    monkeypatch.setattr(FederationSnapshot, "provider", lambda *_: None)
    person.get(person.last.request.path)
    assert (person.step, EXEMPLE in person.text) == ("other-person", True)


def test_back_and_another_university_leads_on(world: World) -> None:
    person = world.browser().start(CAMILLE)
    person.leave(AUTRE)
    person.get(f"/sign-in/{world.handle()}/university")
    assert person.prove().step == "check-mailbox"


def test_the_first_university_s_late_answer_after_another_was_chosen_is_asked_about(world: World) -> None:
    person = world.browser().start(CAMILLE)
    first = person.leave(AUTRE)
    person.get(f"/sign-in/{world.handle()}/university")
    assert person.prove().step == "check-mailbox"
    person.come_back(first, world.draft(AUTRE, **OTHER))
    assert person.step == "other-person"


def test_a_reload_of_the_way_back_changes_nothing(world: World) -> None:
    person = world.browser().start(CAMILLE).prove()
    proofing = person.tree.xpath("//input[@name='proofing']/@value")[0]
    assert person.get(f"/saml/resume/{proofing}").step == "check-mailbox"
    assert len(world.mails(CAMILLE)) == 1


def test_an_answer_after_the_journey_s_end_has_a_way_on(world: World) -> None:
    person = world.browser().start(CAMILLE)
    request_id = person.leave(EXEMPLE)
    world.clock.ahead = timedelta(hours=3)
    person.come_back(request_id, world.draft())
    assert (person.last.status_code, person.step) == (400, "error")
    person.get(person.links()["Recommencer"])
    assert person.step == "email"


def test_an_answer_after_the_request_s_end_has_a_way_on(world: World) -> None:
    person = world.browser().start(CAMILLE)
    request_id = person.leave(EXEMPLE)
    world.clock.ahead = timedelta(hours=25)
    person.come_back(request_id, world.draft())
    assert (person.last.status_code, person.step) == (400, "error")
    person.get(person.links()["Recommencer"])
    assert person.step == "email"


@pytest.mark.parametrize("has_new_one", [False, True])
def test_an_answer_in_a_browser_that_lost_its_cookie_has_a_way_on(world: World, has_new_one: bool) -> None:
    person = world.browser().start(CAMILLE)
    request_id = person.leave(EXEMPLE)
    person.forget_cookies()
    if has_new_one:
        person.get("/account")
    person.come_back(request_id, world.draft())
    assert (person.last.status_code, person.step) == (400, "error")
    told = world.events("request.refused")[-1]["fields"]["reason"]
    assert told == ("browser.other" if has_new_one else "browser.cookies")
    assert world.mails(CAMILLE) == []
    person.get(person.links()["Recommencer"])
    assert person.step == "email"
    assert person.start().prove().step == "check-mailbox"


def test_an_answer_that_is_opened_in_another_browser_is_refused_as_such(world: World) -> None:
    world.browser().start(CAMILLE).prove()
    (proofing,) = world.services.database.collection("proofings").find()
    there = world.browser().start("alix.roux@autre.fr").get(f"/saml/resume/{proofing['_id']}")
    (event,) = world.events("request.refused")
    assert (there.last.status_code, event["fields"]["reason"]) == (400, "browser.other")


def test_an_answer_whose_proof_is_gone_is_refused_and_no_failure_of_ours(world: World) -> None:
    assert world.browser().start(CAMILLE).get("/saml/resume/gone").last.status_code == 400


def test_an_account_that_was_disabled_while_the_mail_was_under_way_stays_as_it_is(world: World) -> None:
    accounts = world.services.stores.accounts
    world.account("camille", "before@univ-exemple.fr", CDURAND)
    world.account("owner", CAMILLE, password=PASSWORD)
    person = world.browser().start().prove()
    accounts.set_disabled("camille", disabled=True)
    person.press("Continuer", code=world.code(CAMILLE))
    assert (person.step, person.last.status_code) == ("error", 403)
    disabled, owner = accounts.find("camille"), accounts.find("owner")
    assert disabled
    assert owner
    assert (disabled.addresses, owner.addresses) == (("before@univ-exemple.fr",), (CAMILLE,))
    assert owner.password_hash


def test_no_password_is_stored_where_the_account_was_disabled_before_it_was_chosen(world: World) -> None:
    world.account("camille", CAMILLE, CDURAND)
    person = world.browser().start().prove().press("Continuer", code=world.code(CAMILLE))
    world.services.stores.accounts.set_disabled("camille", disabled=True)
    person.press("Créer", password=PASSWORD)
    assert (person.step, person.last.status_code) == ("error", 403)
    disabled = world.services.stores.accounts.find("camille")
    assert disabled
    assert disabled.password_hash is None
    assert world.services.stores.sessions.of_account("camille", now=world.clock()) == ()


def test_people_of_a_university_teach_the_domain_of_the_addresses_that_they_typed(world: World) -> None:
    """Those of a hospital, for example: the next ones there are led to that university by its name."""
    assert world.browser().start("dede@chu-exemple.fr").press("Continuer").step == "choose-university"
    for name in ("anne", "bilal", "chloe"):
        mail = f"{name}@etu.univ-exemple.fr"
        draft = world.draft(mail=(mail,), eppn=(f"{name}@univ-exemple.fr",), displayName=(name,))
        person = world.browser().start(f"{name}@chu-exemple.fr").prove(draft)
        assert person.press("Continuer", code=world.code(mail)).step == "new-password", person.text
    after = world.browser().start("dede@chu-exemple.fr").press("Continuer")
    assert after.location.startswith("https://idp.univ-exemple.fr/"), after.text
