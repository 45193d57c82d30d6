"""What claims are called on pages: in words that mean something to the person whom they are about."""

from collections.abc import Collection

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

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
    "invited_role": _("Rôle indiqué à l’invitation"),
    "roles": _("Rôle dans ce service"),
    "verified_claims": _("Vérification de votre identité"),
}
# Told together with what they belong to.
SILENT = frozenset({"email_verified", "updated_at"})


def claim_names(claims: Collection[str]) -> list[str]:
    """These claims in words, each once; one without words stands there under its own name, never hidden."""
    known = [claim for claim in LABELS if claim in claims]
    others = sorted(set(claims) - LABELS.keys() - SILENT)
    return list(dict.fromkeys([*(str(LABELS[claim]) for claim in known), *others]))
