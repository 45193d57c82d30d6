"""What must be there of one writer: everything, but for what was never written, purged, or may be on its way."""

from collections.abc import Sequence

from idp.domain.audit_sequence import AuditSequence, Numbered


def missing(
    *events: Numbered | int, leaving: Sequence[int] = (), young: Sequence[int] = ()
) -> tuple[tuple[int, int], ...]:
    sequence = AuditSequence()
    for given in events:
        event = Numbered(given) if isinstance(given, int) else given
        assert sequence.add(event, stays=event.number not in leaving, is_settled=event.number not in young)
    return sequence.missing()


def test_what_is_complete_lacks_nothing_in_any_order() -> None:
    assert missing(3, 1, 4, 2) == ()


def test_numbers_between_two_events_are_missed() -> None:
    assert missing(1, 4, 6) == ((2, 3), (5, 5))


def test_a_number_that_is_there_twice_is_told() -> None:
    sequence = AuditSequence()
    assert sequence.add(Numbered(1), stays=True, is_settled=True)
    assert not sequence.add(Numbered(1), stays=True, is_settled=True)


def test_what_was_declared_lost_is_not_missed_whether_it_arrived_or_not() -> None:
    assert missing(1, Numbered(5, lost=[(2, 3)])) == ((4, 4),)
    assert missing(1, 2, 3, 4, Numbered(5, lost=[(2, 3)])) == ()


def test_what_was_in_flight_at_the_end_is_not_missed_and_is_once_somebody_wrote_after_it() -> None:
    """A process that was killed: 3 and 4 were written side by side, and 3 may never have arrived."""
    assert missing(1, 2, Numbered(4, open=[3])) == ()
    assert missing(1, 2, Numbered(4, open=[3]), 5) == ((3, 3),)


def test_the_oldest_may_be_purged_also_out_of_order() -> None:
    assert missing(8, 9) == ()
    # 7 was appended after 6, with an earlier time.
    assert missing(6, 8, 9, leaving=[6]) == ()


def test_what_is_young_vouches_for_nothing_yet() -> None:
    assert missing(1, 2, 4, young=[4]) == ()
    assert missing(1, 2, 4, 6, young=[6]) == ((3, 3),)


def test_where_nothing_can_have_been_purged_the_first_numbers_are_missed_too() -> None:
    sequence = AuditSequence()
    for number in (4, 3):
        assert sequence.add(Numbered(number), stays=True, is_settled=True, is_whole=True)
    assert sequence.missing() == ((1, 2),)


def test_the_first_numbers_are_missed_but_for_those_declared_lost_or_in_flight() -> None:
    sequence = AuditSequence()
    assert sequence.add(Numbered(4, lost=[(1, 2)], open=[3]), stays=True, is_settled=True, is_whole=True)
    assert sequence.missing() == ()
