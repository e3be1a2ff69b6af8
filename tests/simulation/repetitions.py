"""Undo, calls sent again, and keys used for something else."""

from __future__ import annotations

from tests.simulation.claims import said
from tests.simulation.desk import Call, call
from tests.simulation.house import FRONT, MANAGER, PEOPLE
from tests.simulation.ledger_watch import Wrong
from tests.simulation.world import Undoable, World


def undo(world: World) -> str:
    """An act of one's own, or of somebody else's, is taken back."""
    latest = [one for one in list(world.acts.values())[-10:] if one.undoes is not None]
    if not latest:
        return "nothing to undo"
    one = world.chance.choice(latest)
    who = one.by.removeprefix("agent:")
    if world.chance.random() < 0.15 or who not in (*PEOPLE, MANAGER):
        who = world.chance.choice(PEOPLE)
    later = _touched_since(world, one)
    answer = world.send(call(who, "undo", key=world.fresh_key(), id=one.id))
    if answer is not None and answer.code is None and not answer.replayed:
        _judge_undo(world, one, who, later)
    elif answer is not None and one.id in world.undone and answer.code not in ("already_done", "not_found"):
        raise Wrong(f"undo: {one.undoes} of {one.by} is undone already; told {answer.code} {answer.body[:80]!r}")
    return f"{who} undoes {one.undoes} of {one.by}: {said(answer)}"


def _touched_since(world: World, one: Undoable) -> bool:
    """Whether a person did something to one of its tasks after it."""
    for task in world.tasks.tasks.values():
        own = [row for row, act_id, _, _ in task.steps if act_id == one.id]
        if own and any(row > own[0] and a != one.id and by != "worker" for row, a, by, _ in task.steps):
            return True
    return False


def _judge_undo(world: World, one: Undoable, who: str, later: bool) -> None:
    if one.id in world.undone:
        raise Wrong(f"undo: {one.undoes} of {one.by} was undone twice")
    if one.by not in (who, f"agent:{who}"):
        raise Wrong(f"undo: {who} undid {one.undoes} of {one.by}")
    if later:
        raise Wrong(f"undo: {one.undoes} of {one.by} was undone after somebody went on")
    world.undone.add(one.id)
    if one.undoes == "reopen":
        task = next(
            id_
            for id_, known in world.tasks.tasks.items()
            if any(s[1] == one.id and s[3] == "complete" for s in known.steps)
        )
        sql = "select id from task where parent = ? and state in ('blocked', 'queued', 'assigned')"
        if left := world.raw.execute(sql, (task,)).fetchall():
            raise Wrong(f"undo: {task} is not done, but {left} that follow it wait")


def retry(world: World) -> str:
    """A client that heard nothing tries again, under its key."""
    if not world.lost:
        return "nobody waits for a reply"
    one = world.lost.pop(world.chance.randrange(len(world.lost)))
    if one.key is None and one.name not in ("post_events", "renew", "start"):
        return "without a key it is not tried again"
    return f"{one.who} tries {one.name} {one.key} again: {said(world.send(one))}"


def repeat(world: World) -> str:
    """A kept call comes again, with another body, or under the key of somebody else's."""
    first = world.once.some(world.chance)
    if first is None:
        return "nothing to repeat"
    one, way = first.call, world.chance.random()
    if way < 0.3 and one.body:
        one = Call(one.who, one.name, one.path, one.body + b" ", one.key)
    elif way < 0.5 and one.name == "claim_next":
        one = Call(world.chance.choice(FRONT), one.name, one.path, one.body, one.key)
    return f"{one.who} repeats {one.name} {one.key}: {said(world.send(one))}"
