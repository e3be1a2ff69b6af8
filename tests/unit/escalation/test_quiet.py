from datetime import UTC, datetime

import pytest

from taskhub.escalation.notifications import quiet
from taskhub.escalation.notifications.model import Wishes, reading
from taskhub.policy.promise import NoticePolicy
from taskhub.policy.reading.notices import whole_week

NIGHT = ("20:00-07:00",)
WEEK = (*((day, NIGHT) for day in ("mon", "tue", "wed", "thu", "fri")), ("sat", ("00:00-24:00",)),
        ("sun", ("00:00-24:00",)))  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "now", "ends"),
    [
        ("UTC", "2026-01-05 21:00", "2026-01-06 07:00"),
        ("UTC", "2026-01-06 06:59", "2026-01-06 07:00"),
        ("UTC", "2026-01-06 07:00", None),
        ("UTC", "2026-01-05 12:00", None),
        # Friday night, the weekend and Monday morning are one stretch; Monday morning belongs to Sunday's whole day.
        ("UTC", "2026-01-09 22:00", "2026-01-12 00:00"),
        ("Europe/Paris", "2026-01-05 19:30", "2026-01-06 06:00"),
        # The night in which clocks go forward is an hour shorter, and ends at seven all the same.
        ("Europe/Paris", "2026-03-27 20:00", "2026-03-29 22:00"),
    ],
)
def test_quiet_ends_in_the_readers_own_morning(zone: str, now: str, ends: str | None) -> None:
    assert quiet.until(zone, WEEK, at(now)) == (at(ends) if ends else None)


def test_without_quiet_hours_nothing_is_quiet() -> None:
    assert quiet.until("UTC", (), at("2026-01-05 03:00")) is None


def test_a_quiet_that_never_ends_is_seen() -> None:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    assert whole_week(tuple((day, ("00:00-12:00", "12:00-24:00")) for day in days))
    assert not whole_week(WEEK)
    assert not whole_week(())


def test_what_a_person_says_wins_over_the_house() -> None:
    house = NoticePolicy(quiet_hours=WEEK, at_once=("urgent", "late"))
    assert reading(Wishes(), house).quiet_hours == WEEK
    assert reading(Wishes(quiet_hours=()), house).quiet_hours == ()
    assert reading(Wishes(ways={"late": "list"}), house).ways == {"urgent": "at_once", "late": "list", "info": "digest"}
    assert (reading(Wishes(), house).channels, reading(Wishes(channels=()), house).channels) == (("mail",), ())
