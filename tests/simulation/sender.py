"""The sales system: tells what happened, out of order, more than once, and sometimes two things under one id."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.simulation.desk import call
from tests.simulation.ledger_watch import Wrong
from tests.simulation.world import World

STAGES = ("talk", "offer", "closing")


def tell(world: World) -> str:
    """A batch: new events, old ones again, in any order."""
    chance = world.chance
    batch = [_event(world) for _ in range(chance.randint(1, 2))]
    known = list(world.sent.events)
    if known and chance.random() < 0.5:
        batch += [world.sent.events[chance.choice(known[-15:])]]
    chance.shuffle(batch)
    world.sent.events |= {one["id"]: one for one in batch}
    if chance.random() < 0.3:
        return f"the sender keeps {len(batch)} back"  # they come later, out of order
    return _send(world, batch)


def _send(world: World, batch: list[dict[str, Any]]) -> str:
    fresh = [one for one in {b["id"]: b for b in batch} if one not in world.sent.accepted]
    answer = world.send(call("crm", "post_events", batch))
    if answer is None:
        # It may have been stored or not: the sender sends it again later.
        return f"{len(batch)} events: no reply"
    if answer.code is not None:
        raise Wrong(f"event: {len(batch)} plain events were refused: {answer.body!r}")
    receipts = answer.json["events"]
    accepted = [one["id"] for one in receipts if one["status"] == "accepted"]
    for id_ in accepted:
        if id_ not in fresh and id_ in world.sent.accepted:
            raise Wrong(f"event: {id_} was accepted twice")
    for one in receipts:
        if world.raw.execute("select 1 from event where id = ?", (one["event_id"],)).fetchone() is None:
            raise Wrong(f"event: the receipt of {one['id']} names {one['event_id']}, which is not stored")
    world.sent.accepted |= {one["id"] for one in receipts}
    return f"{len(batch)} events, {len(accepted)} new"


def again(world: World) -> str:
    """What was kept back or never confirmed, and sometimes another body under a known id."""
    chance = world.chance
    if world.sent.accepted and chance.random() < 0.25:
        first = world.sent.events[chance.choice(sorted(world.sent.accepted))]
        other = {**first, "time": "2026-03-01T00:00:00Z"}
        answer = world.send(call("crm", "post_events", [other]))
        if answer is not None and answer.code is None:
            raise Wrong(f"event: another body under {first['id']} was {answer.body!r}")
        return f"another body under {first['id']}"
    open_ = [id_ for id_ in world.sent.events if id_ not in world.sent.accepted]
    if not open_:
        return "everything was told"
    chosen = chance.sample(open_, min(len(open_), chance.randint(1, 3)))
    return _send(world, [world.sent.events[id_] for id_ in chosen])


def rest(world: World) -> None:
    """At the end everything is told."""
    open_ = [id_ for id_ in world.sent.events if id_ not in world.sent.accepted]
    for begin in range(0, len(open_), 20):
        answer = world.send(
            call("crm", "post_events", [world.sent.events[id_] for id_ in open_[begin : begin + 20]]), calm=True
        )
        if answer is None or answer.code is not None:
            raise Wrong(f"event: plain events were refused: {answer}")
        world.sent.accepted |= {one["id"] for one in answer.json["events"]}


def _event(world: World) -> dict[str, Any]:
    """Something that happened at some time of the last hour to one of a few records."""
    chance, number = world.chance, len(world.sent.events) + world.keys
    world.keys += 1
    known = sorted({one["subject"] for one in world.sent.events.values()})
    fresh = not known or chance.random() < 0.55
    subject = f"{chance.choice(('lead', 'deal'))}-{number}" if fresh else chance.choice(known[-12:])
    noun = subject.partition("-")[0]
    moves = ("updated",) if noun == "lead" else ("stage_changed", "stage_changed", "lost")
    move = "created" if fresh else chance.choice(moves)
    data: dict[str, Any] = {"id": subject}
    if noun == "lead":
        data["name"] = f"Name {number}"
    elif move != "lost":
        data["stage"] = "new" if move == "created" else chance.choice(STAGES)
    at = world.now - timedelta(seconds=chance.randint(0, 900), milliseconds=number % 997)
    return {
        "specversion": "1.0", "id": f"e{number}", "source": "crm", "type": f"{noun}.{move}", "subject": subject,
        "time": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "datacontenttype": "application/json", "data": {noun: data},
    }  # fmt: skip
