import smtplib
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from idp.demo.mailbox import Mailbox, create_mailbox
from idp.demo.ports import free_port
from idp.demo.web_server import WebServer


@pytest.fixture
def running() -> Iterator[tuple[WebServer, Mailbox, int]]:
    smtp_port = free_port()
    mailbox = Mailbox(smtp_port).start()
    server = WebServer(create_mailbox(mailbox)).start()
    yield server, mailbox, smtp_port
    server.stop()
    mailbox.stop()


def message(subject: str = "123456 est votre code d'accès – été", html: bool = True) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "ne-pas-repondre@localhost", "zoe@etu.univ-exemple.fr", subject
    mail.set_content("Bonjour Zoé,\n\nhttp://localhost:5000/lien?a=1&b=2\n\nÀ bientôt\n")
    if html:
        mail.add_alternative('<p>Bonjour <a href="http://localhost:5000/lien">Zoé</a></p>', subtype="html")
    return mail


def send(port: int, mail: EmailMessage) -> None:
    with smtplib.SMTP("localhost", port, timeout=10) as smtp:
        smtp.send_message(mail)


def test_a_mail_sent_over_smtp_is_listed_with_its_parts(running: tuple[WebServer, Mailbox, int]) -> None:
    server, _, smtp_port = running
    send(smtp_port, message())
    (mail,) = requests.get(f"{server.url}/messages.json").json()
    assert mail["to"] == "zoe@etu.univ-exemple.fr"
    assert mail["subject"] == "123456 est votre code d'accès – été"
    assert "http://localhost:5000/lien?a=1&b=2\n" in mail["text"]
    assert "<p>Bonjour" in mail["html"]
    assert mail["headers"]["From"] == "ne-pas-repondre@localhost"


def test_json_has_the_newest_last_and_the_page_has_it_first(running: tuple[WebServer, Mailbox, int]) -> None:
    server, _, smtp_port = running
    for subject in ("premier", "second"):
        send(smtp_port, message(subject))
    assert [mail["subject"] for mail in requests.get(f"{server.url}/messages.json").json()] == ["premier", "second"]
    page = requests.get(server.url).text
    assert page.index("second") < page.index("premier")


def test_links_can_be_clicked_and_markup_in_a_mail_stays_in_its_frame(
    running: tuple[WebServer, Mailbox, int],
) -> None:
    server, _, smtp_port = running
    send(smtp_port, message("<script>alert(1)</script>"))
    assert 'href="http://localhost:5000/lien?a=1&amp;b=2"' in requests.get(server.url).text
    page = requests.get(f"{server.url}/messages/1").text
    assert "<script>alert" not in page
    assert "<p>Bonjour" not in page
    assert "&lt;p&gt;Bonjour" in page
    assert "sandbox=" in page


def test_a_mail_without_html_is_shown(running: tuple[WebServer, Mailbox, int]) -> None:
    server, _, smtp_port = running
    send(smtp_port, message(html=False))
    assert requests.get(f"{server.url}/messages/1").status_code == 200
    assert requests.get(f"{server.url}/messages/2").status_code == 404


@pytest.fixture
def page(running: tuple[WebServer, Mailbox, int], chromium: Browser) -> Iterator[Page]:
    """The mailbox with one message, as a browser shows it."""
    server, _, smtp_port = running
    send(smtp_port, message("premier"))
    page = chromium.new_page()
    page.goto(server.url)
    yield page
    page.close()


def test_new_mail_is_added_and_said_without_taking_the_focus_away(
    running: tuple[WebServer, Mailbox, int], page: Page
) -> None:
    """RGAA 13.1: a page that loads itself anew is read from its top each time."""
    page.get_by_role("link", name="premier").focus()
    send(running[2], message("second"))
    expect(page.get_by_role("status")).to_have_text("Nouveau message : second", timeout=30_000)
    assert page.locator("h2").all_text_contents() == ["second", "premier"]
    assert page.evaluate("document.activeElement.textContent") == "premier"


def test_the_keyboard_gets_past_the_head_of_the_page(page: Page) -> None:
    """RGAA 12.7, as on the provider's pages."""
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Aller au contenu")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_an_address_can_be_refused(running: tuple[WebServer, Mailbox, int]) -> None:
    _, mailbox, smtp_port = running
    mailbox.refusals["zoe@etu.univ-exemple.fr"] = "550 no such user"
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(smtp_port, message())
    assert mailbox.mails() == []
