"""What a mail says: subject, text and HTML from ``templates/<kind>/``, in the recipient's language."""

import gettext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, select_autoescape

from idp.domain.keyed import SecretKey
from idp.domain.messages import Message
from idp.domain.one_time_codes import LIFETIME, digits
from idp.domain.proofing import link_token

TEMPLATES = Path(__file__).resolve().parent / "templates"
# The French texts are themselves the keys of the catalogues.
SOURCE_LOCALE = "fr"
_LINK_LIFETIME = timedelta(hours=24)


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


class MessageRenderer:
    """Turns messages into mails.

    issuer: base of every link. translations: folder of gettext catalogues, domain ``messages``.
    """

    def __init__(
        self,
        secret: SecretKey,
        issuer: str,
        *,
        service_name: str,
        help_url: str,
        translations: Path,
        templates: Path = TEMPLATES,
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
        """The mail, in the message's locale if there is such a translation, else in French.

        Raises Unrenderable.
        """
        locale = message.locale if message.locale in self._environments else SOURCE_LOCALE
        environment = self._environments[locale]
        try:
            secrets = self._secrets(message)
            context = self._everywhere | _harmless(message) | secrets | {"lang": locale}
            subject, text, html = (
                environment.get_template(f"{message.kind}/{part}").render(context)
                for part in ("subject.txt", "text.txt", "html.html")
            )
        except KeyError as missing:
            raise Unrenderable(f"{message.kind}: no field {missing}") from None
        except TemplateError as fault:
            # What the fault says may quote what was being rendered.
            raise Unrenderable(f"{message.kind}: {type(fault).__name__}") from None
        return Rendered(" ".join(subject.split()), text.strip() + "\n", html, tuple(secrets.values()))

    def _secrets(self, message: Message) -> dict[str, str]:
        if message.kind == "sign_in_code":
            return {"code": digits(self._secret, message.record_id)}
        if message.kind == "proofing":
            return {
                "code": digits(self._secret, message.fields["code_record_id"]),
                "link": f"{self._issuer}/proofing/link/{link_token(self._secret, message.record_id)}",
            }
        return {}


def _harmless(message: Message) -> dict[str, str | int]:
    lifetime = message.expires_at - message.created_at
    return {
        "university": "",
        "application": "",
        **message.fields,
        "address": message.to,
        "reference": message.reference,
        "minutes": _at_most(lifetime, LIFETIME, timedelta(minutes=1)),
        "hours": _at_most(lifetime, _LINK_LIFETIME, timedelta(hours=1)),
    }


def _at_most(lifetime: timedelta, most: timedelta, unit: timedelta) -> int:
    """How many whole units of life to promise: a code that is mailed again has less left than a new one."""
    return max(1, round(min(lifetime, most) / unit))


def _environment(templates: Path, translations: Path, locale: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    catalogue = gettext.translation("messages", translations, [locale], fallback=True)
    environment.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
    return environment
