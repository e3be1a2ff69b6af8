"""What models that look beyond the person need to know, found by workers and read by passes and claims alike.

``overflow``: is help called; ``duty_rota``: who is on duty for what; ``chain``: who stands where in the ring;
``share``: how many tasks have been drawn, and for which pool each new one is. The row of a queue is locked while it is
looked at, before people and tasks are; its version rises when what is found differs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from taskhub.agents import service as agents
from taskhub.assignment import duties, eligibility, passes, store
from taskhub.assignment.model import AgentFacts, QueueFacts
from taskhub.assignment.models.at_risk import Ahead, late_fraction, opens
from taskhub.assignment.models.lanes import counts_after, next_lane
from taskhub.assignment.models.overflow import AT_RISK_FRACTION
from taskhub.assignment.models.ring_plan import placed
from taskhub.assignment.models.share import pool_of
from taskhub.assignment.queries import pools
from taskhub.db.tx import Tx
from taskhub.tasks import lanes

LOOK, TIMER = "pool.look", "duty.changed"
AT_ONCE = 2_000
MOST_SHOWN = 20
# A claim that was still under way at the last look may bear an earlier time than that look.
STILL_OPEN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: is the pool open, who is in it (None = no list), and what else the model wants to know."""

    open: bool = True
    members: list[str] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def everything(tx: Tx) -> None:
    """Every queue whose model looks beyond the person, once; the rota is planned on."""
    for key, facts in passes.in_force_now(tx, tuple(tx.policies.queues)).queues.items():
        if facts.model in _FIND and not facts.paused:
            tx.emit(LOOK, key)


def run(tx: Tx, rotation: str) -> None:
    """One pass over a rotation, its pools found first."""
    keys = [queue.key for queue in tx.policies.queues.values() if queue.turn_key == rotation]
    for key, facts in passes.in_force_now(tx, keys).queues.items():
        if facts.model in _FIND and not facts.paused:
            look(tx, key)
    passes.run(tx, rotation)


def person_changed(tx: Tx, agent: str) -> None:
    """Somebody's team, skills, absence or being there changed: pools they belong to are found anew."""
    team = store.team_of(tx, agent)
    for key, facts in passes.in_force_now(tx, tuple(tx.policies.queues)).queues.items():
        if facts.model in ("duty_rota", "chain") and team in facts.teams:
            tx.emit(LOOK, key)


def changed(tx: Tx, queue: str) -> None:
    """Looks at one queue; where something differs its rotation is woken."""
    if queue in tx.policies.queues and look(tx, queue):
        tx.emit("rotation.wake", tx.policies.queues[queue].turn_key)


def look(tx: Tx, queue: str) -> bool:
    """Finds the pool of a queue and writes it down. Answers whether anything differs from before."""
    facts = passes.in_force_now(tx, [queue]).queues[queue]
    find = _FIND.get(facts.model)
    if find is None:
        return False
    before = store.pool_locked(tx, queue)
    own = before if before["facts"].get("model") == facts.model else {**before, "facts": {}, "open": False}
    found = find(tx, facts, own)
    told = {"model": facts.model, **found.facts}
    after: dict[str, Any] = {"open": found.open, "members": found.members, "facts": told}
    seen = {name: before[name] for name in after} | {"facts": _seen(before["facts"])}
    differs = seen != after | {"facts": _seen(told)}
    store.save_pool(tx, queue, before["version"] + differs, after)
    return differs


def _seen(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What decisions see of the facts; figures for people alone raise no version."""
    return {name: facts[name] for name in ("model", "kinds") if name in facts}


# ── what each model wants to know ────────────────────────────────────────────────────────────────────────────────────
def _overflow(tx: Tx, facts: QueueFacts, before: Mapping[str, Any]) -> Found:
    """Forecast over the specialists who are at work now; the calendar says how much time each task has left."""
    team = _there(tx, facts, [str(facts.params.get("team"))])
    calendar = tx.policies.calendar_of(facts.key)
    waiting = [
        Ahead(minutes, calendar.elapsed(tx.now, start_by).total_seconds() / 60 if start_by > tx.now else 0.0)
        for minutes, start_by in pools.waiting(tx, facts.key)
    ]
    busy = pools.in_hand(tx, [one.key for one in team])
    late = late_fraction(waiting, len(team), busy)
    limit = facts.params.get("at_risk_fraction", AT_RISK_FRACTION)
    is_open = opens(late, limit, was_open=bool(before["open"]))
    return Found(is_open, facts={"late_fraction": round(late, 4), "waiting": len(waiting), "people": len(team)})


def _there(tx: Tx, facts: QueueFacts, teams: list[str]) -> list[AgentFacts]:
    people = store.people(tx, teams, passes.paused_queues(tx), None)
    return [one for one in people if not eligibility.of_person(one, tx.now)]


def _duty(tx: Tx, facts: QueueFacts, before: Mapping[str, Any]) -> Found:
    """Who is on duty; between the slices, and where everybody planned is gone, everybody serves."""
    wanted, uncovered = duties.asked(tx, facts), before["facts"].get("uncovered", [])
    if before["facts"].get("plan") != wanted.name:
        rota = duties.planned(tx, facts, wanted)
        uncovered = [[begin.isoformat(), kind] for (begin, _), kind in rota.uncovered[:MOST_SHOWN]]
    if before["facts"]:
        _count_turns(tx, facts.key, before)
    there = pools.on_duty(tx, facts.key)
    kinds: dict[str, list[str]] = {}
    for one in there:
        kinds[one.agent] = sorted({*kinds.get(one.agent, ()), *one.kinds})
    tx.emit(TIMER, facts.key, due_at=pools.next_change(tx, facts.key) or tx.now + duties.AHEAD)
    told = {"kinds": kinds, "uncovered": uncovered, "plan": wanted.name}
    return Found(members=sorted(kinds) or None, facts=told)


def _count_turns(tx: Tx, queue: str, before: Mapping[str, Any]) -> None:
    for one in pools.begun(tx, queue, before["at"]):
        zone = ZoneInfo(agents.get_agent(tx, one.agent).time_zone)
        store.add_duty(tx, one.agent, one.from_at.astimezone(zone).date().isoformat())


def _ring(tx: Tx, facts: QueueFacts, before: Mapping[str, Any]) -> Found:
    ring = facts.params["ring"]
    if isinstance(ring, Mapping):
        return Found()
    teams = facts.params.get("teams") or facts.teams
    people = [one.key for one in store.people(tx, teams, passes.paused_queues(tx), None) if one.active]
    kinds = placed(ring, people, before["facts"].get("kinds", {}))
    return Found(facts={"kinds": {key: list(kinds[key]) for key in sorted(kinds)}})


def _share(tx: Tx, facts: QueueFacts, before: Mapping[str, Any]) -> Found:
    """Every task that has no pool yet gets one, in the order in which they became ready.

    What somebody took before it was drawn counts for the pool of their team.
    """
    weights = dict(facts.params["weights"])
    known = before["facts"] if before["facts"].get("weights") == weights else {}
    counts = Counter(known.get("counts") or counts_after(weights, known.get("drawn", 0)))
    shapes = {id_: shape for id_, shape in store.shapes(tx, [facts.key]).items() if shape.lane not in weights}
    since = min(before["at"], tx.now) - STILL_OPEN
    rows = []
    for row in pools.taken(tx, facts, list(shapes), since) if shapes else ():
        lane = pool_of(facts.params, row.team)
        if lane is not None:
            counts[lane] += 1
            rows.append((row.id, shapes[row.shape]._replace(lane=lane)))
    for row in pools.undrawn(tx, list(shapes), AT_ONCE):
        lane = next_lane(weights, counts)
        counts[lane] += 1
        rows.append((row.id, shapes[row.shape]._replace(lane=lane)))
    lanes.draw(tx, rows)
    return Found(facts={"weights": weights, "drawn": counts.total(), "counts": dict(sorted(counts.items()))})


_FIND: Mapping[str, Callable[[Tx, QueueFacts, Mapping[str, Any]], Found]] = {
    "overflow": _overflow,
    "duty_rota": _duty,
    "chain": _ring,
    "share": _share,
}
