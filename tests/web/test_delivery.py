"""The sentence that tells how far a mail got."""

from datetime import UTC, datetime, timedelta

import flask
import pytest
from flask_babel import Babel

from idp.domain.messages import Delivery, DeliveryState
from idp.web.delivery import mail_news

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
