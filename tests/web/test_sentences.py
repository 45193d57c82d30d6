"""Every refusal has words of its own family, and they travel in the language of the request."""

import re
from collections.abc import Iterator
from pathlib import Path

import flask
import pytest

from idp.web.sentences import field_sentence, sentence_for
from tests.web.test_templates import shared_page_app

SOURCES = Path(__file__).parents[2] / "idp"
REFUSED = re.compile(r'Refusal\(\s*"([a-z_]+)\.([a-z_]+)"')
FIELD_PROBLEM = re.compile(r'(?<!url_for\()"((?:email|password|code|university)\.[a-z_]+)"')
# Names of templates and of a page, the one problem that is shown as a question rather than an error, and a cause that
# only the metrics tell: the person reads the same page whether or not one more mail went out.
NO_SENTENCE = {"email.html", "code.html", "university.choice", "email.suggestion", "code.mail_limit"}


@pytest.fixture
def in_french() -> Iterator[flask.Flask]:
    app = shared_page_app()
    with app.test_request_context("/?lang=fr"):
        yield app


def found_in_sources(pattern: re.Pattern[str]) -> set[str]:
    texts = (path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py") if "demo" not in path.parts)
    return {".".join(match.groups()) for text in texts for match in pattern.finditer(text)}


@pytest.mark.usefixtures("in_french")
def test_every_refusal_of_the_product_has_words_of_its_family() -> None:
    general = sentence_for("unheard_of")
    for reason in found_in_sources(REFUSED):
        assert sentence_for(reason) != general or reason.startswith("request."), reason


@pytest.mark.usefixtures("in_french")
def test_every_problem_with_a_field_has_a_sentence() -> None:
    for key in found_in_sources(FIELD_PROBLEM) - NO_SENTENCE:
        assert field_sentence(key, minimum=12).endswith("."), key


@pytest.mark.usefixtures("in_french")
def test_a_reason_without_own_words_gets_those_of_its_family() -> None:
    assert sentence_for("saml.signature_missing") == sentence_for("saml.audience")
    assert sentence_for("saml.expired") != sentence_for("saml.audience")


@pytest.mark.usefixtures("in_french")
def test_a_page_about_missing_attributes_names_them_and_whom_to_ask() -> None:
    texts = sentence_for("proofing.mail_missing")
    assert "adresse mail" in texts.sentence
    assert "service informatique de votre université" in texts.advice


def test_the_words_follow_the_language_of_the_request() -> None:
    with shared_page_app().test_request_context("/?lang=en"):
        assert sentence_for("request.not_found").title == "Page not found"
        assert field_sentence("password.too_short", minimum=12) == "Add some characters: at least 12 are needed."


@pytest.mark.usefixtures("in_french")
def test_an_unknown_account_and_a_wrong_password_are_one_sentence() -> None:
    assert field_sentence("password.wrong").startswith("Adresse ou mot de passe incorrect")
