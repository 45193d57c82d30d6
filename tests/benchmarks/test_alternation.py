"""Sides take turns, and the figures are medians of the rounds."""

from benchmarks.alternation import Figures, Usage, alternate, spread


def usage(operations: int, server: float, mongod: float = 0.0, commands: float = 0) -> Usage:
    return Usage(operations, server, mongod, commands)


def test_sides_take_turns() -> None:
    turns = []

    def measure(side: str) -> Usage:
        turns.append(side)
        return usage(1, 1.0)

    alternate(["a", "b"], 3, measure)
    assert "".join(turns) == "ababab"


def test_a_rate_is_the_median_of_the_rounds() -> None:
    figures = Figures([usage(100, 1.0), usage(100, 2.0), usage(100, 50.0)])
    assert figures.rate == 50


def test_mongod_counts_in_the_second_rate_alone() -> None:
    figures = Figures([usage(100, 1.0, 1.0)])
    assert (figures.rate, figures.rate_with_mongod) == (100, 50)


def test_commands_are_counted_per_operation() -> None:
    assert Figures([usage(10, 1.0, commands=70)]).commands == 7


def test_no_time_at_all_is_taken_for_one_tick() -> None:
    assert Figures([usage(10, 0.0)]).rate == 1_000


def test_the_spread_compares_rounds_that_were_neighbours() -> None:
    left, right = Figures([usage(100, 1.0), usage(100, 2.0)]), Figures([usage(100, 2.0), usage(100, 1.0)])
    assert spread(left, right) == (0.5, 2.0)
