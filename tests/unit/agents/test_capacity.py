"""What counts against a capacity and what is left of it."""

from datetime import UTC, datetime, timedelta

import pytest

from taskhub.agents.capacity import Open, effective, free, minutes_left

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_paused_work_counts_where_the_queue_says_so() -> None:
    assert Open(assigned=1, in_progress=1, paused=3).held == 2
    assert Open(assigned=1, in_progress=1, paused=3, paused_counts=True).held == 5


@pytest.mark.parametrize(
    ("capacity", "share", "hours", "holds"),
    [
        (5, 0.5, None, 5),
        (5, 0.5, 1, 2),
        (5, 0.5, 0, 5),
        (5, 0.01, 1, 1),
        (5, 9.0, 1, 5),
        (0, 0.5, 1, 0),
    ],
)
def test_after_a_return_a_share_of_the_capacity_holds(
    capacity: int, share: float, hours: int | None, holds: int
) -> None:
    until = None if hours is None else NOW + timedelta(hours=hours)
    assert effective(capacity, share, until, NOW) == holds


def test_free_never_falls_below_zero() -> None:
    assert [free(3, held) for held in (0, 2, 3, 9)] == [3, 1, 0, 0]
    assert free(2.5, 2) == 1


def test_in_minutes_the_task_that_crosses_the_limit_is_the_last() -> None:
    assert minutes_left(None, 9999)
    assert minutes_left(60, 59)
    assert not minutes_left(60, 60)
