"""Which requests wait for a turn to be hashed, and in which line."""

from contextvars import copy_context

import pytest

from idp.domain.passwords import HashingBounds, Places
from idp.web.browser import Browser
from idp.web.password_lines import PasswordLines
from tests.web.proofing_world import World

BOUNDS = HashingBounds(at_once=1, in_all=6)


def request_of(line: str, cookies: str = "idp_session=abc", body: str = "csrf_token=x&password=y") -> bytes:
    return f"{line} HTTP/1.1\r\nHost: idp.example\r\nCookie: {cookies}\r\n\r\n{body}".encode()


def test_strangers_and_browsers_that_signed_in_before_wait_among_themselves() -> None:
    lines = PasswordLines(BOUNDS)
    stranger = lines.line_of(request_of("POST /sign-in/abc/methods"))
    known = lines.line_of(request_of("POST /sign-in/abc/methods", "idp_session=abc; idp_device=def"))
    assert stranger is not None
    assert known is not None
    assert stranger is not known
    assert lines.all == (known, stranger)


@pytest.mark.parametrize(("in_all", "turns"), [(6, [4, 2]), (16, [10, 6]), (2, [1, 1]), (1, [1, 0])])
def test_no_line_has_all_turns_where_there_are_two_or_more(in_all: int, turns: list[int]) -> None:
    for order in (1, -1):
        lines = PasswordLines(HashingBounds(at_once=1, in_all=in_all))
        assert [sum(line.take_turn() for _ in range(20)) for line in lines.all[::order]] == turns


@pytest.mark.parametrize(
    "line",
    [
        "GET /sign-in/abc/methods",
        "POST /sign-in/abc/code",
        "POST /sign-in/abc/methods/more",
        "POST /token?/sign-in/a/methods",
    ],
)
def test_nobody_else_waits(line: str) -> None:
    assert PasswordLines(BOUNDS).line_of(request_of(line)) is None


@pytest.mark.parametrize(
    "line",
    [
        "POST /sign-%69n/abc/methods",
        "POST /sign-in/%61bc/m%65thods?lang=fr",
        "POST /sign-in%2Fabc%2fmethods",
        "\r\nPOST /sign-in/abc/methods",
        "POST https://idp.example/sign-in/abc/methods",
        "POST /sign-in/abc/methods#fragment",
    ],
)
def test_nobody_gets_past_the_line_by_writing_the_address_otherwise(line: str) -> None:
    assert PasswordLines(BOUNDS).line_of(request_of(line)) is not None


@pytest.mark.parametrize("before", ["", "/idp"])
def test_the_page_is_the_one_that_takes_passwords(world: World, before: str) -> None:
    routes = world.app.url_map.bind("idp.example", script_name=before)
    path = routes.build("sign_in.with_password", {"authorization_id": "a-b_C", "lang": "fr"}, method="POST")
    assert path.startswith(f"{before}/")
    assert PasswordLines(BOUNDS).line_of(request_of(f"POST {path}")) is not None


@pytest.mark.parametrize(
    ("endpoint", "named"),
    [
        ("new_password.create", {"authorization_id": "a-b_C"}),
        ("renewed_password.choose", {"authorization_id": "a-b_C"}),
        ("account.change_password", {}),
        ("merging.accept", {"merge_id": "abc"}),
    ],
)
def test_who_has_proven_who_they_are_does_not_wait_among_strangers(
    world: World, endpoint: str, named: dict[str, str]
) -> None:
    path = world.app.url_map.bind("idp.example").build(endpoint, named, method="POST")
    lines = PasswordLines(BOUNDS)
    assert lines.line_of(request_of(f"POST {path}")) is lines.all[0]


@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize("header", ["Cookie", "cookie"])
def test_the_cookie_is_that_of_a_known_browser(*, secure: bool, header: str) -> None:
    # No session is asked for a name.
    name = Browser(None, secure).cookie_name("device")  # type: ignore[arg-type]
    lines = PasswordLines(BOUNDS)
    asked = request_of("POST /sign-in/abc/methods", f"{name}=def").replace(b"Cookie:", f"{header}:".encode())
    assert lines.line_of(asked) is lines.all[0]


def test_what_was_waited_here_counts_as_waiting_for_the_hash() -> None:
    heard: list[float] = []

    class Times:
        def hashed(self, waited: float, seconds: float) -> None:
            heard.append(waited)

        def turned_away(self) -> None: ...

    def serve(waited: float) -> None:
        PasswordLines(BOUNDS).has_waited(waited)
        Places(BOUNDS, Times()).run(lambda: "hashed")

    for waited in (7.0, 0.0):
        copy_context().run(serve, waited)
    assert 7 <= heard[0] < 14
    assert heard[1] < 7
