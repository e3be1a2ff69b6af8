"""Who is passed when a queue goes ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from taskhub.tasks.order import put_ahead
from taskhub.tasks.overtaking import Moved, Place, overtaken

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def place(id_: str, minute: int, queue: str = "b") -> Place:
    return Place(id_, queue, NOON + timedelta(minutes=minute), NOON)


def moved(id_: str, minute: int, to: int) -> Moved:
    return Moved(place(id_, minute, "a"), NOON + timedelta(minutes=to))


class Wall:
    """Time that always counts."""

    def add(self, start: datetime, budget: timedelta) -> datetime:
        return start + budget

    def sub(self, end: datetime, budget: timedelta) -> datetime:
        return end - budget


def test_only_what_stood_before_and_would_stand_behind_is_passed() -> None:
    found = overtaken(
        [moved("x", 60, 20), moved("y", 90, 50)], [place("p", 10), place("q", 30), place("r", 55), place("s", 95)]
    )
    assert found.tasks == [("q", "b", 1), ("r", "b", 2)]
    assert (found.moved, found.queues) == (2, {"b": 2})


def test_what_does_not_move_passes_nobody() -> None:
    assert overtaken([moved("x", 60, 60)], [place("p", 30)]).tasks == []


minutes = st.integers(0, 300)


@given(st.lists(st.tuples(minutes, minutes), max_size=12), st.lists(minutes, max_size=12))
def test_the_count_is_the_plain_one(ours: list[tuple[int, int]], others: list[int]) -> None:
    jumps = [moved(f"m{n}", max(pair), min(pair)) for n, pair in enumerate(ours)]
    rest = [place(f"p{n}", minute) for n, minute in enumerate(others)]
    plain = {
        other.id: count
        for other in rest
        if (count := sum(one.order < other.order < one.place.order for one in jumps)) > 0
    }
    assert {id_: count for id_, _, count in overtaken(jumps, rest).tasks} == plain


@settings(max_examples=max(500, settings.default.max_examples))
@given(minutes, st.integers(0, 500), st.integers(0, 400), minutes)
def test_nothing_ready_after_a_start_by_is_put_before_it(waits: int, late: int, ahead: int, start: int) -> None:
    """The bound on waiting holds in a period: Y becomes ready after X was to start, however far Y goes ahead."""
    x = NOON + timedelta(minutes=waits)
    ready = x + timedelta(minutes=late, seconds=1)
    y = put_ahead(ready + timedelta(minutes=start), ready, timedelta(minutes=ahead), Wall())
    assert ready <= y <= ready + timedelta(minutes=start)
    assert y > x
