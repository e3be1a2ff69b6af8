"""Facts as JSON values and back: fields at their default are left out, instants are ISO 8601 in UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from typing import Any

from taskhub.agents.availability import Weekly
from taskhub.assignment.model import AgentFacts, Loan, PoolState, QueueFacts, TaskFacts
from taskhub.tasks.shape import Shape


def moment(instant: datetime) -> str:
    """Lossless: microseconds are kept.

    >>> moment(datetime(2026, 1, 5, 9, tzinfo=UTC))
    '2026-01-05T09:00:00+00:00'
    """
    return instant.astimezone(UTC).isoformat()


to_moment = datetime.fromisoformat


def _maybe(instant: datetime | None) -> str | None:
    return None if instant is None else moment(instant)


def _to_maybe(text: str | None) -> datetime | None:
    return None if text is None else to_moment(text)


def _defaults(facts: type[Any]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for one in fields(facts):
        if one.default is not MISSING:
            known[one.name] = one.default
        elif one.default_factory is not MISSING:
            known[one.name] = one.default_factory()
    return known


_AGENT, _QUEUE = _defaults(AgentFacts), _defaults(QueueFacts)
_NEVER = object()
INSTANTS = ("presence_until", "ramp_until", "idle_since")


def _spare(facts: Any, defaults: Mapping[str, Any]) -> dict[str, Any]:
    found = ((one.name, getattr(facts, one.name)) for one in fields(facts))
    return {name: value for name, value in found if value != defaults.get(name, _NEVER)}


def people_facts(agents: Sequence[AgentFacts]) -> dict[str, Any]:
    """People as a JSON object; the shifts many of them share stand in it once."""
    weeks: dict[Weekly, int] = {}
    rows = [agent_facts(agent) for agent in agents]
    for agent, row in zip(agents, rows, strict=True):
        if agent.shifts:
            row["shifts"] = weeks.setdefault(agent.shifts, len(weeks))
    return {"weeks": list(weeks), "people": rows}


def as_people(raw: dict[str, Any]) -> tuple[AgentFacts, ...]:
    """Inverse of ``people_facts``."""
    weeks = [_week(openings) for openings in raw["weeks"]]
    for row in raw["people"]:
        if "shifts" in row:
            row["shifts"] = weeks[row["shifts"]]
    return tuple([_as_agent(row) for row in raw["people"]])


def _week(raw: list[Any]) -> Weekly:
    return tuple((day, tuple(openings)) for day, openings in raw)


def agent_facts(agent: AgentFacts) -> dict[str, Any]:
    """One person as a JSON object."""
    raw = _spare(agent, _AGENT)
    if "absences" in raw:
        raw["absences"] = [[moment(since), _maybe(until)] for since, until in agent.absences]
    if "loans" in raw:
        raw["loans"] = [[loan.queue, moment(loan.since), moment(loan.until)] for loan in agent.loans]
    for name in INSTANTS:
        if name in raw:
            raw[name] = moment(raw[name])
    return raw


def as_agent(raw: dict[str, Any]) -> AgentFacts:
    """Inverse of ``agent_facts``."""
    if "shifts" in raw:
        raw["shifts"] = _week(raw["shifts"])
    return _as_agent(raw)


def _as_agent(raw: dict[str, Any]) -> AgentFacts:
    if "absences" in raw:
        raw["absences"] = tuple([(to_moment(since), until and to_moment(until)) for since, until in raw["absences"]])
    if "loans" in raw:
        raw["loans"] = tuple(Loan(queue, to_moment(since), to_moment(until)) for queue, since, until in raw["loans"])
    for name in INSTANTS:
        if name in raw:
            raw[name] = to_moment(raw[name])
    return AgentFacts(**raw)


def queue_facts(queue: QueueFacts) -> dict[str, Any]:
    """One queue as a JSON object."""
    raw = _spare(queue, _QUEUE)
    state = queue.pool_state
    if state is not None:
        members = None if state.members is None else sorted(state.members)
        kinds = {key: list(state.kinds[key]) for key in sorted(state.kinds)}
        raw["pool_state"] = [state.version, state.open, members, kinds]
    return raw


def as_queue(raw: dict[str, Any]) -> QueueFacts:
    """Inverse of ``queue_facts``."""
    if "pool_state" in raw:
        version, is_open, members, kinds = raw["pool_state"]
        listed = None if members is None else frozenset(members)
        raw["pool_state"] = PoolState(version, is_open, listed, {key: tuple(kinds[key]) for key in kinds})
    return QueueFacts(**raw | {"teams": tuple(raw["teams"]), "missing": tuple(raw.get("missing", ()))})


def as_shape(raw: list[Any]) -> Shape:
    """A shape from its JSON array."""
    queue, kind, skill, level, requires, extra_teams, lane = raw
    pairs = tuple([(name, _frozen(value)) for name, value in requires])
    return Shape(queue, kind, skill, level, pairs, tuple(extra_teams), lane)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def task_facts(task: TaskFacts, shape: int) -> list[Any]:
    """One task as a JSON row; ``shape`` is its place in a list of shapes that goes with the rows."""
    row = [task.id, shape, moment(task.start_by), moment(task.created_at), task.weight, task.minutes]
    return [*row, _maybe(task.due_at), dict(task.excluded), task.served_by, _maybe(task.ready_at)]


def as_task(row: list[Any], shapes: Sequence[Shape]) -> TaskFacts:
    """Inverse of ``task_facts``."""
    id, shape, start_by, created_at, weight, minutes, due_at, excluded, served_by, ready_at = row
    return TaskFacts(
        id, shapes[shape], to_moment(start_by), to_moment(created_at), weight, minutes, _to_maybe(due_at), excluded,
        served_by, _to_maybe(ready_at),
    )  # fmt: skip
