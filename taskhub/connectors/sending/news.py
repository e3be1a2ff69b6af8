"""Which events a row of a task's history is, and what an event looks like when it leaves. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from taskhub.events.own import SOURCE
from taskhub.tasks.model import CANCELLED, COMPLETED, IN_PROGRESS, PAUSED

MEDIA = "application/cloudevents+json"
PING = "taskhub.ping"
ENDS = {COMPLETED: "task.completed", CANCELLED: "task.cancelled"}
FALLS = ("sla.warned", "sla.breached")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened at ``at``. ``seq`` counts the transitions of a task, None where nobody counts."""

    type: str
    subject: str
    data: Mapping[str, Any]
    at: datetime
    seq: int | None = None


def types_of(act: str, change: Mapping[str, Any]) -> tuple[str, ...]:
    """The events that one row of a task's history is; ``change`` is what differs, and ``from`` which state.

    >>> types_of("claim", {"state": "in_progress", "from": "queued", "agent": "zoe"})
    ('task.assigned', 'task.started')
    """
    if act == "create":
        return ("task.created",)
    if act in FALLS:
        return (act,)
    return tuple(one for one in (_hand(change), _state(change)) if one is not None)


def _hand(change: Mapping[str, Any]) -> str | None:
    """In whose hands it is now; that work which has ended is in nobody's goes without saying."""
    if "agent" not in change or change.get("state") in ENDS:
        return None
    return "task.unassigned" if change["agent"] is None else "task.assigned"


def _state(change: Mapping[str, Any]) -> str | None:
    state, before = change.get("state"), change.get("from")
    if state in ENDS:
        return ENDS[state]
    if before in ENDS:
        return "task.reopened"
    if state == PAUSED:
        return "task.paused"
    if state == IN_PROGRESS:
        return "task.resumed" if before == PAUSED else "task.started"
    return None


def envelope(fact: Fact, id_: str) -> str:
    """The event in the structured form: the very text that is signed and sent, on every try."""
    told: dict[str, Any] = {
        "specversion": "1.0", "id": id_, "source": SOURCE, "type": fact.type, "subject": fact.subject, "time": fact.at,
        "datacontenttype": "application/json", "data": fact.data,
    }  # fmt: skip
    if fact.seq is not None:
        # Sorts as text, as the extension of CloudEvents wants it.
        told["sequence"] = f"{fact.seq:010d}"
    return orjson.dumps(told, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS).decode()
