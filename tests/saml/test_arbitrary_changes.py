"""Any change to a signed response, by bytes or by elements: refused, or the very same is read (O-01, O-02, O-08)."""

import os
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from idp.domain.errors import Refusal
from idp.domain.proofing import Vouching
from tests.saml import identity_provider as university

Verify = Callable[[Any], Vouching]

SIGNED = pytest.mark.parametrize(("response", "assertion"), [(True, False), (False, True), (True, True)])
MANY = settings(max_examples=int(os.environ.get("FUZZ_EXAMPLES", "80")))


@pytest.fixture(scope="module")
def originals(key: university.Key) -> dict[tuple[bool, bool], university.Element]:
    return {
        (response, assertion): university.signed(university.Draft(), key, response=response, assertion=assertion)
        for response, assertion in ((True, False), (False, True), (True, True))
    }


def _refused_or_the_same(verify: Verify, response: Any, original: Any) -> None:
    try:
        vouching = verify(response)
    except Refusal:
        return
    # The Response's own id is not signed where only the assertion is.
    expected = verify(original)
    assert vouching.assertion_id == expected.assertion_id
    assert (vouching.identifiers, vouching.mails) == (expected.identifiers, expected.mails)
    assert (vouching.attributes, vouching.authn_instant) == (expected.attributes, expected.authn_instant)


@SIGNED
@MANY
@given(data=st.data())
def test_o_02_changed_bytes_are_refused_or_change_nothing(
    data: st.DataObject, verify: Verify, originals: Any, response: bool, assertion: bool
) -> None:
    original = originals[response, assertion]
    xml = bytearray(etree.tostring(original))
    position = data.draw(st.integers(0, len(xml) - 1))
    xml[position : position + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    _refused_or_the_same(verify, bytes(xml), original)


def _remove(element: university.Element, target: university.Element) -> None:
    if element.getparent() is not None:
        element.getparent().remove(element)


def _copy_before(element: university.Element, target: university.Element) -> None:
    if target.getparent() is not None:
        target.addprevious(deepcopy(element))


def _copy_into(element: university.Element, target: university.Element) -> None:
    target.append(deepcopy(element))


def _move_into(element: university.Element, target: university.Element) -> None:
    if element.getparent() is not None and element not in target.iterancestors() and element is not target:
        target.insert(0, element)


def _evil_copy_before(element: university.Element, target: university.Element) -> None:
    evil = deepcopy(element)
    for inside in evil.iter():
        if inside.text and "camille" in inside.text:
            inside.text = "attaquant@etu.univ-exemple.fr"
        if inside.get("ID"):
            inside.set("ID", inside.get("ID") + "x")
    if target.getparent() is not None:
        target.addprevious(evil)


def _change_text(element: university.Element, target: university.Element) -> None:
    element.text = (element.text or "") + "x"


def _take_attributes(element: university.Element, target: university.Element) -> None:
    element.attrib.update(dict(target.attrib))


CHANGES = [
    _remove,
    _copy_before,
    _copy_into,
    _move_into,
    _evil_copy_before,
    _change_text,
    _take_attributes,
]


@SIGNED
@MANY
@given(data=st.data())
def test_o_01_rearranged_elements_are_refused_or_change_nothing(
    data: st.DataObject, verify: Verify, originals: Any, response: bool, assertion: bool
) -> None:
    original = originals[response, assertion]
    root = deepcopy(original)
    for _ in range(data.draw(st.integers(1, 3))):
        elements = list(root.iter())
        change = data.draw(st.sampled_from(CHANGES))
        change(data.draw(st.sampled_from(elements)), data.draw(st.sampled_from(elements)))
    _refused_or_the_same(verify, etree.tostring(root), original)
