"""pysaml2 as we set it up: in-process signatures, no network, no memory of persons, no log lines.

pysaml2 reads a response a second time here, after our own verification and with its own parser: its reading of these
bytes must come to the same result, and what it refuses stays refused. Signatures, schema and decryption are not done
twice (they cost more than everything else together): what it takes for signed is answered from what was verified.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.response import AuthnResponse
from saml2.sigver import RSACrypto, import_rsa_key_from_file

from idp.domain.errors import Refusal
from idp.saml import xml_names as names
from idp.saml.attributes import TARGETED_ID, known_name
from idp.saml.crypto_backend import InProcessCrypto, VerifiedContent
from idp.saml.keys import KeyPair
from idp.saml.targeted_id import Name, targeted_ids
from idp.saml.verified_response import VerifiedResponse

# pysaml2 compares with the wall clock. Times are judged in ``response_checks`` against the moment that was passed in;
# this slack (ten years, in seconds) keeps the second opinion from being the one that decides.
_CLOCK_IS_NOT_ASKED: Final = 10 * 365 * 24 * 3600


def new_client(entity_id: str, acs_url: str, name: str, keys: list[KeyPair]) -> Saml2Client:
    """A client for our service provider, without metadata of anybody; the first pair of keys signs."""
    _keep_assertions_out_of_logs()
    client = Saml2Client(config=SPConfig().load(_configuration(entity_id, acs_url, name, keys)))
    # security_context() offers xmlsec1 or an unmaintained library; both are replaced, and the key that signs redirects
    # is only set up for xmlsec1 (pysaml2 issue 901).
    client.sec.crypto = InProcessCrypto()
    client.sec.sec_backend = RSACrypto(import_rsa_key_from_file(client.config.key_file))
    return client


@dataclass(frozen=True, slots=True)
class SecondReading:
    """What pysaml2 read in the assertion: texts as they stand there, attribute values by their (today's) names."""

    assertion_id: str
    issuer: str
    authn_instant: str
    values: dict[str, list[str]]


def second_reading(client: Saml2Client, verified: VerifiedResponse, request_id: str) -> SecondReading:
    """pysaml2's reading of the same bytes. Raises Refusal ``saml.refused_by_library``."""
    response = _response(client, verified, request_id)
    try:
        response.loads(verified.xml.decode(), False, origxml=verified.xml.decode())
        if response.verify() is None:
            raise Refusal("saml.refused_by_library", "no result")
        return _read(response.assertion, client.config.entityid)
    except Refusal:
        raise
    except Exception as error:  # noqa: BLE001 -- pysaml2 raises bare Exception for several faults
        raise Refusal("saml.refused_by_library", type(error).__name__) from None


def _response(client: Saml2Client, verified: VerifiedResponse, request_id: str) -> AuthnResponse:
    # Not client.parse_authn_request_response(): it remembers every person in the process for good.
    return AuthnResponse(
        VerifiedContent(verified),
        client.config.attribute_converters,
        client.config.entityid,
        return_addrs=client.service_urls(binding=names.HTTP_POST),
        outstanding_queries={request_id: "/"},
        timeslack=_CLOCK_IS_NOT_ASKED,
        allow_unknown_attributes=True,
        # Without conv_info pysaml2 takes every Recipient for ours.
        conv_info={"remote_addr": "0.0.0.0"},  # noqa: S104 -- pysaml2's word for "any address"
    )


def _read(assertion: Any, us: str) -> SecondReading:
    issuer = (assertion.issuer.text or "").strip()
    values, targeted = _attributes(assertion)
    subject = _name_of_element(assertion.subject.name_id)
    values[TARGETED_ID] = targeted_ids(targeted, subject if subject and subject.persistent else None, issuer, us)
    return SecondReading(assertion.id, issuer, assertion.authn_statement[0].authn_instant, values)


def _attributes(assertion: Any) -> tuple[dict[str, list[str]], list[Name]]:
    texts: dict[str, list[str]] = {}
    targeted: list[Name] = []
    for statement in assertion.attribute_statement:
        for attribute in statement.attribute:
            name = known_name(attribute.name)
            if name == TARGETED_ID:
                targeted += [_name_in(value) for value in attribute.attribute_value if value.extension_elements]
            else:
                values = texts.setdefault(name, [])
                values.extend((value.text or "").strip() for value in attribute.attribute_value)
    return texts, targeted


def _name_in(value: Any) -> Name:
    element = value.extension_elements[0]
    found = element.attributes.get
    return Name((element.text or "").strip(), found("Format"), found("NameQualifier"), found("SPNameQualifier"))


def _name_of_element(name_id: Any) -> Name | None:
    if name_id is None:
        return None
    return Name((name_id.text or "").strip(), name_id.format, name_id.name_qualifier, name_id.sp_name_qualifier)


def _configuration(entity_id: str, acs_url: str, name: str, keys: list[KeyPair]) -> dict[str, Any]:
    # pysaml2 downloads a key whose path begins with "http", so paths are made absolute.
    pairs = [(str(Path(key).resolve()), str(Path(certificate).resolve())) for key, certificate in keys]
    return {
        "entityid": entity_id,
        "name": name,
        "key_file": pairs[0][0],
        "cert_file": pairs[0][1],
        "additional_cert_files": [certificate for _, certificate in pairs[1:]],
        "encryption_keypairs": [{"key_file": key, "cert_file": certificate} for key, certificate in pairs],
        "crypto_backend": "XMLSecurity",
        "only_use_keys_in_metadata": True,
        "allow_unknown_attributes": True,
        "accepted_time_diff": _CLOCK_IS_NOT_ASKED,
        "signing_algorithm": names.RSA_SHA256,
        "digest_algorithm": names.DIGEST_SHA256,
        "service": {
            "sp": {
                "endpoints": {"assertion_consumer_service": [(acs_url, names.HTTP_POST)]},
                "authn_requests_signed": True,
                "want_assertions_signed": True,
                "want_response_signed": False,
                "allow_unsolicited": False,
            }
        },
    }


def _keep_assertions_out_of_logs() -> None:
    # pysaml2 writes whole assertions at DEBUG, names at INFO and refused documents at ERROR.
    # Its loggers inherit this level, so that no handler and no verbosity of ours brings them back.
    logging.getLogger("saml2").setLevel(logging.CRITICAL + 1)
