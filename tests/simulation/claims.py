"""Claims, and whether what they gave is what they had to give."""

from __future__ import annotations

from typing import Any

from taskhub.db.types import text_of
from tests.simulation.desk import Answer, call
from tests.simulation.house import CAPACITY, FRONT, PEOPLE, SPECIALISTS
from tests.simulation.ledger_watch import Wrong
from tests.simulation.world import World

CANDIDATES = (
    "select id from task t where state = 'queued' and queue in ('front', 'mail') and not exists"
    " (select 1 from exclusion x where x.task = t.id and x.agent = ? and (x.until is null or x.until > ?))"
    " order by start_by, created_at, id limit 1"
)
OWN = "select id from task where agent = ? and (state = 'assigned' or (state = 'paused' and paused_until <= ? and ?))"
PRESENT = "select presence, presence_until from agent where key = ?"
EXCLUDED = "select 1 from exclusion where task = ? and agent = ? and (until is null or until > ?)"


def said(answer: Answer | None) -> str:
    """One word for the trace."""
    return "no reply" if answer is None else answer.code or "ok"


def claim(world: World) -> str:
    """The next task, and whether it had to be that one."""
    who = world.chance.choice((*FRONT, *FRONT, *SPECIALISTS))
    one = call(who, "claim_next", key=world.fresh_key() if world.chance.random() < 0.8 else None)
    before = _before(world, who)
    answer = world.send(one)
    if answer is not None and answer.code is None:
        judge_claim(world, who, before, answer.json)
    return f"{who} claims: {said(answer)} {_given(answer)}"


def _given(answer: Answer | None) -> str:
    if answer is None or answer.code:
        return ""
    task = answer.json.get("task")
    return task["id"][-6:] if task else str(answer.json.get("reason"))


def _before(world: World, who: str) -> dict[str, Any]:
    """What the claim of ``who`` is judged by, as it is before it."""
    now = text_of(world.now)
    presence, until = world.raw.execute(PRESENT, (who,)).fetchone()
    if until is not None and until <= now:
        presence = "offline" if presence == "available" else "available"
    held = sum(t.agent == who and t.state in ("assigned", "in_progress") for t in world.tasks.tasks.values())
    own = [row[0] for row in world.raw.execute(OWN, (who, now, held < CAPACITY))]
    first = world.raw.execute(CANDIDATES, (who, now)).fetchone()
    guest = world.raw.execute("select 1 from loan where agent = ? and until_at > ?", (who, now)).fetchone()
    away = world.raw.execute("select 1 from absence where agent = ?", (who,)).fetchone()
    return {"presence": presence, "held": held, "own": own, "first": first, "plain": not guest and not away}


def judge_claim(world: World, who: str, was: dict[str, Any], got: dict[str, Any]) -> None:
    """Own work first, then the head of what waits; nothing for who is not there, is full or was kept off."""
    task, there = got["task"], was["presence"] == "available"
    if task is None:
        _judge_nothing(who, was, got["reason"], there=there)
    elif was["own"]:
        if task["id"] not in was["own"] and was["presence"] != "offline":
            raise Wrong(f"claim: {who} got {task['id']}, but has {was['own']} already")
    else:
        _judge_new(world, who, was, task["id"], there=there)


def _judge_nothing(who: str, was: dict[str, Any], reason: str, *, there: bool) -> None:
    if reason == "nothing_eligible" and who in FRONT and was["plain"] and was["first"]:
        raise Wrong(f"claim: {who} got nothing, but {was['first'][0]} waits")
    if was["own"] and there:
        raise Wrong(f"claim: {who} got nothing, but has {was['own']}")


def _judge_new(world: World, who: str, was: dict[str, Any], id_: str, *, there: bool) -> None:
    if was["presence"] not in ("available", "offline"):
        raise Wrong(f"claim: {who} is {was['presence']} and got {id_}")
    if was["held"] >= CAPACITY and there:
        raise Wrong(f"claim: {who} holds {was['held']} and got {id_}")
    if world.raw.execute(EXCLUDED, (id_, who, text_of(world.now))).fetchone():
        raise Wrong(f"claim: {who} was kept off {id_} and got it")
    if who in FRONT and was["plain"] and there and was["first"] and id_ != was["first"][0]:
        raise Wrong(f"claim: {who} got {id_} before {was['first'][0]}")


def some(world: World, *states: str) -> str | None:
    """One of the newer tasks in these states."""
    found = [id_ for id_, task in world.tasks.tasks.items() if task.state in states]
    return world.chance.choice(found[-25:]) if found else None


def pick(world: World) -> str:
    """This very task."""
    task = some(world, "queued")
    if task is None:
        return "nothing to pick"
    who = world.chance.choice(PEOPLE)
    answer = world.send(call(who, "claim_task", {"reason": "on the line"}, world.fresh_key(), id=task))
    taken = answer is not None and answer.code is None and not answer.replayed
    if taken and world.raw.execute(EXCLUDED, (task, who, text_of(world.now))).fetchone():
        raise Wrong(f"claim: {who} was kept off {task} and picked it")
    return f"{who} picks {task[-6:]}: {said(answer)}"
