"""What the console shows is French or English, and no name that only the product knows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import flask
import pytest

from idp.domain.claims import INVITED, UNIVERSITY
from idp.domain.guessing import Method
from idp.domain.helpdesk import INVITATION, LimitInForce
from idp.mail import messages
from idp.web import helpdesk_story, helpdesk_words
from tests.web.proofing_world import CAMILLE
from tests.web.test_templates import shared_page_app

PRODUCT = Path(__file__).parents[2] / "idp"
EVENT = re.compile(r"[a-z_]+\.[a-z_]+")
NOTES = (".audit.append", "trail.append", "._note", ".note", ".look")


def noted() -> Iterator[tuple[str, ast.Call]]:
    """Every event of the audit trail with the call that notes it; what is chosen at run time with each choice."""
    for path in PRODUCT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(NOTES):
                for argument in node.args[:2]:
                    yield from ((event, node) for event in _events(argument))


def _events(argument: ast.expr) -> Iterator[str]:
    if isinstance(argument, ast.JoinedStr):
        start = ast.unparse(argument)[2:].partition("{")[0]
        changes = {"account.address_": ("added", "primary", "removed"), "account.passkey_": ("added", "removed")}
        yield from (start + change for change in {"account.": ("merged", "parted"), **changes}.get(start, ()))
        return
    for node in ast.walk(argument):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and EVENT.fullmatch(node.value):
            yield node.value


def test_every_event_has_words() -> None:
    events = {event for event, _ in noted()}
    assert {"account.merged", "sign_in.succeeded", "invitation.changed", "request.refused"} <= events
    lost = sorted(events - helpdesk_story._EVENTS.keys())
    assert not lost, f"give these events words in _EVENTS (idp/web/helpdesk_story.py), and in English: {lost}"
    for queue in ("accepted", "deferred", "refused", "expired", "queued"):
        assert f"mail.{queue}" in helpdesk_story._EVENTS


def test_every_detail_has_a_label() -> None:
    named = {keyword.arg for _, call in noted() for keyword in call.keywords if keyword.arg}
    assert {"client_id", "entity_id", "problem"} <= named
    of_mails = {"message", "kind", "to", "reply"}
    lost = sorted((of_mails | named - {"at", "reference", "account_id"}) - helpdesk_story._LABELS.keys())
    assert not lost, f"give these details a label in _LABELS (idp/web/helpdesk_story.py), and in English: {lost}"


def test_every_mail_has_words() -> None:
    kinds = {path.name for path in (Path(messages.__file__).parent / "templates").iterdir() if path.is_dir()}
    assert kinds == helpdesk_story._MAILS.keys()


@pytest.fixture
def in_french() -> Iterator[flask.Flask]:
    app = shared_page_app()
    with app.test_request_context("/?lang=fr"):
        yield app


@pytest.mark.usefixtures("in_french")
def test_kinds_of_accounts_identifiers_methods_and_limits_have_words() -> None:
    words = [helpdesk_words.account_name(kind) for kind in (UNIVERSITY, INVITED, INVITATION)]
    words += [helpdesk_words.identifier_name(kind) for kind in ("subject-id", "pairwise-id", "eppn", "targeted-id")]
    words += [helpdesk_words.limit_name(LimitInForce(kind)) for kind in (*Method, "all")]
    assert len(set(words)) == len(words)
    assert all(" " in text for text in words)
    assert helpdesk_words.limit_name(LimitInForce("mails", CAMILLE)) == f"messages vers {CAMILLE}"
    assert helpdesk_words.method_names(("pwd", "otp")) == "mot de passe, code reçu par mail"
    assert helpdesk_words.method_names(("hwk", "user")) == "clé d’accès"
