"""What a browser says that it is becomes two words of closed lists, and nothing else."""

import pytest

from idp.domain.device_kinds import kind_of

MOZILLA = "Mozilla/5.0 "
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko) "


@pytest.mark.parametrize(
    ("user_agent", "browser", "system"),
    [
        ("(Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox", "Windows"),
        (f"(Windows NT 10.0; Win64; x64) {WEBKIT}Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0", "Edge", "Windows"),
        (f"(Macintosh; Intel Mac OS X 10_15_7) {WEBKIT}Chrome/142.0.0.0 Safari/537.36", "Chrome", "Mac"),
        (f"(Macintosh; Intel Mac OS X 10_15_7) {WEBKIT}Version/26.0 Safari/605.1.15", "Safari", "Mac"),
        (f"(iPhone; CPU iPhone OS 18_6 like Mac OS X) {WEBKIT}Version/26.0 Mobile Safari/604.1", "Safari", "iPhone"),
        (f"(iPhone; CPU iPhone OS 18_6 like Mac OS X) {WEBKIT}FxiOS/145.0 Safari/605.1.15", "Firefox", "iPhone"),
        (f"(iPad; CPU OS 18_6 like Mac OS X) {WEBKIT}CriOS/142.0 Mobile Safari/604.1", "Chrome", "iPad"),
        (
            f"(Linux; Android 10; K) {WEBKIT}SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36",
            "Samsung Internet",
            "Android",
        ),
        (f"(X11; Linux x86_64) {WEBKIT}Chrome/142.0.0.0 Safari/537.36 OPR/126.0.0.0", "Opera", "Linux"),
        (f"(X11; CrOS x86_64 14541.0.0) {WEBKIT}Chrome/142.0.0.0 Safari/537.36", "Chrome", "ChromeOS"),
        (f"(iPhone; CPU iPhone OS 18_6 like Mac OS X) {WEBKIT}Mobile/15E148", "", "iPhone"),
    ],
)
def test_browsers_are_named_as_people_know_them(user_agent: str, browser: str, system: str) -> None:
    kind = kind_of(MOZILLA + user_agent)
    assert kind is not None
    assert (kind.browser, kind.system) == (browser, system)


@pytest.mark.parametrize("told", ["", "curl/8.14", "\x00\ud800<script>", "x" * 100_000, "x" * 600 + "Firefox/145.0"])
def test_who_says_nothing_or_nonsense_is_of_no_kind(told: str) -> None:
    assert kind_of(told) is None


def test_nothing_that_a_browser_makes_up_gets_in() -> None:
    kind = kind_of("Mozilla/5.0 (Windows NT 10.0; Camille's own PC <b>) MyBrowser/1 Firefox/145.0")
    assert kind is not None
    assert (kind.browser, kind.system) == ("Firefox", "Windows")
