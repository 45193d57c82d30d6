"""Runs of numbers behave as a set does."""

from hypothesis import given
from hypothesis import strategies as st

from idp.domain.number_runs import NumberRuns

NUMBERS = st.lists(st.integers(1, 40), max_size=40)


@given(NUMBERS, st.integers(1, 40), st.integers(0, 45))
def test_they_hold_what_was_added_and_know_what_is_absent(numbers: list[int], low: int, high: int) -> None:
    runs, seen = NumberRuns(), set[int]()
    for number in numbers:
        assert runs.add(number) == (number not in seen)
        seen.add(number)
    assert {number for number in range(45) if number in runs} == seen
    assert list(runs.absent(low, high)) == [n for n in range(low, high + 1) if n not in seen]
    ends = [end for run in runs for end in run]
    assert ends == sorted(ends)
    assert all(later - before > 1 for before, later in zip(ends[1::2], ends[2::2], strict=False))


def test_a_row_is_one_run() -> None:
    assert list(NumberRuns([3, 1, 2, 7])) == [(1, 3), (7, 7)]
