"""Keys are replaced step by step while people sign in: the universities' by metadata alone, ours by our commands."""

import pytest

from idp.demo.service_provider import ServiceProvider
from tests.chaos.client import Client
from tests.chaos.first_sign_ins import FirstSignIns
from tests.chaos.journey import Stopped, sign_in_first_time
from tests.chaos.universities import University, our_metadata


def roll_universities(load: FirstSignIns, seconds: float) -> None:
    """Old keys, both, the new alone; each university signs with its old key until both are in use. seconds: a phase."""
    federation = load.federation
    load.go_on("old keys", seconds)
    federation.publish(federation.both_keys())
    federation.wait_until_in_use()
    load.go_on("both published, signed with the old", seconds)
    for university, signs in zip(load.universities, federation.new, strict=True):
        university.signs = signs
    load.go_on("both published, signed with the new", seconds)
    federation.publish(federation.new_keys())
    federation.wait_until_in_use()
    load.go_on("new keys alone", seconds)


def assert_refused(load: FirstSignIns, university: University, reason: str) -> None:
    """What this university answers is not believed: no mail, no account."""
    person, client = university.person(next(load.numbers)), Client(load.provider.port)
    before = load.provider.log().count(reason)
    with pytest.raises(Stopped) as stopped:
        sign_in_first_time(client, person, university, lambda: pytest.fail("a code was mailed"))
    refused = stopped.value.answer
    assert refused.path.startswith("/saml/acs")
    assert refused.status == 400
    assert load.provider.log().count(reason) == before + 1


def roll_our_keys(load: FirstSignIns, seconds: float) -> ServiceProvider:
    """``idp keys saml`` add, switch, remove; universities go on with what they knew for a while before they read it.

    Returns the metadata that names both keys, the old one first.
    """
    [old] = _published(load, 1).encryption_certificates
    load.go_on("our old key", seconds)

    load.provider.administer("keys", "saml", "add")
    both = _published(load, 2)
    load.go_on("second added, old metadata", seconds)
    _read(load, both)
    load.go_on("second added, metadata with both", seconds)

    load.provider.administer("keys", "saml", "switch", "--force")
    new = _published(load, 1)
    assert old not in new.encryption_certificates
    load.go_on("switched, metadata with both", seconds)
    _read(load, new)
    load.go_on("switched, new metadata", seconds)

    load.provider.administer("keys", "saml", "remove", "--force")
    load.go_on("old key removed", seconds)
    return both


def _published(load: FirstSignIns, number: int) -> ServiceProvider:
    """Our metadata, once every worker names so many certificates."""
    load.provider.wait_until_everywhere(lambda client: len(our_metadata(client).encryption_certificates) == number)
    return our_metadata(Client(load.provider.port))


def _read(load: FirstSignIns, metadata: ServiceProvider) -> None:
    for university in load.universities:
        university.knows = metadata
