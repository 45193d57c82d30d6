"""Whatever a university signs and whatever a stranger posts is read or refused, never a fault of ours (O-01, O-12)."""

import base64
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider
from idp.domain.proofing import Vouching
from idp.saml.service_provider import ServiceProvider
from tests.fuzz_corpus import POSTED
from tests.saml import identity_provider as university

Verify = Callable[[Any], Vouching]

MANY = settings(max_examples=int(os.environ.get("FUZZ_EXAMPLES", "80")))
IN_XML = st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Z"))
TEXTS = st.text(IN_XML, max_size=15) | st.sampled_from(
    ["", "camille@univ-exemple.fr", "a@b@univ-exemple.fr", "2016-02-30T00:00:00Z", university.SP_ENTITY_ID, "_x"]
)
NAMES = ("mail", "eppn", "subject-id", "pairwise-id", "displayName", "affiliation", "sn", "givenName")
DRAFTS = st.fixed_dictionaries(
    {},
    optional={
        "attributes": st.dictionaries(
            st.sampled_from(NAMES), st.lists(TEXTS, max_size=3).map(tuple), min_size=1, max_size=5
        ),
        "issuer": TEXTS,
        "response_id": st.sampled_from(["_r", "r", "_é", "_r-1"]),
        "in_response_to": st.none() | TEXTS,
        "audience": st.none() | TEXTS,
        "recipient": st.none() | TEXTS,
        "destination": st.none() | TEXTS,
        "status": st.lists(TEXTS, min_size=1, max_size=3).map(tuple),
    },
)
TAGS = st.sampled_from(
    [f"{{{university.SAML}}}{name}" for name in ("Assertion", "Subject", "NameID", "Conditions", "AttributeStatement")]
    + [f"{{{university.SAML}}}{name}" for name in ("Attribute", "AttributeValue", "EncryptedAssertion", "Issuer")]
    + [f"{{{university.SAMLP}}}{name}" for name in ("Response", "Status", "StatusCode", "Extensions")]
    + [f"{{{university.DS}}}{name}" for name in ("Signature", "SignedInfo", "Reference", "KeyInfo", "Object")]
    + [f"{{{university.XENC}}}{name}" for name in ("EncryptedData", "CipherData", "CipherValue", "EncryptedKey")]
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["ID", "Id", "URI", "Algorithm", "Version", "IssueInstant", "InResponseTo", "Name"]),
    TEXTS,
    max_size=3,
)


def _element(tag: str, attributes: dict[str, str], text: str, children: list[Any]) -> university.Element:
    element = etree.Element(tag, attributes)
    element.text = text
    element.extend(children)
    return element


LEAVES = st.builds(_element, TAGS, ATTRIBUTES, TEXTS, st.just([]))
TREES = st.recursive(
    LEAVES, lambda inner: st.builds(_element, TAGS, ATTRIBUTES, TEXTS, st.lists(inner, max_size=3)), max_leaves=10
)


@MANY
@given(changes=DRAFTS, response=st.booleans())
def test_whatever_a_university_signs_is_read_or_refused(
    verify: Verify, key: university.Key, changes: dict[str, Any], response: bool
) -> None:
    draft = university.Draft().changed(**changes)
    # What is no success has no assertion that could be signed.
    whole = response or "status" in changes
    try:
        vouching = verify(university.signed(draft, key, response=whole, assertion=not whole))
    except Refusal:
        return
    assert vouching.entity_id == university.ENTITY_ID
    assert set(vouching.mails) <= {value.strip() for value in draft.attributes.get("mail", ())}


@MANY
@given(tree=TREES, data=st.data())
def test_what_a_university_adds_and_signs_is_read_or_refused(
    verify: Verify, key: university.Key, tree: university.Element, data: st.DataObject
) -> None:
    root = university.build(university.Draft())
    data.draw(st.sampled_from(list(root.iter()))).append(tree)
    university.sign(root, key)
    # Some places take anything, e.g. SubjectConfirmationData (SAML core 2.4.1.2); never a second assertion.
    with suppress(Refusal):
        assert verify(root).assertion_id == "_assertion-1"
        assert len(root.findall(".//saml:Assertion", university.NS)) == 1


@MANY
@given(tree=TREES)
def test_any_document_of_saml_s_own_words_is_refused(verify: Verify, tree: university.Element) -> None:
    with pytest.raises(Refusal):
        verify(tree)


@pytest.mark.parametrize("posted", POSTED.values(), ids=POSTED.keys())
def test_nothing_at_the_edges_of_a_response_is_believed(
    service_provider: ServiceProvider, provider: IdentityProvider, posted: str
) -> None:
    # Which request it says that it answers is looked at before its signature, and believed by nobody.
    with suppress(Refusal):
        assert service_provider.claimed_request_id(posted) == university.REQUEST_ID
    with pytest.raises(Refusal):
        service_provider.verify(posted, provider, university.REQUEST_ID, now=university.NOW)


@MANY
@given(posted=st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.b64encode(raw).decode()))
def test_any_text_is_refused(service_provider: ServiceProvider, provider: IdentityProvider, posted: str) -> None:
    with pytest.raises(Refusal):
        service_provider.claimed_request_id(posted)
    with pytest.raises(Refusal):
        service_provider.verify(posted, provider, university.REQUEST_ID, now=university.NOW)
