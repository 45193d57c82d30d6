"""How far a mail got, in one sentence for the pages on which somebody waits for it.

Says what the mail server answered, and so nothing about an account: mail goes out to every address that is typed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import request
from flask_babel import format_time, gettext

from idp.domain.messages import Delivery, DeliveryState
from idp.web.headers import allow_own_data


@dataclass(frozen=True, slots=True)
class MailNews:
    """may_change: whether looking again later may say something else."""

    sentence: str
    may_change: bool


def mail_news(delivery: Delivery | None) -> MailNews | None:
    """The words, with times of the clock on the wall; None where no mail was asked for.

    While they may change, the page's script may look again.
    """
    if delivery is None:
        return None
    news = MailNews(str(_sentence(delivery)), delivery.state in (DeliveryState.WAITING, DeliveryState.DEFERRED))
    if news.may_change:
        allow_own_data()
    return news


def asked_again(page: str, *, sent: bool) -> str:
    """The address of ``page`` that says what came of asking for another mail."""
    return f"{page}?{'again' if sent else 'wait'}=1"


def is_resent() -> bool:
    """Whether this page is to say that the mail went out once more."""
    return "again" in request.args


def why_not_sent() -> str | None:
    """The field sentence with which this page is to say that no mail went out."""
    return "code.too_many_mails" if "wait" in request.args else None


def _sentence(delivery: Delivery) -> Any:
    at = _clock(delivery.at)
    match delivery.state:
        case DeliveryState.WAITING:
            return gettext("Le message est en route depuis %(at)s.", at=at)
        case DeliveryState.ACCEPTED:
            return gettext("Le serveur de messagerie a accepté le message à %(at)s.", at=at)
        case DeliveryState.DEFERRED if delivery.retry_at is not None:
            return gettext(
                "Le serveur de messagerie a demandé de patienter à %(at)s. Nouvel essai à %(retry_at)s : "
                "vous n’avez rien à faire.",
                at=at,
                retry_at=_clock(delivery.retry_at),
            )
        case DeliveryState.DEFERRED:
            return gettext(
                "Le serveur de messagerie n’a pas encore pu remettre le message (%(at)s). Il continue d’essayer.", at=at
            )
        case DeliveryState.REFUSED:
            return gettext(
                "Le serveur de messagerie a refusé le message à %(at)s. Vérifiez l’adresse ; si elle est juste, "
                "choisissez une autre façon de continuer.",
                at=at,
            )
        case DeliveryState.EXPIRED:
            return gettext("Le message n’a pas pu partir à temps. Demandez un nouvel envoi.")


def _clock(moment: datetime) -> str:
    return str(format_time(moment, "HH:mm:ss"))
