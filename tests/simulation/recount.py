"""The end of a run: faults stop, everything that is due runs, and the whole is counted again from what was told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import orjson

from taskhub.db import deaths, ledger
from taskhub.db.tx import SYSTEM, Tx
from taskhub.db.types import instant_of, text_of
from tests.faults.invariants import broken
from tests.histories import verdict
from tests.simulation import sender
from tests.simulation.house import ACCEPT_FOR, CAPACITY, PUSHED, SPECIALISTS
from tests.simulation.ledger_watch import REVIVE, TAKE, Deed, Wrong
from tests.simulation.task_watch import Doing
from tests.simulation.world import World

ROUNDS = 400
ENDED = ("completed", "cancelled")
OPEN = "done_at is null and dead_at is null"
TIMERS = "('task.lease', 'task.clock', 'escalation.step')"
# Our ladders end after their one step; our clock may go back between the taking of a row and its end; a note that only
# one person could take a task stands among the steps, due when the task is offered again, and not in history.
UNASKED = ("I8 a ladder", "I7 nothing is done before", "I7 a step never fires early", "I7 a step fires once")


def settle(world: World) -> None:
    """Brings everything to rest and counts; raises Wrong for what does not add up."""
    world.finishing = True
    sender.rest(world)
    for worker in list(world.workers):
        world.replace(worker)
    world.pass_(ledger.HOLD + timedelta(seconds=2), looked=False)
    drain(world)
    count(world)
    if world.seed % 3:
        return  # what falls due much later is looked at in every third run: it costs as much as the run itself
    world.pass_(timedelta(hours=30))
    drain(world)
    world.pass_(timedelta(hours=1))
    drain(world)
    count(world)


def drain(world: World) -> None:
    """Runs rows until nothing is due, held or waiting for another try; dead ones are replayed."""
    worker = world.workers[0]
    for _ in range(ROUNDS):
        _revive(world)
        world.beat(worker)
        while worker.waiting:
            world.run(worker, 0)
        if not _take(world) and not _unrest(world) and not _dead(world):
            return
    raise Wrong(f"rest: still not at rest after {ROUNDS} rounds: {_unrest(world)}")


def _take(world: World) -> bool:
    """Takes what is due; without any, time goes on to the next try."""
    worker = world.workers[0]
    with _tx(world) as tx:
        until = tx.after(timedelta(minutes=5))
        rows = ledger.take(tx.conn, tx.now, until, rung_before=tx.now)
        if not rows:
            deaths.bury(tx)
    worker.hold(rows)
    world.after(Deed(TAKE, frozenset(worker.tokens)), Doing(world.now))
    if not rows and (waiting := _unrest(world)):
        world.pass_(max(timedelta(seconds=1), min(_free_at(row) for row in waiting) - world.now))
    return bool(rows)


def _free_at(row: tuple[Any, ...]) -> datetime:
    """When a row that waits may be taken."""
    _, _, _, _, due_at, until, _ = row
    return max(instant_of(due_at), instant_of(until or due_at))


def _tx(world: World) -> AbstractContextManager[Tx]:
    return world.workers[0].db.begin(SYSTEM)


def _unrest(world: World) -> list[tuple[Any, ...]]:
    what = "id, handler, key, attempts, due_at, until, error"
    sql = f"select {what} from message where {OPEN} and (due_at <= ? or attempts > 0) order by due_at limit 9"
    return world.raw.execute(sql, (text_of(world.now),)).fetchall()


def _revive(world: World) -> None:
    for id_ in _dead(world):
        revive(world, id_)


def _dead(world: World) -> list[int]:
    return [row[0] for row in world.raw.execute("select id from message where dead_at is not null")]


def revive(world: World, id_: int) -> None:
    """A person replays a dead row."""
    with _tx(world) as tx:
        deaths.revive(tx, id_)
    world.after(Deed(REVIVE), Doing(world.now))


def count(world: World) -> None:
    """Everything that must add up."""
    with world.workers[0].db.read() as tx:
        found = [one for one in broken(tx.conn, tx.now) if not one.startswith(UNASKED)]
    found += [
        *_timers(world),
        *_late(world),
        *_idle(world),
        *_events(world),
        *_told(world),
        *_lost(world),
        *_followers(world),
    ]
    if found:
        raise Wrong(f"recount: {found[0]}")
    if told := verdict(world.workers[0].db, world.seen.calls, whole=False):
        raise Wrong(f"leases: {told[0]}")


def _timers(world: World) -> Iterator[str]:
    for id_, handler in world.raw.execute(
        f"select key, handler from message where {OPEN} and token is null and handler in {TIMERS}"
        " and key in (select id from task where state in ('completed', 'cancelled'))"
    ):
        yield f"timer {handler} is armed for task {id_}, which has ended"
    sql = (
        "select c.task, c.target, min(coalesce(c.due_at, m.due_at)), m.due_at from sla_clock c"
        f" join message m on m.handler = 'task.clock' and m.key = c.task and m.{OPEN.replace(' and ', ' and m.')}"
        " join task t on t.id = c.task where c.met_at is null and c.breached_at is null"
        " and t.state in ('queued', 'assigned', 'in_progress') group by c.task having min(c.due_at) < m.due_at"
    )
    for row in world.raw.execute(sql):
        yield f"clock: {row[0]} falls due {row[2]}, its timer stands at {row[3]}"
    for id_, kind in world.raw.execute(
        "select id, kind from task t where sla is not null and due_at is not null and acknowledged_at is null"
        " and ladder_from is null"  # what fell due while somebody had acknowledged it was passed over
        " and state in ('queued', 'assigned', 'in_progress') and not exists (select 1 from escalation e"
        " where e.task = t.id) and not exists (select 1 from message m where m.handler = 'escalation.step'"
        f" and m.key = t.id and m.{OPEN.replace(' and ', ' and m.')})"
    ):
        yield f"ladder: nobody looks at the ladder of {kind} {id_}"
    for id_, fires_at in world.raw.execute("select task, due_at from escalation where step >= 0 and at < due_at"):
        yield f"ladder: a step of {id_} that falls due at {fires_at} fired early"
    for id_, count_ in world.raw.execute(
        "select p.task, count(*) from pause p join task t on t.id = p.task where p.to_at is null"
        " and t.state <> 'paused' group by 1"
    ):
        yield f"clock: {count_} pauses of task {id_} are open, but it is not paused"


def _late(world: World) -> Iterator[str]:
    now = world.now
    for lease in world.tasks.leases.values():
        if instant_of(lease.expires_at) <= now:
            yield f"late: the lease of {lease.task} ended at {lease.expires_at}"
    rows = (
        "select id, agent, given_at, paused_until, state, queue, pinned from task where state in ('assigned', 'paused')"
    )
    # Whoever was offered work before a gap of the workers has its whole time from the end of the gap.
    resumed = world.raw.execute("select coalesce(max(resumed_at), '') from sweep").fetchone()[0]
    for id_, agent, given_at, until, state, queue, pinned in world.raw.execute(rows).fetchall():
        offered = world.tasks.tasks[id_].given_by == "offer"
        if (
            state == "assigned"
            and queue in PUSHED
            and not pinned
            and offered
            and instant_of(max(given_at, resumed)) + ACCEPT_FOR <= now
        ):
            yield f"late: {agent} has not begun {id_} since {given_at}, and it does not go on"
        if state == "paused" and until and instant_of(until) <= now and _open_pause(world, id_):
            yield f"late: {id_} was to sleep until {until}"
    for id_, due in world.raw.execute(
        "select c.task, c.due_at from sla_clock c join task t on t.id = c.task where c.due_at <= ? and c.met_at is null"
        " and c.breached_at is null and t.state in ('queued', 'assigned', 'in_progress')", (text_of(now),)
    ):  # fmt: skip
        yield f"late: {id_} was due {due} and no breach is on record"
    fallen = sum(act in ("sla.warned", "sla.breached") for t in world.tasks.tasks.values() for _, _, _, act in t.steps)
    (told,) = world.raw.execute("select count(*) from message where handler = 'escalation.fall'").fetchone()
    if fallen != told:
        yield f"clock: {fallen} warnings and breaches, {told} were announced"


def _open_pause(world: World, id_: str) -> bool:
    return world.raw.execute("select 1 from pause where task = ? and to_at is null", (id_,)).fetchone() is not None


def _idle(world: World) -> Iterator[str]:
    """Pushed work that waits while somebody who may have it has room."""
    now = text_of(world.now)
    waiting = [id_ for id_, task in world.tasks.tasks.items() if task.state == "queued" and task.queue in PUSHED]
    for who in SPECIALISTS:
        presence, until = world.raw.execute(
            "select presence, presence_until from agent where key = ?", (who,)
        ).fetchone()
        ended = until is not None and until <= now
        there = presence == "available" and not ended
        held = sum(t.agent == who and t.state in ("assigned", "in_progress") for t in world.tasks.tasks.values())
        away = world.raw.execute(
            "select 1 from absence where agent = ? and until_at > ?", (who, _long_ago(world.now))
        ).fetchone()
        if not there or held >= CAPACITY or away:
            continue
        for id_ in waiting:
            if not world.raw.execute("select 1 from exclusion where task = ? and agent = ?", (id_, who)).fetchone():
                yield f"idle: {who} holds {held} and task {id_} waits"


def _long_ago(now: datetime) -> str:
    return text_of(now - timedelta(hours=4))


# ── what came of the events ──────────────────────────────────────────────────────────────────────────────────────────
def _events(world: World) -> Iterator[str]:
    events = list(world.sent.events.values())
    (stored,) = world.raw.execute("select count(*) from event").fetchone()
    if stored != len(events):
        yield f"events: {len(events)} were told, {stored} are stored"
    (told,) = world.raw.execute("select count(*) from message where handler = 'event.apply'").fetchone()
    if told != len(events):
        yield f"events: {len(events)} were told, {told} were to be applied"
    expected = Counter(rule for one in events if (rule := _rule(one)))
    expected["greet"] = len({one["subject"] for one in events if one["type"] == "lead.updated"})
    made = Counter(dict(world.raw.execute("select rule, count(*) from task where rule is not null group by rule")))
    for rule in ("call", "contract", "talk", "offer", "greet"):
        if made[rule] != expected[rule]:
            yield f"events: rule {rule} should have made {expected[rule]} tasks, it made {made[rule]}"


def _rule(event: dict[str, object]) -> str | None:
    data = event["data"]
    stage = data.get("deal", {}).get("stage") if isinstance(data, dict) else None
    if event["type"] == "deal.stage_changed":
        return {"talk": "talk", "offer": "offer"}.get(str(stage))
    return {"lead.created": "call", "deal.created": "contract"}.get(str(event["type"]))


def _told(world: World) -> Iterator[str]:
    """Records say what the newest event said."""
    newest: dict[str, tuple[str, str]] = {}
    for one in world.sent.events.values():
        noun = str(one["subject"]).partition("-")[0]
        said = one["data"][noun].get("name" if noun == "lead" else "stage")
        if said is not None:
            newest[one["subject"]] = max(newest.get(one["subject"], ("", "")), (one["time"], said))
    for noun, name in (("lead", "name"), ("deal", "stage")):
        for id_, fields in world.raw.execute(f"select id, fields from {noun}"):
            if id_ in newest and orjson.loads(fields).get(name) != newest[id_][1]:
                yield f"events: {id_} is {orjson.loads(fields).get(name)}, the newest event says {newest[id_][1]}"


def _lost(world: World) -> Iterator[str]:
    """Work of a deal that is lost is not open, in whatever order that was told."""
    lost: dict[str, str] = {}
    for one in world.sent.events.values():
        if one["type"] == "deal.lost":
            lost[one["subject"]] = max(lost.get(one["subject"], ""), one["time"])
    made = "select id, deal, version_at from task where deal is not null and rule is not null"
    for id_, deal, at in world.raw.execute(made).fetchall():
        task = world.tasks.tasks[id_]
        again = {act for _, _, _, act in task.steps} & {"reopen", "restore"}
        if at < lost.get(deal, "") and task.state not in ENDED and not again:
            yield f"events: {deal} is lost since {lost[deal]}, but {id_} of {at} is {task.state}"


def _followers(world: World) -> Iterator[str]:
    """Each call that was completed once, for good, led to one note."""
    led = Counter(
        dict(world.raw.execute("select parent, count(*) from task where rule = 'after_call' group by parent"))
    )
    for id_, task in world.tasks.tasks.items():
        acts = [act for _, _, _, act in task.steps]
        plain = acts.count("complete") == 1 and not {"reopen", "close_instead"} & set(acts)
        if task.kind == "call" and task.state == "completed" and plain and led[id_] != 1:
            yield f"events: call {id_} is done and led to {led[id_]} notes"
    for key, delivered in world.raw.execute("select id || ':' || channel, delivered_at from letter"):
        if delivered is None or key not in world.post.sent:
            yield f"notices: {key} was delivered {world.post.sent.get(key, 0)} times, on record at {delivered}"
