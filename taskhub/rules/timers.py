"""Rules that wait: after so long without a change, or so long before a date. Pure.

A watch is only a reason to look. When its instant comes, the checks here say from the record alone whether it is due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

from taskhub.events.model import NOUNS, Event
from taskhub.events.times import FIRST_YEAR, LAST_YEAR
from taskhub.policy.rule import Rule
from taskhub.rules.match import all_hold, day_of, instant_of
from taskhub.rules.model import TimerCheck, Watch
from taskhub.rules.scope import Known, Scope, scope_of_record
from taskhub.sales.model import ENDED, Changes, RecordState

ZoneOf = Callable[[Rule], tzinfo]
_NEVER = TimerCheck(due=False)


def is_timed(rule: Rule) -> bool:
    """Whether ``rule`` fires by the clock and not at once."""
    return rule.after is not None or rule.before_field is not None


def watches_of(
    event: Event, changes: Changes, scope: Scope, rules: Iterable[Rule], zone_of: ZoneOf
) -> tuple[Watch, ...]:
    """The watches this event starts or moves. A timed rule without ``on`` listens to every event of a record."""
    found = []
    for rule in rules:
        if is_timed(rule) and event.record is not None and (not rule.on or set(rule.on) & set(changes.types)):
            due_at = _first_look(rule, event, scope, zone_of)
            if due_at is not None:
                found.append(Watch(rule.key, event.record, due_at))
    return tuple(found)


def silence_due(rule: Rule, state: RecordState, now: datetime, known: Known | None = None) -> TimerCheck:
    """Whether nothing has happened to the record for as long as ``rule`` waits, and its conditions hold now.

    A record that is won, lost or converted is left in peace unless the rule asks for a status itself.
    """
    if rule.after is None:
        return _NEVER
    at = state.last_changed + rule.after
    if now < at:
        return TimerCheck(due=False, at=at)
    return TimerCheck(due=True, at=at) if _still_wanted(rule, state, known or {}) else _NEVER


def before_due(
    rule: Rule, state: RecordState, now: datetime, known: Known | None = None, tz: tzinfo = UTC
) -> TimerCheck:
    """Whether the date the rule counts back from is near; a date that has passed no longer counts."""
    noun, name = _dated(rule)
    begins = _begins(state.fields.get(name), tz) if noun in ("", state.ref.noun) else None
    if begins is None or now >= begins + timedelta(days=1):
        return _NEVER
    at = _counted_back(state.fields.get(name), tz, rule.before_by or timedelta()) or begins
    if now < at:
        return TimerCheck(due=False, at=at)
    return TimerCheck(due=True, at=at) if _still_wanted(rule, state, known or {}) else _NEVER


def name_of(rule: Rule, state: RecordState, at: datetime) -> str:
    """What a firing due since ``at`` is called: a date by itself, so that another zone makes no second work of it."""
    begins = _begins(state.fields.get(_dated(rule)[1]), UTC) if rule.before_field else None
    return (at if begins is None else begins - (rule.before_by or timedelta())).isoformat()


def _first_look(rule: Rule, event: Event, scope: Scope, zone_of: ZoneOf) -> datetime | None:
    if rule.after is not None:
        return event.occurred_at + rule.after
    noun, name = _dated(rule)
    own = event.record.noun if event.record else ""
    if noun not in ("", own):
        return None
    return _counted_back(scope.find(f"{own}.{name}"), zone_of(rule), rule.before_by or timedelta())


def _dated(rule: Rule) -> tuple[str, str]:
    """Noun ("" = any) and field of the date a rule counts back from."""
    path = rule.before_field or ""
    noun, _, name = path.partition(".")
    return (noun, name) if noun in NOUNS and name else ("", path)


def _begins(value: Any, tz: tzinfo) -> datetime | None:
    """The instant a date begins in ``tz``, or a time as it stands; None for years no sale ever sees."""
    day = day_of(value)
    if day is None:
        return instant_of(value)
    return datetime.combine(day, time(), tz).astimezone(UTC) if FIRST_YEAR <= day.year <= LAST_YEAR else None


def _counted_back(value: Any, tz: tzinfo, by: timedelta) -> datetime | None:
    """``by`` before a date begins, whole days by the calendar: one of them may have 23 hours, or 25."""
    begins, day, days = _begins(value, tz), day_of(value), timedelta(days=by.days)
    if begins is None or day is None:
        return None if begins is None else begins - by
    return datetime.combine(day - days, time(), tz).astimezone(UTC) - (by - days)


def _still_wanted(rule: Rule, state: RecordState, known: Known) -> bool:
    own = {**known, state.ref.noun: {**state.fields, "id": state.ref.id}}
    asks = any(condition.path.rpartition(".")[2] == "status" for condition in rule.when)
    ended = state.fields.get("status") in ENDED or state.fields.get("deleted") is True
    return (asks or not ended) and all_hold(rule.when, scope_of_record(state.ref, own))
