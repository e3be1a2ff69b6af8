"""What cannot be kept from now on: by a calendar that no longer opens, or not often enough, or by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from taskhub.calendars import BusinessCalendar, CalendarProblem, Target, format_duration
from taskhub.errors import Problem
from taskhub.policy.policies import Policies
from taskhub.policy.promise import SOONEST_AGAIN, SlaPolicy
from taskhub.sla.targets import promised

DAYS = 35  # looked at for one on which work can start in time: a month, whatever its ends
HOUR = timedelta(hours=1)


def check(policies: Policies, now: datetime) -> list[Problem]:
    """Every calendar that does not open within five years of ``now``, every promise that never falls due by its own.

    Also a start that is always promised after the completion, and reminders that come without a pause.
    """
    shut = {key for key, calendar in policies.calendars.items() if _wrong(calendar, None, now)}
    return [*_calendars(shut), *_promises(policies, shut, now), *_reminders(policies)]


def _calendars(shut: set[str]) -> Iterator[Problem]:
    for key in sorted(shut):
        message = "the calendar does not open within five years from now; add openings, or remove it."
        yield Problem("calendars.toml", 0, f"calendar.{key}", message)


def _promises(policies: Policies, shut: set[str], now: datetime) -> Iterator[Problem]:
    for sla, calendar in sorted(_pairs(policies)):
        policy = policies.sla[sla]
        for name, target in (("completion", policy.completion), ("first_start", policy.first_start)):
            wrong = None if calendar in shut else _wrong(policies.calendars[calendar], target, now)
            if target is not None and wrong:
                message = f"calendar {calendar!r} never comes to {str(target)!r}: {wrong}. Shorten it, or add openings."
                yield Problem("sla.toml", 0, f"sla.{sla}.{name}", message)
        if calendar not in shut and _starts_late(policy, policies.calendars[calendar], now):
            message = (
                f"work would have to start by {str(policy.first_start)!r}, and by calendar {calendar!r} that is always"
                f" after {str(policy.completion)!r}, when it is to be complete. Shorten it."
            )
            yield Problem("sla.toml", 0, f"sla.{sla}.first_start", message)


def _starts_late(policy: SlaPolicy, calendar: BusinessCalendar, now: datetime) -> bool:
    """Whether work that comes in during open hours of the days ahead would always start after its completion."""
    if policy.first_start is None:
        return False
    try:
        starts = list(_open_hours(calendar, now))
        return bool(starts) and all(
            promised(policy.first_start, calendar, at) > promised(policy.completion, calendar, at) for at in starts
        )
    except CalendarProblem:
        return False  # said already, or too far ahead to matter


def _open_hours(calendar: BusinessCalendar, now: datetime) -> Iterator[datetime]:
    today = calendar.local_date(calendar.next_opening(now))
    for ahead in range(DAYS):
        at, end = (look(today + timedelta(days=ahead)) for look in (calendar.opens_on, calendar.closes_on))
        while at is not None and end is not None and at < end:
            yield at
            at += HOUR


def _reminders(policies: Policies) -> Iterator[Problem]:
    for key, reason in sorted(policies.pause_reasons.items()):
        if reason.remind is not None and reason.remind.every < SOONEST_AGAIN:
            message = f"reminds every {format_duration(reason.remind.every)}; 5m is the shortest, or nobody reads it."
            yield Problem("sla.toml", 0, f"pause_reason.{key}.remind", message)


def _pairs(policies: Policies) -> set[tuple[str, str]]:
    """Every promise with every calendar it may run by."""
    used = {(kind.sla, kind.queue) for kind in policies.kinds.values()}
    made = (one for rule in policies.rules for one in rule.tasks if one.sla and one.kind in policies.kinds)
    used |= {(one.sla, policies.kinds[one.kind].queue) for one in made}
    return {(sla, policies.queues[queue].calendar) for sla, queue in used if sla is not None and sla in policies.sla}


def _wrong(calendar: BusinessCalendar, target: Target | None, now: datetime) -> str | None:
    try:
        if target is None:
            calendar.next_opening(now)
        else:
            promised(target, calendar, now)
    except CalendarProblem as problem:
        return str(problem)
    return None
