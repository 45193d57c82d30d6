"""On the way to an application, after an affiliation ended: one click confirms it, and nobody has to."""

from datetime import timedelta

import pytest

from idp.app import flows
from idp.domain.accounts import Identity
from idp.domain.authorization import AuthorizationRequest, PendingAuthorization
from idp.domain.one_time_codes import digits
from idp.flows.authorization import Step
from tests.passkeys.authenticator import Authenticator
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, Traveller, World
from tests.web.test_passkeys import ESSENTIAL, EXAMS, add, present

CDURAND = Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr")
LONG = timedelta(days=800)


def member(world: World, *identities: Identity, checked_before: timedelta = LONG) -> None:
    """An account whose university said so long ago that it is a student's."""
    account = world.account("camille", CAMILLE, *identities, password=PASSWORD)
    world.services.stores.accounts.renew_proof(
        account,
        identities=identities,
        attributes={"eduPersonAffiliation": ("student",)},
        now=world.clock() - checked_before,
    )


@pytest.fixture
def ended(world: World) -> None:
    member(world, CDURAND)


def arriving(world: World, person: Traveller | None = None, **changes: str) -> Traveller:
    """From an application to the ways to sign in."""
    person = person or world.browser()
    person.get("/authorize", **(EXAMS | changes))
    if person.step == "email":
        person.press("Se connecter", email=CAMILLE)
    return person


def by_password(world: World, person: Traveller | None = None, **changes: str) -> Traveller:
    return arriving(world, person, **changes).press("Se connecter", password=PASSWORD)


@pytest.mark.usefixtures("ended")
def test_an_ended_affiliation_is_confirmed_on_the_way(world: World) -> None:
    person = by_password(world)
    assert person.step == "confirmation-offer"
    assert "« Université d’Exemple » n’est plus confirmée depuis le 31 octobre" in person.text
    request_id = person.press("Confirmer mon appartenance").sent_request()
    assert "code" in person.come_back(request_id, world.draft()).answer
    assert world.mails(CAMILLE) == []
    assert "code" in by_password(world).answer, "confirmed, and not asked again"
    assert "à confirmer depuis" not in person.get("/account").text


@pytest.mark.usefixtures("ended")
def test_later_goes_on_and_asks_again_after_thirty_days(world: World) -> None:
    assert "code" in by_password(world).press("Plus tard").answer
    assert "code" in by_password(world).answer
    accounts, month = world.services.stores.accounts, timedelta(days=30)
    accounts.put_off_confirmation("camille", now=world.clock() - month + timedelta(hours=1))
    assert "code" in by_password(world).answer
    accounts.put_off_confirmation("camille", now=world.clock() - month)
    assert by_password(world).step == "confirmation-offer"


@pytest.mark.usefixtures("ended")
def test_it_comes_after_a_code_as_well_and_is_the_only_offer(world: World) -> None:
    person = arriving(world).press("Recevoir le code")
    code = digits(world.services.secret, world.mails(CAMILLE)[-1]["record_id"])
    person.press("Se connecter", code=code, keeps_passkeys="yes")
    assert person.step == "confirmation-offer"
    assert "code" in person.press("Plus tard").answer


@pytest.mark.usefixtures("ended")
def test_it_comes_after_a_passkey_unless_the_application_insists_on_one(world: World) -> None:
    person = world.browser().start().press("Se connecter", password=PASSWORD)
    assert person.step == "account", "the account page tells it by itself"
    authenticator = Authenticator()
    add(person.get("/account/passkeys"), authenticator)
    assert "code" in present(arriving(world, claims=ESSENTIAL), authenticator).answer
    other = world.browser()
    other.get("/authorize", **EXAMS)
    assert present(other, authenticator).step == "confirmation-offer"


@pytest.mark.usefixtures("ended")
def test_who_is_signed_in_already_is_not_asked(world: World) -> None:
    person = by_password(world)
    assert "code" in arriving(world, person).answer
    assert "code" in arriving(world, person, prompt="none").answer


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize(
    ("client_id", "waits_since", "step"),
    [
        ("exams", timedelta(minutes=6), Step.CONFIRMATION_OFFER),
        # A request that waits for something else, e.g. for consent.
        ("exams", timedelta(minutes=4), Step.FINISH),
        (None, timedelta(minutes=6), Step.FINISH),
    ],
)
def test_only_a_sign_in_for_this_very_request_of_an_application_is_asked_after(
    world: World, client_id: str | None, waits_since: timedelta, step: Step
) -> None:
    now, account = world.clock(), world.services.stores.accounts.find("camille")
    assert account
    session = world.browser().signed_in(account).session
    request = AuthorizationRequest(client_id, "https://exams.example/cb", scope=("openid",))
    pending = PendingAuthorization("p", session.browser, request, now - waits_since, now + waits_since, "REF")
    assert flows.authorization(world.services).next_step(pending, session) is step


@pytest.mark.usefixtures("ended")
def test_a_university_that_answers_with_an_error_or_somebody_else_does_not_keep_anybody(world: World) -> None:
    person = by_password(world)
    dispatch = f"/sign-in/{person.handle}"
    request_id = person.press("Confirmer mon appartenance").sent_request()
    refused = world.draft().changed(
        status=("urn:oasis:names:tc:SAML:2.0:status:Responder", "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed")
    )
    assert person.come_back(request_id, refused).step == "error"
    assert person.get(dispatch).step == "confirmation-offer"
    request_id = person.press("Confirmer mon appartenance").sent_request()
    other = {"mail": ("mai@univ-exemple.fr",), "eppn": ("mnguyen@univ-exemple.fr",), "displayName": ("Maï Nguyễn",)}
    assert person.come_back(request_id, world.draft(EXEMPLE, **other)).step == "other-person"
    assert person.press("Garder la connexion actuelle").step == "confirmation-offer"
    assert "code" in person.press("Plus tard").answer


def test_nobody_is_asked_whose_affiliation_counts_who_has_no_university_or_one_that_left(world: World) -> None:
    member(world, CDURAND, checked_before=timedelta(days=1))
    assert "code" in by_password(world).answer
    world.services.database.collection("accounts").delete_many({})
    member(world)
    assert "code" in by_password(world).answer
    world.services.database.collection("accounts").delete_many({})
    member(world, Identity("https://idp.gone.example/idp", "eppn", "c@gone.example"))
    assert "code" in by_password(world).answer


@pytest.mark.usefixtures("ended")
def test_the_offer_of_another_moment_leads_on(world: World) -> None:
    person = arriving(world)
    path = f"/sign-in/{person.handle}/affiliation"
    assert person.get(path).step == "sign-in", "nobody is signed in yet"
    assert person.post(f"{path}/later").step == "sign-in"
    assert person.post(path).step == "sign-in"
    assert by_password(world).step == "confirmation-offer", "nothing was put off"


@pytest.mark.parametrize(("checked_before", "look"), [(timedelta(days=1), "plain"), (LONG, "secondary")])
def test_the_account_page_offers_it_quietly_until_it_is_due(world: World, checked_before: timedelta, look: str) -> None:
    member(world, CDURAND, checked_before=checked_before)
    person = world.browser().start().press("Se connecter", password=PASSWORD)
    (button,) = person.tree.xpath("//button[contains(., 'Confirmer mon appartenance')]")
    assert button.get("class") == look
    assert ("les applications ne la reçoivent plus" in person.text) is (look == "secondary")
