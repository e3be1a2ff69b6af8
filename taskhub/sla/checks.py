"""What promises cannot be kept from now on: by a calendar that no longer opens, or not often enough. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from taskhub.calendars import BusinessCalendar, CalendarProblem, Target
from taskhub.errors import Problem
from taskhub.policy.policies import Policies
from taskhub.sla.targets import promised


def check(policies: Policies, now: datetime) -> list[Problem]:
    """Every calendar that does not open within five years of ``now``, every promise that never falls due by its own."""
    shut = {key for key, calendar in policies.calendars.items() if _wrong(calendar, None, now)}
    return [*_calendars(shut), *_promises(policies, shut, now)]


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
