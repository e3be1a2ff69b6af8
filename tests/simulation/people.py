"""What people do with tasks, queues and themselves in a step."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from taskhub.db.types import text_of
from tests.simulation.claims import EXCLUDED, said, some
from tests.simulation.desk import Call, call
from tests.simulation.house import MANAGER, PEOPLE, SPECIALISTS
from tests.simulation.ledger_watch import Wrong
from tests.simulation.world import World


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


# ── acts on a task ───────────────────────────────────────────────────────────────────────────────────────────────────
def _mine(world: World) -> tuple[str, str, int | None] | None:
    """Somebody, a task and the token they have for it, which may be dead by now."""
    who = world.chance.choice([one for one in PEOPLE if world.tokens[one]] or [""])
    if not who:
        return None
    fate = world.chance.random()
    if fate < 0.7:
        alive = [lease for lease in world.tasks.leases.values() if lease.agent == who]
        if alive:
            lease = world.chance.choice(sorted(alive, key=lambda one: one.token))
            return who, lease.task, lease.token
    return who, *world.chance.choice(world.tokens[who][-5:])


def _held(world: World, name: str, body: dict[str, Any], *, token: bool = True) -> str:
    found = _mine(world)
    if found is None:
        return f"nobody has anything to {name}"
    who, task, proof = found
    sent = {**body, "lease_token": proof} if token else body
    key = world.fresh_key() if world.chance.random() < 0.6 else None
    answer = world.send(call(who, name, sent, key, id=task))
    return f"{who} {name} {task[-6:]} under {proof}: {said(answer)}"


def complete(world: World) -> str:
    return _held(world, "complete", {"outcome": "done"})


def renew(world: World) -> str:
    return _held(world, "renew", {})


def release(world: World) -> str:
    found = _mine(world)
    if found is None:
        return "nobody has anything to release"
    who, task, proof = found
    name = world.chance.choice(("release", "release", "skip"))
    answer = world.send(call(who, name, {"reason": "not now", "lease_token": proof}, world.fresh_key(), id=task))
    if answer is not None and answer.code is None:
        now = text_of(world.now)
        if not world.raw.execute(EXCLUDED, (task, who, now)).fetchone():
            raise Wrong(f"cool-down: {who} gave {task} back and is not kept off it")
    return f"{who} {name} {task[-6:]} under {proof}: {said(answer)}"


def pause(world: World) -> str:
    reason = world.chance.choice(("waiting_customer", "waiting_customer", "set_aside"))
    body: dict[str, Any] = {"reason": reason}
    if world.chance.random() < 0.8:
        body["until"] = _instant(world.now + timedelta(minutes=world.chance.choice((5, 20, 90, 300))))
    return _held(world, "pause", body)


def _by_holder(world: World, name: str, *states: str) -> str:
    task = some(world, *states)
    if task is None:
        return f"nothing to {name}"
    who = world.tasks.tasks[task].agent or world.chance.choice(PEOPLE)
    who = world.chance.choice(PEOPLE) if world.chance.random() < 0.1 else who
    if who == MANAGER:
        return "the manager does no work"
    key = world.fresh_key() if world.chance.random() < 0.5 else None
    return f"{who} {name} {task[-6:]}: {said(world.send(call(who, name, {}, key, id=task)))}"


def start(world: World) -> str:
    return _by_holder(world, "start", "assigned")


def resume(world: World) -> str:
    return _by_holder(world, "resume", "paused")


def reopen(world: World) -> str:
    return _by_holder(world, "reopen", "completed")


# ── managers ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def manage(world: World) -> str:
    """A manager gives, passes on, cancels or acknowledges."""
    task = some(world, "queued", "assigned", "in_progress", "paused", "blocked")
    if task is None:
        return "nothing to manage"
    to = world.chance.choice(PEOPLE)
    name, body = world.chance.choice(
        (
            ("assign", {"agent": to}), ("assign", {"agent": to}), ("hand_over", {"to": {"agent": to}}),
            ("acknowledge", {}), ("cancel", {"reason": "not wanted"}),
        )
    )  # fmt: skip
    answer = world.send(call(MANAGER, name, body, world.fresh_key(), id=task))
    return f"mia {name} {task[-6:]} {to}: {said(answer)}"


def pass_on(world: World) -> str:
    """A colleague gets what I have begun."""
    return _held(world, "hand_over", {"to": {"agent": world.chance.choice(PEOPLE)}})


def change(world: World) -> str:
    """Priority, note or due time, by the version that was read."""
    task = some(world, "queued", "assigned", "in_progress", "paused")
    if task is None:
        return "nothing to change"
    version = world.tasks.tasks[task].version
    stale = world.chance.random() < 0.15
    body: dict[str, Any] = {"version": max(1, version - 1) if stale else version}
    minutes = world.chance.choice((-20, 10, 45, 200))
    body |= world.chance.choice(
        ({"priority": "urgent"}, {"note": "seen"}, {"due_at": _instant(world.now + timedelta(minutes=minutes))})
    )
    answer = world.send(call(MANAGER, "patch_task", body, id=task))
    if answer is not None and answer.code is None and body["version"] != version:
        raise Wrong(f"version: task {task} was changed under version {body['version']}, it was at {version}")
    return f"mia changes {task[-6:]} {sorted(body)}: {said(answer)}"


def make(world: World) -> str:
    """A task by hand."""
    kind = world.chance.choice(("contract", "credit", "call", "letter", "note", "greeting"))
    answer = world.send(call(MANAGER, "create_task", {"kind": kind, "title": "By hand"}, world.fresh_key()))
    return f"mia makes a {kind}: {said(answer)}"


def presence(world: World) -> str:
    """Somebody comes or goes."""
    busy = [one.agent for one in world.tasks.tasks.values() if one.state == "assigned" and one.agent in PEOPLE]
    who = world.chance.choice(busy if busy and world.chance.random() < 0.4 else PEOPLE)
    body: dict[str, Any] = {"status": world.chance.choice(("available",) * 5 + ("busy", "away", "offline"))}
    if body["status"] in ("busy", "away") and world.chance.random() < 0.8:
        body["until"] = _instant(world.now + timedelta(minutes=world.chance.choice((5, 30, 120))))
    answer = world.send(Call(who, "set_presence", (("key", who),), call("", "", body).body))
    return f"{who} is {body['status']}: {said(answer)}"


def absence(world: World) -> str:
    """A planned time away, or taking it back."""
    who = world.chance.choice(PEOPLE)
    old = world.raw.execute("select id from absence where agent = ? and reason = 'leave'", (who,)).fetchone()
    if old is not None:
        answer = world.send(Call(who, "cancel_absence", (("absence_id", old[0]), ("key", who))))
        return f"{who} stays after all: {said(answer)}"
    begin = world.now + timedelta(minutes=world.chance.choice((1, 60)))
    body = {
        "from": _instant(begin),
        "until": _instant(begin + timedelta(minutes=30)),
        "reason": "leave",
        "ramp_for": "0",
    }
    answer = world.send(Call(who, "add_absence", (("key", who),), call("", "", body).body))
    return f"{who} will be away: {said(answer)}"


def staff(world: World) -> str:
    """A queue is served in another way, which admits the same people."""
    asked = world.chance.choice(
        (
            {"model": "dedicated", "params": {"team": "front"}, "strategy_params": {}},
            {"model": None, "params": {}, "strategy_params": {}},
        )
    )
    if world.chance.random() < 0.3:
        asked = {**asked, "effective_at": _instant(world.now + timedelta(minutes=10))}
    answer = world.send(Call("admin", "put_staffing", (("key", "mail"),), call("", "", asked).body))
    return f"mail is served by {asked['model']}: {said(answer)}"


def lend(world: World) -> str:
    """A specialist helps at the front for a while."""
    who = world.chance.choice(SPECIALISTS)
    body = {"queue": "mail", "until": _instant(world.now + timedelta(minutes=40))}
    answer = world.send(Call("admin", "lend", (("key", who),), call("", "", body).body))
    return f"{who} is lent: {said(answer)}"
