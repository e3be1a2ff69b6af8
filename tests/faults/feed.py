"""A seeded stream of sales events: leads and deals that live side by side, each told in full by its own events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

SOURCE = "campaign"
QUIET_FOR = timedelta(days=20)
LIVING = 12
Step = tuple[str, dict[str, Any], str | None]  # type, record, what its stage or status was


def stream(count: int, seed: int, begin: datetime) -> list[dict[str, Any]]:
    """``count`` CloudEvents, a second apart from ``begin`` on; quiet leads were told of long before."""
    chance = Random(seed)
    living: list[Iterator[Step]] = []
    found: list[dict[str, Any]] = []
    born = 0
    while len(found) < count:
        while len(living) < LIVING:
            born += 1
            living.append(_life(born, chance))
        life = chance.choice(living)
        step = next(life, None)
        if step is None:
            living.remove(life)
        else:
            found.append(_event(len(found), step, begin + timedelta(seconds=len(found))))
    return found


def deals_to_work_on(events: list[dict[str, Any]], every: int) -> list[str]:
    """Some of the deals that are never lost: people may do their data checks at any moment."""
    lost = {event["subject"] for event in events if event["type"] == "deal.lost"}
    created = [event["subject"] for event in events if event["type"] == "deal.created"]
    return [deal for deal in created if deal not in lost][::every]


def won(events: list[dict[str, Any]]) -> list[str]:
    """The deals that are won and were never lost: nothing else ends the work they begin."""
    lost = {event["subject"] for event in events if event["type"] == "deal.lost"}
    return [event["subject"] for event in events if event["type"] == "deal.won" and event["subject"] not in lost]


def _life(number: int, chance: Random) -> Iterator[Step]:
    sort = chance.random()
    if sort < 0.1:
        yield "lead.created", _lead(f"quiet-{number}", chance), None
    elif sort < 0.4:
        yield from _of_lead(_lead(f"L{number}", chance), chance)
    else:
        yield from _of_deal(_deal(f"D{number}", chance), chance)


def _of_lead(lead: dict[str, Any], chance: Random) -> Iterator[Step]:
    yield "lead.created", dict(lead), None
    for stage in ("contacted", "qualified", "ready")[: chance.randint(1, 3)]:
        was, lead["stage"] = lead["stage"], stage
        yield "lead.stage_changed", dict(lead), was
    end = chance.choice(("converted", "lost", "open"))
    if end != "open":
        yield f"lead.{end}", {**lead, "status": end}, "open"


def _of_deal(deal: dict[str, Any], chance: Random) -> Iterator[Step]:
    yield "deal.created", dict(deal), None
    was, deal["stage"] = deal["stage"], "proposal"
    yield "deal.stage_changed", dict(deal), was
    if chance.random() < 0.4:
        yield "deal.lost", {**deal, "status": "lost", "lost_reason": "price"}, "open"
        if chance.random() < 0.5:
            return
        yield "deal.reopened", dict(deal), "lost"
    if chance.random() < 0.7:
        yield "deal.won", {**deal, "status": "won"}, "open"


def _lead(id_: str, chance: Random) -> dict[str, Any]:
    return {"id": id_, "stage": "new", **_facts(id_, chance)}


def _deal(id_: str, chance: Random) -> dict[str, Any]:
    return {"id": id_, "title": f"Order {id_}", "stage": "discovery", **_facts(id_, chance)}


def _facts(id_: str, chance: Random) -> dict[str, Any]:
    amount = chance.choice((900, 12_000, 60_000, 300_000))
    language = chance.choice(("en", "fr", "de"))
    return {"name": f"Contact of {id_}", "company": f"Company {id_}", "amount": amount, "currency": "EUR",
            "language": language, "status": "open", "owner": "rep"}  # fmt: skip


def _event(number: int, step: Step, at: datetime) -> dict[str, Any]:
    type_, record, was = step
    noun, _, move = type_.partition(".")
    at = at - QUIET_FOR if record["id"].startswith("quiet") else at
    previous = {} if was is None else {"previous": {"stage" if move == "stage_changed" else "status": was}}
    return {"specversion": "1.0", "id": f"e{number:05}", "source": SOURCE, "type": type_, "subject": record["id"],
            "time": at.isoformat(), "datacontenttype": "application/json", "data": {noun: record, **previous},
            }  # fmt: skip
