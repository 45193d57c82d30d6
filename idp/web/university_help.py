"""What a page offers when a university's answer led nowhere: its own help, and a message for those who can mend it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from idp.domain.federation import IdentityProvider

_SUBJECT_ID = "subject-id (urn:oasis:names:tc:SAML:attribute:subject-id)"
_PAIRWISE_ID = "pairwise-id (urn:oasis:names:tc:SAML:attribute:pairwise-id)"
_EPPN = "eduPersonPrincipalName (urn:oid:1.3.6.1.4.1.5923.1.1.1.6)"
_MAIL = "mail (urn:oid:0.9.2342.19200300.100.1.3)"
_ANY_IDENTIFIER = (_SUBJECT_ID, _PAIRWISE_ID, _EPPN)


@dataclass(frozen=True, slots=True)
class _Request:
    """What the IT department is asked for. topic: for the subject, in both languages."""

    topic: str
    french: str
    english: str


_RELEASE = _Request(
    "attributs SAML / SAML attributes",
    "Merci de transmettre ces attributs à ce service.",
    "Please release these attributes to this service.",
)
_ADAPT = _Request(
    "réponse SAML / SAML response",
    "Merci d’adapter vos réponses à ce service.",
    "Please adapt your responses to this service.",
)


@dataclass(frozen=True, slots=True)
class _Fault:
    """What to say in French and in English, the attributes (or algorithms) that it is about, and what to do."""

    french: str
    english: str
    named: tuple[str, ...]
    request: _Request = _RELEASE


_FAULTS: dict[str, _Fault] = {
    # AD FS encrypts for whoever publishes a key, by AES-CBC, and signs the assertion alone (O-13).
    "saml.algorithm": _Fault(
        "La réponse emploie un algorithme que ce service refuse, ou AES-CBC sans signature de la réponse elle-même. "
        "Chiffrer l’assertion n’est pas nécessaire. Sont acceptés",
        "The response uses an algorithm that this service refuses, or AES-CBC without a signature of the response "
        "itself. The assertion need not be encrypted. Accepted are",
        (
            "Signature: RSA, ECDSA; SHA-256, SHA-384, SHA-512",
            "EncryptedData: AES-GCM, AES-CBC (Response signée / signed Response)",
            "EncryptedKey: RSA-OAEP",
        ),
        _ADAPT,
    ),
    "proofing.identifier_missing": _Fault(
        "Il manque un identifiant durable. L’un de ces attributs suffit, le premier de préférence",
        "A lasting identifier is missing. One of these attributes is enough, preferably the first",
        _ANY_IDENTIFIER,
    ),
    "proofing.identifier_out_of_scope": _Fault(
        "Un identifiant est transmis hors des domaines (shibmd:Scope) que vos métadonnées déclarent",
        "An identifier is released outside the scopes (shibmd:Scope) that your metadata declare",
        _ANY_IDENTIFIER,
    ),
    "proofing.identifier_ambiguous": _Fault(
        "Un identifiant est transmis avec plusieurs valeurs ; une seule est attendue pour chacun de ces attributs",
        "An identifier is released with several values; only one is expected for each of these attributes",
        _ANY_IDENTIFIER,
    ),
    "proofing.mail_out_of_scope": _Fault(
        "L’adresse transmise n’est pas dans les domaines que vos métadonnées déclarent",
        "The released address is not within the domains that your metadata declare",
        (_MAIL,),
    ),
    "proofing.mail_ambiguous": _Fault(
        "Plusieurs adresses sont transmises dans les domaines que vos métadonnées déclarent ; une seule est attendue",
        "Several addresses are released within the domains that your metadata declare; only one is expected",
        (_MAIL,),
    ),
}

_FRENCH = """Bonjour,

La connexion à « {service} » avec mon compte de l’établissement n’a pas abouti.
{french} :
{named}
Service (entityID) : {entity_id}
Fournisseur d’identité (entityID) : {university}
Référence : {reference}
Date : {date}
{french_request}
"""

_ENGLISH = """Hello,

Signing in to "{service}" with my account at the institution did not succeed.
{english}:
{named}
Service (entityID): {entity_id}
Identity provider (entityID): {university}
Reference: {reference}
Date: {date}
{english_request}
"""

_CODES = {"proofing": "IDENTIFICATION_FAILURE", "saml.status": "AUTHENTICATION_FAILURE"}


@dataclass(frozen=True, slots=True)
class ReadyMessage:
    """A message for the university's IT department, in French and in English, to be copied or sent as it stands."""

    subject: str
    french: str
    english: str

    @property
    def text(self) -> str:
        """Both, as it is copied and sent."""
        return f"{self.french}{self.between}{self.english}"

    @property
    def between(self) -> str:
        """What stands between the two languages, in neither of them."""
        return "\n----\n\n"

    @property
    def mailto(self) -> str:
        """Opens the message in the person's mail program; whom to write to, they know better.

        Its lines end as RFC 6068 section 5 wants it: some programs show all of it as one line otherwise.
        """
        body = self.text.replace("\n", "\r\n")
        return f"mailto:?subject={quote(self.subject)}&body={quote(body)}"


@dataclass(frozen=True, slots=True)
class Incident:
    """One refusal: its reason, the reference on the page, when it was, and our own names."""

    reason: str
    reference: str
    at: datetime
    entity_id: str
    service_name: str


def message_for(incident: Incident, university: IdentityProvider) -> ReadyMessage | None:
    """The message where the university's IT department can mend the cause, else None."""
    fault = _FAULTS.get(incident.reason)
    if fault is None:
        return None
    subject = f"{incident.service_name} : {fault.request.topic} ({incident.reference})"
    values = {
        "service": incident.service_name,
        "french": fault.french,
        "english": fault.english,
        "named": "\n".join(f"- {name}" for name in fault.named),
        "french_request": fault.request.french,
        "english_request": fault.request.english,
        "entity_id": incident.entity_id,
        "university": university.entity_id,
        "reference": incident.reference,
        "date": incident.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
    }
    return ReadyMessage(subject, _FRENCH.format_map(values), _ENGLISH.format_map(values))


def error_url(incident: Incident, university: IdentityProvider) -> str:
    """The university's own page about errors, its placeholders filled in; empty where it has none.

    SAML V2.0 Metadata Deployment Profile for errorURL 1.0, section 3.
    """
    code = _CODES.get(incident.reason) or _CODES.get(incident.reason.partition(".")[0]) or "OTHER_ERROR"
    values = {
        "ERRORURL_CODE": code,
        "ERRORURL_TS": str(int(incident.at.timestamp())),
        "ERRORURL_RP": incident.entity_id,
        "ERRORURL_TID": incident.reference,
        "ERRORURL_CTX": "",
    }
    url = university.error_url
    for placeholder, value in values.items():
        url = url.replace(placeholder, quote(value, safe=""))
    return url
