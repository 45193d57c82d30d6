"""How many wrong guesses are evaluated, and whose budget they come from."""

from datetime import timedelta

import pytest

from idp.domain import guessing, one_time_codes
from idp.domain.guessing import Guesser, Guesses, Method, guess_limit, guess_limits
from idp.domain.keyed import SecretKey

SECRET = SecretKey(b"0123456789abcdef0123456789abcdef")
ACCOUNT = Guesser("account")


def test_the_budgets_are_those_that_the_threat_model_tells() -> None:
    """Tests of the journeys count with these names, and would go along with any number."""
    budgets = guess_limits(SECRET, ACCOUNT, Method.PASSWORD) | guess_limits(SECRET, ACCOUNT, Method.CODE)
    assert sorted(budgets.values()) == [10, 20, 20]
    assert timedelta(hours=1) == guessing.WINDOW
    assert (120, timedelta(minutes=10)) == (guessing.NETWORK_BUDGET, guessing.NETWORK_WINDOW)
    assert guessing.MAILS_PER_HOUR == 5
    assert one_time_codes.ATTEMPTS == 5


def test_every_budget_is_of_one_guesser_and_one_method() -> None:
    """A known browser's budget is its own for each account, so that strangers use up none of it."""
    guessers = (ACCOUNT, Guesser("another"), Guesser("account", "device"), Guesser("another", "device"))
    names = [guess_limit(SECRET, guesser, method) for guesser in guessers for method in (None, *Method)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("password", "together", "are_left"),
    [(0, 0, True), (9, 19, True), (10, 10, False), (0, 20, False), (10, 20, False)],
)
def test_one_more_is_evaluated_while_both_budgets_have_room(password: int, together: int, are_left: bool) -> None:
    limits = guess_limits(SECRET, ACCOUNT, Method.PASSWORD)
    lately = {guess_limit(SECRET, ACCOUNT, Method.PASSWORD): password, guess_limit(SECRET, ACCOUNT, None): together}
    assert Guesses(limits, lately).are_left is are_left
    assert Guesses(limits, {}).are_left


def test_every_method_has_a_budget() -> None:
    lost = [method.name for method in Method if method not in guessing.METHOD_BUDGET]
    assert not lost, f"say in METHOD_BUDGET (idp/domain/guessing.py) how many guesses these have: {lost}"
