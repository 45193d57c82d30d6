"""What a mail says: subject, text and HTML from ``templates/<kind>/``, in the recipient's language.

Where nobody knows that language, the mail says everything in each of ours, one after the other, French first.
"""

import gettext
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from babel.dates import format_date
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, TemplateError, select_autoescape

from idp.domain.keyed import SecretKey
from idp.domain.messages import Message
from idp.domain.one_time_codes import LIFETIME, digits
from idp.domain.proofing import LINK_LIFETIME, link_token
from idp.kept_templates import KeptTemplates

TEMPLATES = Path(__file__).resolve().parent / "templates"
_OURS = KeptTemplates(TEMPLATES)
# The French texts are themselves the keys of the catalogues.
SOURCE_LOCALE = "fr"


class Unrenderable(Exception):
    """No mail can be made of this message: no such kind, or a template at fault."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail as it goes out.

    subject: one line. secrets: the code and the link in it, which must stand nowhere else.
    """

    subject: str
    text: str
    html: str
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class _Version:
    """The mail in one language.

    html: one part of the document. below: what tells a reader of another language that this one follows.
    """

    locale: str
    subject: str
    text: str
    html: str
    below: str


class MessageRenderer:
    """Turns messages into mails.

    issuer: base of every link. translations: folder of gettext catalogues, domain ``messages``. templates: looked at
    before our own.
    """

    def __init__(
        self,
        secret: SecretKey,
        issuer: str,
        *,
        service_name: str,
        help_url: str,
        translations: Path,
        templates: Path | None = None,
    ) -> None:
        self._secret = secret
        self._issuer = issuer
        self._everywhere = {"service_name": service_name, "help_url": help_url}
        locales = {
            SOURCE_LOCALE,
            *(catalogue.parts[-3] for catalogue in translations.glob("*/LC_MESSAGES/messages.mo")),
        }
        self._environments = {locale: _environment(templates, translations, locale) for locale in locales}

    def render(self, message: Message) -> Rendered:
        """The mail in the message's locale, in French if there is no such translation, in all where it has none.

        Raises Unrenderable.
        """
        try:
            secrets = self._secrets(message)
            context = self._everywhere | _harmless(message) | secrets
            versions = [
                self._version(message.kind, locale, context | {"is_first": number == 0})
                for number, locale in enumerate(self._locales_of(message))
            ]
            return Rendered(
                " / ".join(dict.fromkeys(version.subject for version in versions)),
                self._frame("_document.txt", versions).strip() + "\n",
                self._frame("_document.html", versions),
                tuple(secrets.values()),
            )
        except KeyError as missing:
            raise Unrenderable(f"{message.kind}: no field {missing}") from None
        except TemplateError as fault:
            # What the fault says may quote what was being rendered.
            raise Unrenderable(f"{message.kind}: {type(fault).__name__}") from None

    def _locales_of(self, message: Message) -> tuple[str, ...]:
        if message.locale is None:
            return (SOURCE_LOCALE, *sorted(self._environments.keys() - {SOURCE_LOCALE}))
        return (message.locale if message.locale in self._environments else SOURCE_LOCALE,)

    def _version(self, kind: str, locale: str, context: Mapping[str, str | int | bool]) -> "_Version":
        environment = self._environments[locale]
        subject, text, html, below = (
            environment.get_template(name).render(context, lang=locale)
            for name in (f"{kind}/subject.txt", f"{kind}/text.txt", f"{kind}/html.html", "_below.txt")
        )
        return _Version(locale, " ".join(subject.split()), text.strip(), html, below.strip())

    def _frame(self, name: str, versions: "list[_Version]") -> str:
        frame = self._environments[versions[0].locale].get_template(name)
        return frame.render(self._everywhere, versions=versions)

    def _secrets(self, message: Message) -> dict[str, str]:
        if message.kind in ("sign_in_code", "new_address"):
            return {"code": digits(self._secret, message.record_id)}
        if message.kind == "given_address":
            return {"code": digits(self._secret, message.fields["code_record_id"])}
        if message.kind == "proofing":
            return {
                "code": digits(self._secret, message.fields["code_record_id"]),
                "link": f"{self._issuer}/proofing/link/{link_token(self._secret, message.record_id)}"
                + self._language_of_pages(message),
            }
        return {}

    def _language_of_pages(self, message: Message) -> str:
        """The query of a link that is opened on another device, too: where nobody chose, pages are in the source's."""
        chosen = self._locales_of(message)
        return f"?lang={chosen[0]}" if chosen != (SOURCE_LOCALE,) and len(chosen) == 1 else ""


def _harmless(message: Message) -> dict[str, str | int]:
    lifetime = message.expires_at - message.created_at
    return {
        "university": "",
        "application": "",
        **message.fields,
        "address": message.to,
        "reference": message.reference,
        "minutes": _at_most(lifetime, LIFETIME, timedelta(minutes=1)),
        "hours": _at_most(lifetime, LINK_LIFETIME, timedelta(hours=1)),
    }


def _at_most(lifetime: timedelta, most: timedelta, unit: timedelta) -> int:
    """How many whole units of life to promise: a code that is mailed again has less left than a new one."""
    return max(1, round(min(lifetime, most) / unit))


def _day(iso: str, *, locale: str) -> str:
    """A day in words, e.g. 4 mai 2027: figures alone are read in two ways."""
    # A field that is missing says so as soon as it becomes text.
    return format_date(date.fromisoformat(str(iso)), "d MMMM yyyy", locale)


def _environment(templates: Path | None, translations: Path, locale: str) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(templates), _OURS]) if templates else _OURS,
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        # Twenty templates make one mail: nobody looks whether their files have changed.
        auto_reload=False,
    )
    environment.filters["day"] = partial(_day, locale=locale)
    catalogue = gettext.translation("messages", translations, [locale], fallback=True)
    environment.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
    return environment
