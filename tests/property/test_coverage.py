"""Gaps in who is there for a kind: exactly the instants at which too few are, whatever absences are planned."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from taskhub.assignment.coverage import NOBODY, ONLY_ONE, gaps

START = datetime(2026, 3, 2, tzinfo=UTC)
PEOPLE = ("ana", "bob", "cat", "dan")


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


HOURS = st.integers(-5, 30)
SPANS = st.lists(st.tuples(HOURS, st.one_of(st.none(), st.integers(1, 20))), max_size=4)
AWAY = st.fixed_dictionaries({}, optional=dict.fromkeys((*PEOPLE, "stranger"), SPANS))


@settings(max_examples=500)
@given(AWAY, st.sets(st.sampled_from(PEOPLE)), st.integers(0, 2), st.integers(1, 24), st.booleans())
def test_gaps_are_the_instants_at_which_few_are_there(raw, people, few, hours, open_end) -> None:
    away = {key: [(at(b), None if n is None else at(b + n)) for b, n in spans] for key, spans in raw.items()}
    until = None if open_end else at(hours)
    found = gaps(people, away, START, until, few)
    for hour in range(60 if open_end else hours):
        now = at(hour) + timedelta(minutes=30)
        there = {key for key in people if not any(b <= now and (e is None or now < e) for b, e in away.get(key, ()))}
        inside = [gap for gap in found if gap.since <= now and (gap.until is None or now < gap.until)]
        assert len(inside) == (len(there) <= few)
        assert all(set(gap.left) == there for gap in inside)
        assert all(gap.code == (ONLY_ONE if there else NOBODY) for gap in inside)
    for one, two in pairwise(found):
        assert one.until is not None
        assert one.until < two.since or one.left != two.left
        assert one.until <= two.since


@settings(max_examples=100)
@given(AWAY, st.sets(st.sampled_from(PEOPLE), min_size=1))
def test_a_stranger_changes_nothing(raw, people) -> None:
    away = {key: [(at(b), None if n is None else at(b + n)) for b, n in spans] for key, spans in raw.items()}
    without = {key: spans for key, spans in away.items() if key in people}
    assert gaps(people, away, START, at(24)) == gaps(people, without, START, at(24))
