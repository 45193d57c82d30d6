"""``/accessibility``: what the law asks every public service to say of its pages (decree 2019-768, RGAA 4.1)."""

from dataclasses import dataclass

from flask import Blueprint
from flask.typing import ResponseReturnValue

from idp.web.pages import Pages


@dataclass(frozen=True, slots=True)
class Statement:
    """What an operator declares of the pages as they are served.

    conformity: ``none``, ``partial`` or ``full``. entity: who answers for the service. audited_by, audited_on, contact,
    not_accessible: empty where there is nothing to tell; contact: a mail address or a web address.
    """

    conformity: str
    entity: str
    audited_by: str
    audited_on: str
    contact: str
    not_accessible: str = ""

    @property
    def contact_url(self) -> str:
        """The contact as a link, where there is one."""
        return f"mailto:{self.contact}" if "@" in self.contact and "://" not in self.contact else self.contact


def blueprint(statement: Statement, pages: Pages) -> Blueprint:
    views = Blueprint("information", __name__)

    @views.get("/accessibility")
    def accessibility() -> ResponseReturnValue:
        return pages.render("accessibility.html", statement=statement)

    return views
