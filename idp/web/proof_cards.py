"""The universities that vouched for a person, as the account page shows them."""

from datetime import datetime

from flask_babel import format_date, format_datetime
from flask_babel import lazy_gettext as _

from idp.domain.proofing_record import ProofingRecord
from idp.flows.proofs import VouchingUniversity
from idp.web.claim_names import affiliation_name

CONFIRMED_BY = {
    "code": _("par un code reçu par mail"),
    "link": _("par un lien reçu par mail"),
    "sign-in": _("déjà prouvée, votre connexion était ouverte"),
}


def university_card(university: VouchingUniversity) -> dict[str, object]:
    """One university as the account page shows it."""
    return {
        "name": university.name,
        "identifiers": university.identifiers,
        "proved_at": format_date(university.proved_at, "long") if university.proved_at else None,
        "affiliations": [
            {
                "name": affiliation_name(one.value),
                "until": format_date(one.last_day, "long"),
                "counts": one.counts,
            }
            for one in university.affiliations
        ],
        "records": [_record_lines(record) for record in university.records],
    }


def _record_lines(record: ProofingRecord) -> dict[str, object]:
    """One proof: what stands above it, and its lines as label and text."""
    lines = [
        (_("Adresse"), record.mailbox),
        (_("Adresse prouvée"), str(CONFIRMED_BY.get(record.confirmed_by, ""))),
        (_("Données utilisées"), ", ".join(sorted(record.attributes))),
        (_("Connexion à l’université"), _moment(record.authn_instant)),
        (_("Réponse reçue"), _moment(record.answered_at)),
        (_("Preuve terminée"), _moment(record.completed_at)),
        (_("Fédération"), record.registration_authority),
        (_("Référence"), record.reference),
    ]
    title = format_datetime(record.completed_at, "d MMMM yyyy HH:mm")
    return {"title": title, "lines": [(str(label), text) for label, text in lines if text]}


def _moment(at: datetime | None) -> str:
    return format_datetime(at, "d MMMM yyyy HH:mm:ss") if at else ""
