"""What a form posts is read strictly: one value for each field, and no more fields than a form of ours has."""

import pytest

from tests.web.proofing_world import CAMILLE, World
from tests.web.visitor import HOST, Visitor

FORM = "application/x-www-form-urlencoded"


def posted(visitor: Visitor, path: str, *more: tuple[str, str]) -> Visitor:
    """Post these fields, some of them several times, with the token of the page."""
    token = visitor.tree.xpath("//input[@name='csrf_token']/@value")[0]
    data: dict[str, list[str]] = {"csrf_token": [token]}
    for name, value in more:
        data.setdefault(name, []).append(value)
    visitor.last = visitor._client.post(path, data=data, headers=HOST)
    return visitor


@pytest.mark.parametrize("times", [0, 2])
def test_a_field_that_is_needed_is_sent_once(world: World, times: int) -> None:
    person = world.browser().start(CAMILLE)
    posted(person, f"/sign-in/{person.handle}/methods", *[("password", "trois pommes vertes")] * times)
    assert (person.last.status_code, person.step) == (400, "error")
    assert world.events("sign_in.failed") == []


def test_a_field_that_may_be_missing_is_not_sent_twice(world: World) -> None:
    person = world.browser().start(CAMILLE)
    path, password = f"/sign-in/{person.handle}/methods", ("password", "trois pommes vertes")
    assert posted(person, path, password, ("shared", "yes"), ("shared", "")).last.status_code == 400
    assert world.events("sign_in.failed") == []


@pytest.mark.parametrize(("separators", "status"), [(100, 401), (101, 400)])
def test_a_form_has_a_hundred_fields_and_no_more(world: World, separators: int, status: int) -> None:
    body = "&".join(f"a{number}=b" for number in range(separators + 1))
    answer = world.app.test_client().post("/token", data=body, content_type=FORM, headers=HOST)
    assert answer.status_code == status


def test_a_value_may_hold_what_parts_fields_in_another_kind_of_form(world: World) -> None:
    """Where each field has a part of its own, « & » parts nothing."""
    answer = world.app.test_client().post(
        "/token", data={"a": "&" * 200}, content_type="multipart/form-data", headers=HOST
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "application/xml"])
def test_what_is_no_form_is_refused_before_it_is_read(world: World, kind: str) -> None:
    """A page of another site posts text/plain without that anybody is asked first (Fetch, section 2.2.2)."""
    answer = world.app.test_client().post("/token", data="grant_type=x", content_type=kind, headers=HOST)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_a_posted_request_is_read_from_its_body_alone(world: World) -> None:
    """What stands in an address is logged by proxies, and part of no form (RFC 6749 section 2.3.1)."""
    answer = world.app.test_client().post(
        "/token?client_id=exams&client_secret=a-secret-of-the-exams", data={"grant_type": "x"}, headers=HOST
    )
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")
