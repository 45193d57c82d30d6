"""The sentence that tells how far a mail got."""

from datetime import UTC, datetime, timedelta

import flask
import pytest
from flask_babel import Babel

from idp.domain.accounts import Bounce, Identity
from idp.domain.messages import Delivery, DeliveryState
from idp.web.delivery import mail_news
from tests.web.proofing_world import CAMILLE, EXEMPLE, Traveller, World

UNKNOWN = "personne.inconnue@etu.univ-exemple.fr"
NOW = datetime(2026, 9, 1, 8, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("delivery", "words", "may_change"),
    [
        (Delivery(DeliveryState.WAITING, NOW), "en route depuis 10:00:05", True),
        (Delivery(DeliveryState.ACCEPTED, NOW), "a accepté le message à 10:00:05", False),
        (Delivery(DeliveryState.DEFERRED, NOW, NOW + timedelta(seconds=30)), "Nouvel essai à 10:00:35", True),
        (Delivery(DeliveryState.DEFERRED, NOW), "n’a pas encore pu remettre", True),
        (Delivery(DeliveryState.REFUSED, NOW), "a refusé le message à 10:00:05", False),
        (Delivery(DeliveryState.EXPIRED, NOW), "Demandez un nouvel envoi", False),
    ],
)
def test_each_answer_of_the_mail_server_has_its_sentence(delivery: Delivery, words: str, may_change: bool) -> None:
    app = flask.Flask(__name__)
    Babel(app, default_locale="fr", default_timezone="Europe/Paris")
    with app.test_request_context():
        news = mail_news(delivery)
        assert news is not None
        assert words in news.sentence
        assert news.may_change is may_change
        assert mail_news(None) is None


@pytest.fixture
def waiting(world: World) -> tuple[Traveller, Traveller]:
    """Who waits for a mailed code: somebody with an account, and somebody without."""
    world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "c@univ-exemple.fr"))
    known, unknown = world.browser().start(CAMILLE), world.browser().start(UNKNOWN)
    for person in (known, unknown):
        person.press("Recevoir le code")
    return known, unknown


def answered(world: World, outcome: str) -> None:
    """A mail server's answer to every mail that waits."""
    outbox, now = world.services.stores.outbox, world.clock()
    while claim := outbox.claim("test", now=now, lease=timedelta(minutes=1)):
        if outcome == "accepted":
            outbox.done(claim, "250 2.0.0 queued", now=now)
        elif outcome == "deferred":
            outbox.deferred(claim, "451 4.7.1 greylisted", now=now, retry_at=now + timedelta(days=1))
        else:
            outbox.refused(claim, "550 5.1.1 no such user", now=now)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("accepted", "a accepté le message à"),
        ("deferred", "a demandé de patienter à"),
        ("refused", "a refusé le message à"),
    ],
)
def test_o_26_the_page_tells_the_server_s_answer_alike_with_and_without_an_account(
    world: World, waiting: tuple[Traveller, Traveller], outcome: str, words: str
) -> None:
    assert "en route depuis" in waiting[0].text
    answered(world, outcome)
    shown = []
    for person, address in zip(waiting, (CAMILLE, UNKNOWN), strict=True):
        person.get(f"/sign-in/{person.handle}/code")
        assert words in person.text, person.text
        shown.append(person.timeless.replace(address, "ADDRESS"))
    assert shown[0] == shown[1]


def test_the_account_page_tells_that_mail_to_an_address_comes_back(world: World) -> None:
    account = world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "c@univ-exemple.fr"))
    person = world.browser().signed_in(account)
    assert "nous reviennent" not in person.get("/account").text
    world.services.stores.accounts.note_bounce(Bounce(CAMILLE, NOW, "5.1.1"))
    assert "Nos messages à cette adresse nous reviennent (5.1.1)." in person.get("/account").text
