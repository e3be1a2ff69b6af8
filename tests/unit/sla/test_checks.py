"""Promises that read well and cannot be kept, whenever work comes in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from taskhub.calendars import CalendarNeverOpens, parse_target
from taskhub.policy.policies import Policies
from taskhub.policy.promise import Remind, SlaPolicy
from taskhub.sla.checks import check
from taskhub.testing import organisation as org

NOW = datetime(2026, 3, 7, 22, tzinfo=UTC)  # a Saturday night


def said(completion: str, first_start: str) -> list[str]:
    promise = SlaPolicy("standard", parse_target(completion), first_start=parse_target(first_start))
    return [str(one) for one in check(org.policies(sla={"standard": promise}), NOW)]


@pytest.mark.parametrize(
    ("completion", "first_start"),
    [
        ("1 working day, 17:00", "3 working days, end of day"),
        ("4h", "2 working days, end of day"),
        ("same day if in before 15:00", "17h"),
        ("10 working days, 12:00", "10 working days, 17:00"),
    ],
)
def test_a_start_after_the_end(completion: str, first_start: str) -> None:
    (found,) = said(completion, first_start)
    assert found.startswith("sla.toml: sla.standard.first_start: work would have to start by")


@pytest.mark.parametrize(
    ("completion", "first_start"),
    [
        ("4h", "1h"),
        ("4h", "4h"),
        ("same day if in before 15:00", "4h"),  # too late for what comes in after two
        ("4h", "same day if in before 15:00"),  # in time for what comes in then
        ("last working day of the month, 17:00", "10 working days, end of day"),
        ("2 working days, end of day", "2 working days, 12:00"),
    ],
)
def test_a_start_that_can_be_kept(completion: str, first_start: str) -> None:
    assert said(completion, first_start) == []


def test_a_calendar_that_never_comes_so_far_is_said_once() -> None:
    (found,) = said("1h", "9000h")
    assert "first_start" in found
    assert CalendarNeverOpens.__name__ not in found


def reminded(every: timedelta) -> Policies:
    plain = org.policies()
    reasons = {key: replace(one, remind=None) for key, one in plain.pause_reasons.items()}
    reasons["waiting_customer"] = replace(reasons["waiting_customer"], remind=Remind(every))
    return replace(plain, pause_reasons=reasons)


def test_reminders_leave_time_to_read_them() -> None:
    (found,) = check(reminded(timedelta(seconds=1)), NOW)
    assert str(found).startswith("sla.toml: pause_reason.waiting_customer.remind: reminds every 1s; 5m is")
    assert check(reminded(timedelta(minutes=5)), NOW) == []
