"""One signed response, checked: our service provider in this process, and the xmlsec1 program as pysaml2 runs it.

The program verifies one signature and does nothing else; ours also guards, validates, reads twice and judges.
"""

import base64
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

from lxml import etree
from saml2.sigver import CryptoBackendXmlSec1

from idp.demo.identity_provider import IdentityProvider as University
from idp.demo.identity_provider import encoded
from idp.demo.people import UNIVERSITIES
from idp.demo.service_provider import read_metadata
from idp.domain.federation import IdentityProvider
from idp.saml.keys import ensure_keys
from idp.saml.own_metadata import ServiceDescription
from idp.saml.service_provider import ServiceProvider

PROGRAM = "xmlsec1"

_ENTITY_ID = "https://connexion.exemple.fr/saml/metadata"
_ACS_URL = "https://connexion.exemple.fr/saml/acs"
_REQUEST_ID = "_request"
_ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"


@dataclass(frozen=True)
class ResponseTimes:
    """Medians in seconds.

    signed, encrypted: our whole check of a response with a signed assertion, plain and encrypted. program: xmlsec1's
    check of the same signature, None where ``skipped`` says why.
    """

    signed: float
    encrypted: float
    program: float | None
    skipped: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours, of the signed response, to the program's; None where it was skipped."""
        return self.signed / self.program if self.program else None


def measure(folder: Path, repetitions: int = 60) -> ResponseTimes:
    """All of them in alternation; keys and temporary files go to the folder."""
    plain, encrypting = (_Checked(folder, encrypts=encrypts) for encrypts in (False, True))
    works: list[Callable[[], object]] = [plain.check, encrypting.check]
    program = shutil.which(PROGRAM)
    if program is not None:
        works.append(_by_program(program, plain))
    times = _medians(works, repetitions)
    skipped = "" if program else f"{PROGRAM} is not installed (Debian package {PROGRAM})"
    return ResponseTimes(times[0], times[1], times[2] if program else None, skipped)


class _Checked:
    """A response, and our service provider that it was made for."""

    def __init__(self, folder: Path, *, encrypts: bool) -> None:
        self.university = University(
            replace(UNIVERSITIES[0], encrypts=encrypts), "https://idp.exemple.fr", folder / "keys"
        )
        metadata = etree.tostring(self.university.metadata())
        self.ours = ServiceProvider(
            entity_id=_ENTITY_ID,
            acs_url=_ACS_URL,
            keys=ensure_keys(folder / "sp-keys", _ENTITY_ID, now=datetime.now(UTC)),
            description=ServiceDescription(names={"fr": "Connexion"}),
            metadata_source={self.university.entity_id: metadata}.get,
        )
        known = read_metadata(self.ours.metadata(now=datetime.now(UTC)).decode())
        person = self.university.university.people[0]
        self.xml = self.university.response(_REQUEST_ID, _ACS_URL, person, known)
        self._asked = IdentityProvider(self.university.entity_id, ())

    def check(self) -> None:
        """What happens when the response comes in; raises where it is refused."""
        self.ours.verify(encoded(self.xml), self._asked, _REQUEST_ID, now=datetime.now(UTC))


def _by_program(program: str, checked: _Checked) -> Callable[[], object]:
    backend = CryptoBackendXmlSec1(program)
    assertion = etree.fromstring(checked.xml).find(f"{{{_ASSERTION}}}Assertion")
    certificate = str(checked.university.keys.certificate_file)
    response = base64.b64decode(encoded(checked.xml)).decode()

    def verify() -> None:
        # Raises where the program says no.
        backend.validate_signature(response, certificate, "pem", f"{_ASSERTION}:Assertion", assertion.get("ID"))

    return verify


def _medians(works: list[Callable[[], object]], repetitions: int) -> list[float]:
    times: list[list[float]] = [[] for _ in works]
    for work in works:
        work()  # what is read and compiled once
    for _ in range(repetitions):
        for work, taken in zip(works, times, strict=True):
            begin = perf_counter()
            work()
            taken.append(perf_counter() - begin)
    return [median(taken) for taken in times]
