"""Who waits for a turn, and for how long."""

from typing import Any

from idp.web.waiting_line import Turns, WaitingLine


def line_of(turns: int, **more: Any) -> WaitingLine[str]:
    return WaitingLine(Turns(turns), turns, **more)


def test_so_many_have_their_turn_at_a_time() -> None:
    line = line_of(2)
    assert [line.take_turn() for _ in range(3)] == [True, True, False]
    line.end_turn()
    assert [line.take_turn() for _ in range(2)] == [True, False]


def test_turns_come_in_the_order_in_which_people_came() -> None:
    line = line_of(1)
    line.take_turn()
    assert line.join("first", now=0)
    assert line.join("second", now=0)
    assert line.next_turn() is None
    for expected in ("first", "second", None):
        line.end_turn()
        assert line.next_turn() == expected


def test_two_lines_share_their_turns_and_neither_has_them_all() -> None:
    turns = Turns(3)
    one, other = WaitingLine[str](turns, 2), WaitingLine[str](turns, 2)
    assert [one.take_turn() for _ in range(3)] == [True, True, False]
    assert [other.take_turn() for _ in range(2)] == [True, False]
    one.join("one", now=0)
    other.join("other", now=0)
    one.end_turn()
    assert (one.next_turn(), other.next_turn()) == ("one", None)
    one.end_turn()
    assert (one.next_turn(), other.next_turn()) == (None, "other")


def test_there_is_room_for_so_many() -> None:
    line = line_of(1, room=2)
    line.take_turn()
    assert [line.join(who, now=0) for who in "abc"] == [True, True, False]


def test_nobody_waits_for_longer_than_patience_lasts() -> None:
    line = line_of(1, patience=10)
    line.take_turn()
    for who, came in (("a", 0), ("b", 1), ("c", 2)):
        line.join(who, now=came)
    assert list(line.out_of_patience(now=9.9)) == []
    assert list(line.out_of_patience(now=11)) == ["a", "b"]
    line.end_turn()
    assert line.next_turn() == "c"
