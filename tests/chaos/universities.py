"""Two universities as the provider's federation publishes them: one signs its answers, one encrypts them as well."""

import itertools
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from idp.demo import people
from idp.demo.aggregate import FILE_NAME, METADATA, write_entities
from idp.demo.authentication_request import read_redirect
from idp.demo.identity_provider import IdentityProvider, encoded
from idp.demo.people import Person
from idp.demo.service_provider import ServiceProvider, read_metadata
from idp.demo.xml_security import Element
from tests.chaos.client import Client
from tests.chaos.provider import WORKERS, Provider
from tests.metrics.reading import Reading
from tests.waiting import wait_until

_SIGNS = replace(people.EXEMPLE, slug="univ-signee", scope="univ-signee.test")
_ENCRYPTS = replace(people.RIVEMARINE, slug="univ-chiffree", scope="univ-chiffree.test")
_BASE_URL = "https://idp.exemple.test"
# What is published later is valid for longer: an older edition would be refused.
_EDITION = timedelta(hours=1)


@dataclass
class University:
    """One of them at this moment; tests change both fields while people sign in.

    signs: with the key in use. knows: our metadata as the university has read it.
    """

    signs: IdentityProvider
    knows: ServiceProvider
    _answered: Iterator[int] = field(default_factory=itertools.count)

    @property
    def slug(self) -> str:
        return self.signs.university.slug

    @property
    def sign_on_url(self) -> str:
        return self.signs.sign_on_url

    def person(self, number: int) -> Person:
        """Somebody invented."""
        username = f"etu{number:06}"
        mail = f"{username}@{self.signs.university.scope}"
        return Person(username, "Camille", f"Exemple {number}", mail, mail, student_number=f"{number:06}")

    def answer(self, location: str, person: Person) -> tuple[str, dict[str, str]]:
        """Where the browser is sent with what, once our request has been checked; raises RefusedRequest."""
        known = self.knows
        request = read_redirect(urlsplit(location).query, known, self.sign_on_url)
        # To each of our certificates in turn: which of several a real university takes is its own choice.
        certificates = known.encryption_certificates
        chosen = certificates[next(self._answered) % len(certificates)]
        encrypting = replace(known, encryption_certificates=(chosen,))
        response = self.signs.response(request.request_id, request.acs_url, person, encrypting)
        return request.acs_url, {"SAMLResponse": encoded(response), "RelayState": request.relay_state}


class Universities:
    """The universities with two keys each, and the signed aggregate that says which of them counts."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.file = provider.federation / FILE_NAME
        self._keys = provider.folder / "university-keys"
        self.old, self.new = self._with_keys("old"), self._with_keys("new")
        self._editions = itertools.count()
        self._taken_over_before = 0

    def universities(self) -> list[University]:
        """As they sign with their old keys, and know us from our metadata of now."""
        known = our_metadata(Client(self.provider.port))
        return [University(signs, known) for signs in self.old]

    def old_keys(self) -> list[Element]:
        return [each.metadata() for each in self.old]

    def both_keys(self) -> list[Element]:
        """One lists its old key first, the other its new one."""
        first, second = zip(self.old, self.new, strict=True)
        return [_with_key_of(*first), _with_key_of(*reversed(second))]

    def new_keys(self) -> list[Element]:
        return [each.metadata() for each in self.new]

    def publish(self, entities: list[Element]) -> None:
        """Replace the aggregate."""
        self._taken_over_before = self._taken_over()
        now = datetime.now(UTC) + next(self._editions) * _EDITION
        write_entities(self.provider.federation, _BASE_URL, self._keys, entities, now=now)

    def wait_until_in_use(self) -> None:
        """Until every worker has taken over what was published last; each says so once."""
        wait_until(lambda: self._taken_over() - self._taken_over_before >= WORKERS)

    def has_problem(self) -> bool:
        """Whether the worker that answers has seen that the file is not good."""
        told = Reading(Client(self.provider.port).get("/metrics").body)
        return bool(told.value("idp_federation_file_problem", file=FILE_NAME))

    def _taken_over(self) -> int:
        return self.provider.log().count("federation.in_use")

    def _with_keys(self, name: str) -> list[IdentityProvider]:
        return [IdentityProvider(university, _BASE_URL, self._keys / name) for university in (_SIGNS, _ENCRYPTS)]


def our_metadata(client: Client) -> ServiceProvider:
    """What we publish for universities, as they read it."""
    return read_metadata(client.get("/saml/metadata").body)


def _with_key_of(first: IdentityProvider, second: IdentityProvider) -> Element:
    entity, key = first.metadata(), f".//{{{METADATA}}}KeyDescriptor"
    entity.find(key).addnext(deepcopy(second.metadata().find(key)))
    return entity
