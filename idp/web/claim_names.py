"""What claims and their values are called on pages: in words that mean something to the person they are about."""

from collections.abc import Collection

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from idp.domain.claims import INVITED, UNIVERSITY

LABELS: dict[str, LazyString] = {
    "name": _("Nom"),
    "given_name": _("Prénom"),
    "family_name": _("Nom de famille"),
    "locale": _("Langue"),
    "email": _("Adresse mail"),
    "eduperson_principal_name": _("Identifiant dans l’établissement"),
    "voperson_external_id": _("Identifiant dans l’établissement"),
    "eduperson_scoped_affiliation": _("Statut dans l’établissement"),
    "eduperson_affiliation": _("Statut dans l’établissement"),
    "eduperson_primary_affiliation": _("Statut dans l’établissement"),
    "voperson_external_affiliation": _("Statut dans l’établissement"),
    "schac_home_organization": _("Établissement"),
    "supann_etu_id": _("Numéro d’étudiant"),
    "schac_personal_unique_code": _("Numéro d’étudiant"),
    "eduperson_orcid": _("Identifiant ORCID"),
    "eduperson_assurance": _("Niveau de vérification de votre identité"),
    "affiliation_checked_at": _("Statut vérifié le"),
    "voperson_id": _("Identifiant de votre compte"),
    "account_type": _("Origine du compte"),
    "invited_role": _("Fonction indiquée dans l’invitation"),
    "roles": _("Rôle dans ce service"),
    "verified_claims": _("Vérification de votre identité"),
}
# Told together with what they belong to.
SILENT = frozenset({"email_verified", "updated_at"})

_STATUSES = {
    "student": _("Étudiant ou étudiante"),
    "faculty": _("Enseignant ou enseignante"),
    "teacher": _("Enseignant ou enseignante"),
    "researcher": _("Chercheur ou chercheuse"),
    "staff": _("Personnel"),
    "employee": _("Employé ou employée"),
    "member": _("Membre"),
    "affiliate": _("Partenaire"),
    "alum": _("Ancien étudiant ou ancienne étudiante"),
    "library-walk-in": _("Lecteur ou lectrice de la bibliothèque"),
}
_AFFILIATIONS = frozenset(
    {
        "eduperson_scoped_affiliation",
        "eduperson_affiliation",
        "eduperson_primary_affiliation",
        "voperson_external_affiliation",
    }
)
_VALUES: dict[str, dict[str, LazyString]] = {
    "account_type": {UNIVERSITY: _("Université"), INVITED: _("Invitation")},
    "locale": {"fr": _("français"), "en": _("anglais")},
}


def claim_names(claims: Collection[str]) -> list[str]:
    """These claims in words, each once; one without words stands there under its own name, never hidden."""
    known = [claim for claim in LABELS if claim in claims]
    others = sorted(set(claims) - LABELS.keys() - SILENT)
    return list(dict.fromkeys([*(str(LABELS[claim]) for claim in known), *others]))


def claim_value(claim: str, value: str) -> str:
    """This value of a claim in words; one without words stands there as it is."""
    if claim in _AFFILIATIONS:
        return affiliation_name(value)
    return str(_VALUES.get(claim, {}).get(value, value))


def affiliation_name(affiliation: str) -> str:
    """E.g. « Étudiant » for ``student``, « Étudiant (univ-exemple.fr) » for ``student@univ-exemple.fr``."""
    value, _at, scope = affiliation.partition("@")
    name = str(_STATUSES.get(value, value))
    return f"{name} ({scope})" if scope else name
