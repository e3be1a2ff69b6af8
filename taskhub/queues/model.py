"""What was said of a queue beside its file, and what follows from it at an instant. Pure.

The file is where everything begins and where everything ends: a switch, a loan and a period hold from an instant on,
the last two until another, and a queue without any is served exactly as its file says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from taskhub.calendars import BusinessCalendar
from taskhub.errors import InvalidInput
from taskhub.events.times import written
from taskhub.policy.work import Queue, Staffing

FURTHEST = timedelta(days=366)
LOOK_AHEAD = timedelta(days=15)
LEAST_AHEAD, MOST_AHEAD = timedelta(minutes=1), timedelta(hours=720)


@dataclass(frozen=True, slots=True)
class Switch:
    """From ``effective_at`` on the queue is served so; ``model`` None: as its file says. The newest one holds."""

    id: str
    queue: str
    model: str | None
    strategy: str | None
    params: Mapping[str, Any]
    strategy_params: Mapping[str, Any] | None
    effective_at: datetime
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Lending:
    """A person lent to a queue, from ``from_at`` up to, not including, ``until_at``."""

    id: str
    queue: str
    agent: str
    by: str
    from_at: datetime
    until_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Period:
    """A time in which the queue's tasks go ahead by ``ahead_s`` seconds of its business time."""

    id: str
    queue: str
    by: str
    from_at: datetime
    until_at: datetime
    at: datetime
    ahead_s: float

    @property
    def ahead(self) -> timedelta:
        """How far ahead."""
        return timedelta(seconds=self.ahead_s)


@dataclass(frozen=True, slots=True)
class State:
    """What stops a queue beside its file: ``closed`` takes no new work, ``paused`` gives none away."""

    queue: str
    closed: bool = False
    paused: bool = False
    by: str | None = None
    at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Everything that holds of one queue at an instant."""

    switch: Switch | None = None
    state: State = field(default_factory=lambda: State(""))


Said = TypeVar("Said", Switch, Lending, Period)


def flat(one: Switch | Lending | Period) -> dict[str, Any]:
    """What was said, fit for JSON; ``unflat`` gives an equal value back."""
    values = {name: getattr(one, name) for name in type(one).__slots__}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def unflat(kind: type[Said], row: Mapping[str, Any]) -> Said:
    """Inverse of ``flat``."""
    values: dict[str, Any] = dict(row)
    for name in row:
        if name == "at" or name.endswith("_at"):
            values[name] = datetime.fromisoformat(row[name])
    return kind(**values)


def staffing_of(file: Staffing, said: Mapping[str, Any]) -> Staffing:
    """The staffing a switch asks for; what it leaves out is the file's."""
    model = said.get("model")
    if model is None:
        return file
    own = said.get("strategy")
    return replace(
        file, model=model, params=said.get("params") or {}, strategy=own or file.strategy,
        strategy_params=(said.get("strategy_params") or {}) if own else file.strategy_params,
    )  # fmt: skip


def consistent(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is asked of a switch, if it makes sense by itself. Raises InvalidInput."""
    if asked.get("model") is None and any(asked.get(name) for name in ("params", "strategy", "strategy_params")):
        raise _wrong("model", "null returns to the file: leave params and strategy out", "model_missing")
    if asked.get("strategy_params") and not asked.get("strategy"):
        raise _wrong("strategy", "must be named where strategy_params are given", "strategy_missing")
    return asked


def wanted(switch: Switch) -> dict[str, Any]:
    """What a switch asks for, as it is sent and shown."""
    own = {"strategy": switch.strategy, "strategy_params": dict(switch.strategy_params or {})}
    return {"model": switch.model, "params": dict(switch.params), **own}


def as_served(queue: Queue, held: Held) -> Queue:
    """The queue as it is served now: its file, the switch that holds, what stops it."""
    staffing = staffing_of(queue.staffing, wanted(held.switch)) if held.switch else queue.staffing
    closed, paused = queue.closed or held.state.closed, queue.paused or held.state.paused
    return replace(queue, staffing=staffing, closed=closed, paused=paused)


def holding(switches: Iterable[Switch], at: datetime) -> Switch | None:
    """The switch that holds at an instant: the newest whose time has come; None: the file alone."""
    come = [one for one in switches if one.effective_at <= at]
    return max(come, key=lambda one: (one.effective_at, one.id), default=None)


def ahead_of(periods: Iterable[Period], at: datetime) -> timedelta:
    """How far a queue goes ahead at an instant; of several periods the longest counts."""
    holds = [one.ahead for one in periods if one.from_at <= at < one.until_at]
    return max(holds, default=timedelta())


def next_shift(calendar: BusinessCalendar, now: datetime) -> datetime:
    """The first opening of the calendar that begins after ``now``; where it never closes, the next local midnight.

    Openings that touch are one.
    """
    if not calendar.is_open(now):
        return calendar.next_opening(now)
    last: datetime | None = None
    for begin, end in calendar.open_spans(now, now + LOOK_AHEAD):
        if last is not None and begin > last:
            return begin
        last = end
    return calendar.local_time(calendar.local_date(now) + timedelta(days=1), 0)


def effective(asked: str | datetime, calendar: BusinessCalendar, now: datetime) -> datetime:
    """When a switch starts: ``now``, ``next_shift``, or an instant to come. Raises InvalidInput."""
    if asked == "now":
        return now
    if asked == "next_shift":
        return next_shift(calendar, now)
    if isinstance(asked, str):
        raise InvalidInput('effective_at is "now", "next_shift" or an instant to come.', code="bad_effective_at")
    return _to_come("effective_at", asked, now)


def span(begin: datetime | None, end: datetime, now: datetime) -> tuple[datetime, datetime]:
    """From when until when; no beginning means now. Raises InvalidInput that names the field and what is wrong."""
    since = _to_come("from", begin, now) if begin is not None else now
    if end <= since:
        raise _wrong("until", "must lie after from" if begin is not None else "lies in the past", "ends_before_begin")
    if end > now + FURTHEST:
        raise _wrong("until", f"may lie a year ahead at most, until {written(now + FURTHEST)}", "too_far_ahead")
    return since, end


def _to_come(name: str, at: datetime, now: datetime) -> datetime:
    if at < now:
        raise _wrong(name, "lies in the past; name an instant to come, or leave it out for now", f"{name}_in_past")
    if at > now + FURTHEST:
        raise _wrong(name, f"may lie a year ahead at most, until {written(now + FURTHEST)}", "too_far_ahead")
    return at


def _wrong(name: str, message: str, code: str) -> InvalidInput:
    return InvalidInput(f"{name} {message}.", code=code, errors=[{"path": name, "message": message}])


def ahead_within(ahead: timedelta) -> timedelta:
    """A period goes ahead by one minute to 720 open hours. Raises InvalidInput."""
    if not LEAST_AHEAD <= ahead <= MOST_AHEAD:
        raise _wrong("ahead_by", "must be 1m to 720h of the queue's open time", "ahead_out_of_range")
    return ahead


def overlapping(spans: Sequence[Lending] | Sequence[Period], begin: datetime, end: datetime) -> str | None:
    """The id of the first that shares an instant with [begin, end)."""
    return next((one.id for one in spans if one.from_at < end and begin < one.until_at), None)
