"""What workers would have found for a model that looks beyond the person, told from the record. Pure.

Rings and rotas follow from the people a pass looked at, shares from the order in which its tasks became ready, help
from what waited then. Only work some pass has looked at is known here; what was pulled or given by hand waits until its
end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from taskhub.assignment import eligibility
from taskhub.assignment.codec import moment, to_moment
from taskhub.assignment.model import AgentFacts, Instant, PoolState, QueueFacts, Snapshot, TaskFacts
from taskhub.assignment.models.at_risk import Ahead, late_fraction, opens
from taskhub.assignment.models.duty_plan import Person, plan
from taskhub.assignment.models.duty_slices import slices
from taskhub.assignment.models.lanes import next_lane
from taskhub.assignment.models.overflow import AT_RISK_FRACTION
from taskhub.assignment.models.ring_plan import placed
from taskhub.calendars import BusinessCalendar

AHEAD = timedelta(days=14)
MINUTES = 15.0  # of work in hand whose minutes are not on record
Ended = Mapping[str, Instant | None]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a pool is found with beside the record: the queue's calendar, and its kinds with the skill each asks for."""

    calendar: BusinessCalendar
    kinds: Mapping[str, str]


class PastPools:
    """The pools of the queues in ``settings`` as time goes by; ``state`` is what a run before this one left behind."""

    def __init__(self, settings: Mapping[str, Setting], state: Mapping[str, Any] | None = None) -> None:
        self._settings = settings
        self.state: dict[str, dict[str, Any]] = {key: dict(value) for key, value in (state or {}).items()}

    def found(self, then: Snapshot, other: Snapshot, tasks: Sequence[TaskFacts], ended: Ended) -> Snapshot:
        """``other`` with the pools that its models would have had then; a model that really served keeps its own."""
        changed: dict[str, QueueFacts] = {}
        for key in self._settings.keys() & other.queues.keys():
            was, queue = then.queues[key], other.queues[key]
            if (was.model, was.params) == (queue.model, queue.params) or queue.model not in _FIND:
                continue
            mine = [task for task in tasks if task.queue == key]
            found = _FIND[queue.model](self, queue, then, mine, ended)
            changed[key] = replace(queue, pool_state=found)
        return replace(other, queues={**other.queues, **changed})

    def laned(self, task: TaskFacts) -> TaskFacts:
        """The task in the lane it would have been drawn for."""
        lane = self.state.get(task.queue, {}).get("lanes", {}).get(task.id)
        return task if lane is None else replace(task, shape=task.shape._replace(lane=lane))

    def gone(self, ids: Collection[str]) -> None:
        """These tasks no longer wait."""
        for state in self.state.values():
            for name in ("lanes", "waiting"):
                for id_ in state.get(name, {}).keys() & set(ids):
                    del state[name][id_]

    def _overflow(self, queue: QueueFacts, then: Snapshot, tasks: list[TaskFacts], ended: Ended) -> PoolState:
        state = self.state.setdefault(queue.key, {"open": False, "waiting": {}})
        for task in tasks:
            until = ended.get(task.id)
            state["waiting"][task.id] = [task.minutes, moment(task.start_by), moment(until) if until else None]
        now, calendar = then.now, self._settings[queue.key].calendar
        rows = {id_: row for id_, row in state["waiting"].items() if row[2] is None or to_moment(row[2]) > now}
        waiting = [
            Ahead(minutes, calendar.elapsed(now, start).total_seconds() / 60 if start > now else 0.0)
            for start, minutes in sorted((to_moment(row[1]), row[0]) for row in rows.values())
        ]
        own = [one for one in _of(then, [str(queue.params.get("team"))]) if not eligibility.of_person(one, now)]
        busy = sum(one.load_minutes or one.held * MINUTES for one in own)
        limit = queue.params.get("at_risk_fraction", AT_RISK_FRACTION)
        is_open = opens(late_fraction(waiting, len(own), busy), limit, was_open=bool(state["open"]))
        self.state[queue.key] = {"open": is_open, "waiting": rows}
        return PoolState(1, is_open)

    def _chain(self, queue: QueueFacts, then: Snapshot, _tasks: list[TaskFacts], _ended: Ended) -> PoolState:
        ring = queue.params["ring"]
        if isinstance(ring, Mapping):
            return PoolState(1)
        people = [one.key for one in _of(then, queue.params.get("teams") or queue.teams)]
        kinds = placed(ring, people, self.state.get(queue.key, {}).get("kinds", {})) if people else {}
        self.state[queue.key] = {"kinds": {key: list(pair) for key, pair in sorted(kinds.items())}}
        return PoolState(1, kinds=kinds)

    def _share(self, queue: QueueFacts, _then: Snapshot, tasks: list[TaskFacts], _ended: Ended) -> None:
        state = self.state.setdefault(queue.key, {"counts": {}, "lanes": {}})
        counts, weights = Counter(state["counts"]), queue.params["weights"]
        new = [task for task in tasks if task.id not in state["lanes"]]
        for task in sorted(new, key=lambda one: (one.ready_at or one.created_at, one.created_at, one.id)):
            lane = state["lanes"][task.id] = next_lane(weights, counts)
            counts[lane] += 1
        state["counts"] = dict(counts)

    def _rota(self, queue: QueueFacts, then: Snapshot, _tasks: list[TaskFacts], _ended: Ended) -> PoolState:
        people = _of(then, queue.params.get("teams") or queue.teams)
        who = [[one.key, sorted(one.skills), [[str(a), str(b)] for a, b in one.absences]] for one in people]
        state = self.state.get(queue.key)
        if state is None or state["who"] != who or to_moment(state["until"]) <= then.now:
            state = self.state[queue.key] = self._planned(queue, then.now, people, (state or {}).get("duties", []))
            state["who"] = who
        kinds: dict[str, tuple[str, ...]] = {}
        for agent, begin, end, named in state["duties"]:
            if to_moment(begin) <= then.now < to_moment(end):
                kinds[agent] = tuple(sorted({*kinds.get(agent, ()), *named}))
        return PoolState(1, members=frozenset(kinds) or None, kinds=kinds)

    def _planned(self, queue: QueueFacts, now: Instant, people: list[AgentFacts], before: list[Any]) -> dict[str, Any]:
        setting = self._settings[queue.key]
        begun = [row for row in before if to_moment(row[1]) <= now]
        done = Counter(row[0] for row in begun)
        newest = max((row[1] for row in begun), default=None)
        spans = _coming(setting.calendar, queue, now, under_way=any(to_moment(row[2]) > now for row in begun))
        rota = plan(
            [_person(one, setting.kinds, done.get(one.key)) for one in people], spans, list(setting.kinds),
            kinds_per_slice=queue.params.get("kinds_per_slice", 1),
            people_per_kind=queue.params.get("people_per_kind", 1),
            last={row[0]: tuple(row[3]) for row in begun if row[1] == newest},
        )  # fmt: skip
        rows = [[one.agent, moment(one.from_at), moment(one.until_at), list(one.kinds)] for one in rota.duties]
        return {"duties": [*begun, *rows], "until": moment(now + AHEAD / 2)}


_FIND: Mapping[str, Any] = {
    "overflow": PastPools._overflow,  # noqa: SLF001
    "chain": PastPools._chain,  # noqa: SLF001
    "share": PastPools._share,  # noqa: SLF001
    "duty_rota": PastPools._rota,  # noqa: SLF001
}


def _of(then: Snapshot, teams: Iterable[str]) -> list[AgentFacts]:
    named = set(teams)
    return sorted((one for one in then.agents if one.active and one.team in named), key=lambda one: one.key)


def _person(one: AgentFacts, kinds: Mapping[str, str], duties: int | None) -> Person:
    able = frozenset(kind for kind, skill in kinds.items() if skill in one.skills)
    return Person(one.key, able, one.absences, duties)


def _coming(
    calendar: BusinessCalendar, queue: QueueFacts, now: Instant, *, under_way: bool
) -> list[tuple[datetime, datetime]]:
    size, today = queue.params.get("slice", "day"), calendar.local_date(now)
    first = today - timedelta(days=today.weekday()) if size == "week" else today
    last = today + AHEAD + (timedelta(days=7) if size == "week" else timedelta())
    spans = slices(size, first, last, calendar.tz, calendar.working_day)
    return [span for span in spans if span[0] > now or (span[0] <= now < span[1] and not under_way)]
