"""start_by: one stored instant per waiting task, in the business time of its queue."""

from datetime import UTC, datetime, timedelta

import pytest

from taskhub.calendars import BusinessCalendar, Opening
from taskhub.errors import InvalidInput
from taskhub.tasks.order import ORDERS, start_by

DAY = (Opening.parse("09:00-17:00"),)
OFFICE = BusinessCalendar("office", "UTC", dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), DAY))
MAX_WAIT = {"low": timedelta(hours=40), "normal": timedelta(hours=16), "urgent": timedelta(hours=1)}


def monday(hour: int, minute: int = 0, day: int = 23) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def order(
    name: str, *, ready: datetime, due: datetime | None, minutes: float = 30, priority: str = "normal"
) -> datetime:
    return start_by(
        name, ready_at=ready, due_at=due, minutes=minutes, priority=priority, max_wait=MAX_WAIT, calendar=OFFICE
    )


def test_urgency_is_the_last_moment_to_begin_and_be_on_time() -> None:
    assert order("urgency", ready=monday(9), due=monday(15)) == monday(14, 30)


def test_urgency_counts_business_time_back_from_the_due_time() -> None:
    assert order("urgency", ready=monday(9), due=monday(9, 10, day=24), minutes=30) == monday(16, 40)


def test_urgency_never_waits_longer_than_the_priority_may() -> None:
    assert order("urgency", ready=monday(9), due=monday(15), priority="urgent") == monday(10)
    assert order("urgency", ready=monday(9), due=None) == monday(17, day=24)


def test_urgency_is_never_before_the_task_is_ready() -> None:
    assert order("urgency", ready=monday(16), due=monday(10)) == monday(16)
    assert order("urgency", ready=monday(9), due=monday(9, 10), minutes=480) == monday(9)


def test_nothing_ready_after_start_by_can_stand_before_it() -> None:
    """The bound on waiting: whatever becomes ready later than X.start_by gets a later start_by."""
    first = order("urgency", ready=monday(9), due=monday(15))
    for name in ORDERS:
        late = order(name, ready=first + timedelta(seconds=1), due=monday(9), priority="urgent", minutes=500)
        assert late > first


@pytest.mark.parametrize(
    ("name", "with_due", "without"),
    [
        ("due", monday(15), monday(17, day=24)),
        ("priority", monday(17, day=24), monday(17, day=24)),
        ("fifo", monday(9), monday(9)),
    ],
)
def test_other_orders(name: str, with_due: datetime, without: datetime) -> None:
    assert order(name, ready=monday(9), due=monday(15)) == with_due
    assert order(name, ready=monday(9), due=None) == without


def test_an_order_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"urgncy.*urgency"):
        order("urgncy", ready=monday(9), due=None)
