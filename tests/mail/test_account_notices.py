"""The mails about changes of an account: each of them can be made, in both languages, and says what changed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import idp
from idp.domain.accounts import Account
from idp.domain.keyed import SecretKey
from idp.domain.messages import Message
from idp.domain.notices import notices
from idp.domain.one_time_codes import digits
from idp.mail.messages import MessageRenderer, Unrenderable

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
SECRET = SecretKey(b"a key for the tests of mails only")
TRANSLATIONS = Path(idp.__file__).parent / "translations"
OLD, CHANGED = "zoe@univ-exemple.fr", "zoe@agence.example"
KINDS = (
    ("addresses_changed", "added", CHANGED),
    ("addresses_changed", "primary", CHANGED),
    ("addresses_changed", "removed", CHANGED),
    ("addresses_changed", "moved", CHANGED),
    ("account_closed", "closed", "30"),
    ("account_closed", "reopened", "Service"),
    ("account_closed", "unused", "30"),
    ("accounts_merged", "merged", CHANGED),
    ("accounts_merged", "parted", CHANGED),
    ("access_ended", "application", CHANGED),
    ("access_ended", "session", CHANGED),
    ("access_ended", "everywhere", "Service"),
    ("earlier_account", "", "Rivemarine"),
)


@pytest.fixture
def renderer() -> MessageRenderer:
    return MessageRenderer(
        SECRET, "https://idp.example", service_name="Service", help_url="", translations=TRANSLATIONS
    )


@pytest.mark.parametrize("locale", ["fr", "en"])
@pytest.mark.parametrize(("kind", "change", "told"), KINDS)
def test_a_notice_says_what_changed(renderer: MessageRenderer, kind: str, change: str, told: str, locale: str) -> None:
    account = Account("a", "s", NOW, addresses=(OLD,), locale=locale)
    fields = {"change": change, "changed": CHANGED, "days": "30", "university": "Rivemarine"}
    (message,) = notices(kind, account, (OLD, OLD), reference="REF", now=NOW, **fields)
    rendered = renderer.render(message)
    assert "\n" not in rendered.subject
    for text in (" ".join(rendered.text.split()), rendered.html):
        assert told in text
    assert "REF" in rendered.text
    assert "\n\n\n" not in rendered.text, "one empty line between paragraphs"


@pytest.mark.parametrize("locale", ["fr", "en"])
@pytest.mark.parametrize("change", ["merged", "parted"])
def test_of_two_accounts_both_are_named_whoever_is_told(renderer: MessageRenderer, change: str, locale: str) -> None:
    account = Account("a", "s", NOW, addresses=(CHANGED,), locale=locale)
    fields = {"change": change, "changed": CHANGED, "kept": OLD}
    (message,) = notices("accounts_merged", account, (CHANGED,), reference="REF", now=NOW, **fields)
    rendered = renderer.render(message)
    both = {"fr": f"Les comptes Service de {OLD} et de {CHANGED}", "en": f"The Service accounts of {OLD} and {CHANGED}"}
    for text in (" ".join(rendered.text.split()), rendered.html):
        assert both[locale] in text


@pytest.mark.parametrize("locale", ["fr", "en"])
@pytest.mark.parametrize("change", ["closed", "unused"])
def test_where_nothing_can_be_reopened_the_notice_does_not_say_so(
    renderer: MessageRenderer, change: str, locale: str
) -> None:
    """``[retention] closed_accounts_days = 0``."""
    account = Account("a", "s", NOW, addresses=(OLD,), locale=locale)
    (message,) = notices("account_closed", account, (OLD,), reference="REF", now=NOW, change=change, days="0")
    rendered = renderer.render(message)
    for text in (" ".join(rendered.text.split()), rendered.html):
        assert {"fr": "ne peut plus être rouvert", "en": "can no longer be reopened"}[locale] in text
        assert "0 jours" not in text
        assert "0 days" not in text
        assert {"fr": "connectez-vous dès maintenant", "en": "sign in now"}[locale] not in text


@pytest.mark.parametrize(("locale", "told"), [("fr", "Pendant 1 jour, vous"), ("en", "For 1 day you")])
@pytest.mark.parametrize("change", ["closed", "unused"])
def test_a_closed_account_that_waits_for_one_day_is_not_said_to_wait_for_days(
    renderer: MessageRenderer, change: str, locale: str, told: str
) -> None:
    """``[retention] closed_accounts_days = 1``."""
    account = Account("a", "s", NOW, addresses=(OLD,), locale=locale)
    (message,) = notices("account_closed", account, (OLD,), reference="REF", now=NOW, change=change, days="1")
    rendered = renderer.render(message)
    for text in (" ".join(rendered.text.split()), rendered.html):
        assert told in text


def test_the_code_for_a_new_address_stands_first_in_the_subject(renderer: MessageRenderer) -> None:
    until = NOW + timedelta(minutes=10)
    rendered = renderer.render(Message("m", "new_address", CHANGED, "fr", NOW, until, "REF", record_id="code-1"))
    code = digits(SECRET, "code-1")
    assert rendered.subject.startswith(code)
    assert code in rendered.text
    assert code in rendered.html


UNUSED = {
    "fr": (
        "Votre compte sera fermé le 4 mai 2027 – Service",
        "Votre compte Service n’a pas servi depuis le 1 mars 2025. Sans connexion de votre part, il sera fermé le "
        "4 mai 2027, et vos données seront effacées le 3 juin 2027.",
        "il suffit de vous connecter une fois avant ce jour : https://idp.example/account",
    ),
    "en": (
        "Your account will be closed on 4 May 2027 – Service",
        "Your Service account has not been used since 1 March 2025. Unless you sign in, it will be closed on "
        "4 May 2027, and your data will be erased on 3 June 2027.",
        "it is enough to sign in once before that day: https://idp.example/account",
    ),
}


@pytest.mark.parametrize("locale", UNUSED)
def test_who_does_not_come_any_more_is_told_what_happens_when_and_how_to_keep_the_account(
    renderer: MessageRenderer, locale: str
) -> None:
    account = Account("a", "s", NOW, addresses=(OLD,), locale=locale)
    days = {"since": "2025-03-01", "closes": "2027-05-04", "erased": "2027-06-03"}
    url = "https://idp.example/account"
    (message,) = notices("account_unused", account, (OLD,), reference="REF", now=NOW, sign_in_url=url, **days)
    rendered = renderer.render(message)
    subject, what, where = UNUSED[locale]
    text = " ".join(rendered.text.split())
    assert rendered.subject == subject
    assert what in text
    assert where in text
    assert "REF" in text
    assert f'href="{url}"' in rendered.html


def test_a_day_that_is_missing_makes_the_mail_impossible_and_ends_no_sender(renderer: MessageRenderer) -> None:
    account = Account("a", "s", NOW, addresses=(OLD,))
    (message,) = notices("account_unused", account, (OLD,), reference="REF", now=NOW, sign_in_url="https://x.example")
    with pytest.raises(Unrenderable):
        renderer.render(message)
