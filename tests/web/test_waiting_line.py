"""Who waits for a turn, and for how long."""

from idp.web.waiting_line import WaitingLine


def test_so_many_have_their_turn_at_a_time() -> None:
    line = WaitingLine[str](turns=2)
    assert [line.take_turn() for _ in range(3)] == [True, True, False]


def test_turns_pass_in_the_order_in_which_people_came() -> None:
    line = WaitingLine[str](turns=1)
    line.take_turn()
    assert line.join("first", now=0)
    assert line.join("second", now=0)
    assert [line.pass_turn() for _ in range(3)] == ["first", "second", None]


def test_a_turn_that_nobody_waits_for_is_free_again() -> None:
    line = WaitingLine[str](turns=1)
    line.take_turn()
    assert line.pass_turn() is None
    assert [line.take_turn() for _ in range(2)] == [True, False]


def test_there_is_room_for_so_many() -> None:
    line = WaitingLine[str](turns=1, room=2)
    line.take_turn()
    assert [line.join(who, now=0) for who in "abc"] == [True, True, False]


def test_nobody_waits_for_longer_than_patience_lasts() -> None:
    line = WaitingLine[str](turns=1, patience=10)
    line.take_turn()
    for who, came in (("a", 0), ("b", 1), ("c", 2)):
        line.join(who, now=came)
    assert list(line.out_of_patience(now=9.9)) == []
    assert list(line.out_of_patience(now=11)) == ["a", "b"]
    assert line.pass_turn() == "c"
