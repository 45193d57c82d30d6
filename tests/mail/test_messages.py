"""What mails say, with templates small enough to stand here, and then with the product's own."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

import idp
from idp.domain.keyed import SecretKey
from idp.domain.messages import Message
from idp.domain.one_time_codes import digits
from idp.domain.proofing import link_token
from idp.mail.messages import TEMPLATES, MessageRenderer, Unrenderable

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
SECRET = SecretKey(b"a key for the tests of mails only")
ISSUER = "https://idp.example.org"
KINDS = ("sign_in_code", "proofing", "given_address", "unknown_account", "password_changed")


def message(kind: str = "sign_in_code", **changes: object) -> Message:
    made = Message(
        id="message-1",
        kind=kind,
        to="zoe.lefebvre@etu.univ-exemple.fr",
        locale="fr",
        created_at=NOW,
        expires_at=NOW + timedelta(hours=24),
        reference="REF-1",
        record_id="record-1",
        fields={"code_record_id": "record-2"} if kind in ("proofing", "given_address") else {},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Templates of our own, and an English catalogue for them."""
    kind = tmp_path / "templates" / "sign_in_code"
    kind.mkdir(parents=True)
    (kind / "subject.txt").write_text("{{ code }} {{ _('est votre code') }}\n  {{ application }}\n")
    (kind / "text.txt").write_text("\n{{ _('est votre code') }} {{ application }} {{ minutes }} {{ hours }}\n\n")
    (kind / "html.html").write_text("<p lang={{ lang }}>{{ application }}</p>")
    catalogue = tmp_path / "translations" / "en" / "LC_MESSAGES" / "messages.mo"
    catalogue.parent.mkdir(parents=True)
    english = Catalog(locale="en")
    english.add("est votre code", "is your code")
    with catalogue.open("wb") as file:
        write_mo(file, english)
    return tmp_path


def renderer(folder: Path, **more: Path) -> MessageRenderer:
    paths = {"translations": folder / "translations"} | more
    return MessageRenderer(SECRET, ISSUER, service_name="UNESS", help_url="", **paths)


@pytest.fixture
def own(folder: Path) -> MessageRenderer:
    return renderer(folder, templates=folder / "templates")


def test_the_subject_is_one_line_and_begins_with_the_derived_code(own: MessageRenderer) -> None:
    subject = own.render(message(fields={"application": "a\r\nBcc: b@example.org"})).subject
    assert subject == f"{digits(SECRET, 'record-1')} est votre code a Bcc: b@example.org"


def test_the_locale_of_the_message_decides_with_french_as_last_resort(own: MessageRenderer) -> None:
    assert "is your code" in own.render(message(locale="en")).text
    assert "est votre code" in own.render(message(locale="fr")).text
    unknown = own.render(message(locale="../../en"))
    assert "est votre code" in unknown.text
    assert "lang=fr" in unknown.html


def test_markup_is_escaped_in_html_and_left_alone_in_text(own: MessageRenderer) -> None:
    rendered = own.render(message(fields={"application": "<b>R&D</b>"}))
    assert "&lt;b&gt;R&amp;D&lt;/b&gt;" in rendered.html
    assert "<b>R&D</b>" in rendered.text


def test_no_more_life_is_promised_than_the_code_has_left(own: MessageRenderer) -> None:
    assert "10 24" in own.render(message()).text
    assert " 3 1" in own.render(message(expires_at=NOW + timedelta(minutes=3))).text


def test_a_message_of_unknown_kind_or_with_a_broken_template_is_told(own: MessageRenderer, folder: Path) -> None:
    with pytest.raises(Unrenderable, match="no_such_kind"):
        own.render(message("no_such_kind"))
    (folder / "templates" / "sign_in_code" / "text.txt").write_text("{{ code }} {{ no_such_value }}")
    with pytest.raises(Unrenderable) as caught:
        own.render(message())
    assert digits(SECRET, "record-1") not in str(caught.value)


def test_a_proofing_message_without_its_code_is_told(folder: Path) -> None:
    with pytest.raises(Unrenderable, match="code_record_id"):
        renderer(folder).render(message("proofing", fields={}))


def test_the_secrets_of_a_mail_are_named_but_not_shown(own: MessageRenderer) -> None:
    rendered = own.render(message())
    assert rendered.secrets == (digits(SECRET, "record-1"),)
    assert "secrets" not in repr(rendered)


@pytest.mark.parametrize("locale", ["fr", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_mail_of_the_product_can_be_made(folder: Path, kind: str, locale: str) -> None:
    rendered = renderer(folder).render(message(kind, locale=locale))
    assert rendered.subject
    assert rendered.text.strip()
    assert "<html" in rendered.html
    assert "http://" not in rendered.html
    assert "<img" not in rendered.html


def test_a_sign_in_mail_begins_with_the_code(folder: Path) -> None:
    code = digits(SECRET, "record-1")
    rendered = renderer(folder).render(message())
    assert rendered.subject.startswith(code)
    assert code in rendered.text
    assert code in rendered.html


def test_a_mail_to_a_given_address_has_a_code_and_no_link(folder: Path) -> None:
    rendered = renderer(folder).render(message("given_address"))
    code = digits(SECRET, "record-2")
    assert rendered.secrets == (code,)
    assert rendered.subject.startswith(code)
    assert "/proofing/link/" not in rendered.text + rendered.html


def test_a_proofing_mail_has_code_and_link_each_derived_from_its_own_record(folder: Path) -> None:
    rendered = renderer(folder).render(message("proofing"))
    assert digits(SECRET, "record-2") in rendered.text
    link = f"{ISSUER}/proofing/link/{link_token(SECRET, 'record-1')}"
    assert link in rendered.text.splitlines()
    assert link in rendered.html


@pytest.mark.parametrize(("locale", "query"), [("en", "?lang=en"), ("fr", ""), (None, "")])
def test_the_link_opens_in_the_language_of_its_mail(folder: Path, locale: str | None, query: str) -> None:
    """On another device, which does not know the language that was chosen."""
    catalogues = Path(idp.__file__).parent / "translations"
    rendered = renderer(folder, translations=catalogues).render(message("proofing", locale=locale))
    link = f"{ISSUER}/proofing/link/{link_token(SECRET, 'record-1')}{query}"
    assert link in rendered.text.splitlines()
    assert f'href="{link}"' in rendered.html
    assert link in rendered.secrets


def test_mails_without_code_have_no_secrets(folder: Path) -> None:
    for kind in ("unknown_account", "password_changed"):
        assert renderer(folder).render(message(kind)).secrets == ()


def test_a_mail_in_no_known_language_says_everything_in_both_french_first(folder: Path) -> None:
    translations = Path(idp.__file__).parent / "translations"
    both = renderer(folder, translations=translations).render(message(locale=None))
    code = digits(SECRET, "record-1")
    assert both.subject.startswith(f"{code} est votre code")
    assert "is your sign-in code" in both.subject
    assert both.text.index("Voici le code") < both.text.index("Here is the code")
    assert both.html.index('<div lang="fr">') < both.html.index('<div lang="en"')
    assert both.html.count("<html") == both.html.count("</html>") == 1
    assert both.html.count(code) == 2


def test_a_mail_of_one_language_has_no_second_part(folder: Path) -> None:
    one = renderer(folder).render(message())
    assert "-----" not in one.text
    assert one.html.count("<div lang=") == 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_mail_gives_its_reason_and_loads_nothing(folder: Path, kind: str) -> None:
    given = message(kind)
    rendered = renderer(folder).render(replace(given, fields=given.fields | {"application": "Moodle <b>"}))
    for text in (" ".join(rendered.text.split()), rendered.html):
        assert given.to in text
        assert "accéder à Moodle" in text
    assert "<b>" not in rendered.html
    for loading in ("<img", "<script", "<link", "src=", "url(", "@import", "<iframe"):
        assert loading not in rendered.html
    allowed = {secret for secret in rendered.secrets if secret.startswith("http")}
    assert set(re.findall(r'href="([^"]*)"', rendered.html)) == allowed


def test_the_help_of_a_mail_is_one_press_away(folder: Path) -> None:
    """Not every mail program makes links of addresses; those of keyboards and screen readers need one."""
    url = "https://aide.example/?a=1&b=2"
    paths = {"translations": folder / "translations"}
    rendered = MessageRenderer(SECRET, ISSUER, service_name="UNESS", help_url=url, **paths).render(message())
    assert f"Aide\u00a0: {url}" in rendered.text
    assert re.search(r'Aide\xa0: <a [^>]*href="https://aide\.example/\?a=1&amp;b=2"', rendered.html)


def test_every_kind_has_its_folder() -> None:
    assert {folder.name for folder in TEMPLATES.iterdir() if folder.is_dir()} >= set(KINDS)


def test_the_link_stands_once_in_a_mail_of_two_languages(folder: Path) -> None:
    catalogues = Path(idp.__file__).parent / "translations"
    text = renderer(folder, translations=catalogues).render(message("proofing", locale=None)).text
    links = [line for line in text.splitlines() if re.fullmatch(r"https?://\S+", line)]
    assert links == [f"{ISSUER}/proofing/link/{link_token(SECRET, 'record-1')}"]
    assert text.count(digits(SECRET, "record-2")) == 2
