"""A row becomes an open task as it was yesterday: its dates, who holds it, what it waits for, what is done. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from taskhub.errors import InvalidInput
from taskhub.events.model import RecordRef
from taskhub.ids import digest
from taskhub.importing.cells import typed
from taskhub.importing.house import House, is_called, pause_reason, plain, priority
from taskhub.importing.mapping import FieldMap
from taskhub.importing.model import NewWork
from taskhub.importing.records import DAY, id_of, read_record_id
from taskhub.policy.promise import WAITING_REP
from taskhub.policy.work import NORMAL, Kind
from taskhub.sales import fields, path
from taskhub.sales.fields import invalid
from taskhub.tasks.drafting import checklist
from taskhub.tasks.model import SET_ASIDE, NewTask

NOTES = 20_000
_STATES: Mapping[str, str] = {
    "queued": "queued, open, new, todo, to do, waiting, unassigned, a faire, nouveau, ouvert, ouverte",
    "given": "assigned, in progress, in_progress, started, doing, active, attribue, attribuee, en cours",
    "paused": "paused, on hold, pending, snoozed, en pause, en attente",
    "blocked": "blocked, bloque, bloquee",
    "ended": "completed, done, closed, cancelled, canceled, resolved, finished, termine, terminee, clos, annule",
}
STATES = {word.strip(): state for state, words in _STATES.items() for word in words.split(",")}
_MARKED = re.compile(r"\[([ xX-])\] ?(.*)")
ALL, NONE = ("all", "tout", "*"), ("none", "rien", "-")


def task_of(line: int, said: Mapping[str, str], map_: FieldMap, house: House) -> NewWork:
    """The task a row says. Raises InvalidInput, also for one that is done: only open work is taken over."""
    good, own = typed(map_, said)
    kind = _kind(good, house)
    state = _state(good)
    agent = house.person("owner", good["owner"]) if "owner" in good else None
    waits_for, until = _waiting(good, state, agent, house)
    _check_holder(agent, kind, house)
    created = _created(good, house)
    id_ = read_record_id("id", id_of("task", said, map_))
    ids = {noun: read_record_id(noun, good[noun]) for noun in ("lead", "deal", "file") if noun in good}
    links = tuple(RecordRef(noun, ids[noun]) for noun in ("lead", "deal") if noun in ids)
    new = NewTask(
        kind=kind.key, title=fields.line(good.get("title", kind.name.default)),
        priority=priority(good["priority"]) if "priority" in good else NORMAL,
        record=str(links[-1]) if links else None, lead=ids.get("lead"), deal=ids.get("deal"), file=ids.get("file"),
        waits_for=_kinds(good.get("waits_for", ""), house), due_at=good.get("due_at"), occurred_at=created,
        origin=digest("imported task", id_), data=own, note=_note(good), since=created,
        blocked_until=until if agent is None else None,
        ticked=_ticked(kind, good.get("checklist", "")),
    )  # fmt: skip
    return NewWork(line, id_, new, agent, waits_for, until if agent else None, links)


def _kind(good: Mapping[str, Any], house: House) -> Kind:
    if "kind" not in good:
        raise invalid([("kind", "is missing: every task has one")], "unknown_kind")
    kind = house.kind(good["kind"])
    queues = house.policies.queues
    if "queue" in good and not is_called(good["queue"], kind.queue, queues[kind.queue].name):
        if not any(is_called(good["queue"], one.key, one.name) for one in queues.values()):
            raise path.unknown("queue", good["queue"], sorted(queues), "unknown_queue")
        raise invalid([("queue", f"the kind {kind.key} belongs to the queue {kind.queue}")], "kind_not_in_queue")
    return kind


def _state(good: Mapping[str, Any]) -> str | None:
    told = good.get("state")
    if told is None:
        return None
    state = STATES.get(plain(told))
    if state is None:
        raise path.unknown("state", told, ("queued", "assigned", "in_progress", "paused", "blocked"), "unknown_status")
    if state == "ended":
        raise invalid([("state", f"is {told[:40]!r}: only open tasks are taken over")], "not_open")
    return state


def _waiting(
    good: Mapping[str, Any], state: str | None, agent: str | None, house: House
) -> tuple[str | None, datetime | None]:  # fmt: skip
    """Why and until when it waits. With its person it is paused; without one only a date can hold it back."""
    why = pause_reason(house.policies, good["waiting_reason"]) if "waiting_reason" in good else None
    until: datetime | None = good.get("waiting_until")
    # No question comes along, so nobody could ever answer: the task would wait for its rep with no way on.
    asks = why == WAITING_REP
    if asks or (why is None and (state == "paused" or (until is not None and agent is not None))):
        why = SET_ASIDE if SET_ASIDE in house.policies.pause_reasons else next(iter(house.policies.pause_reasons), None)
    if why is not None and agent is None and until is None:
        raise invalid([("owner", "is missing: work that waits has somebody it waits with, or a date")], "owner_missing")
    later = until if until is not None and until > house.now else None
    return (why if agent is not None else None), later


def _check_holder(agent: str | None, kind: Kind, house: House) -> None:
    if agent is None:
        return
    if agent not in house.active:
        raise invalid([("owner", f"{agent} is no longer active and gets no work")], "unknown_owner")
    if house.gives is not None and kind.queue not in house.gives:
        raise invalid([("owner", f"the queue {kind.queue} is not yours to give people work of")], "forbidden")


def _created(good: Mapping[str, Any], house: House) -> datetime:
    created: datetime = good.get("created_at", house.now)
    if created > house.now + DAY:
        raise invalid([("created_at", f"{created.date()} has not come yet")], "time_in_future")
    return min(created, house.now)


def _kinds(text: str, house: House) -> tuple[str, ...]:
    return tuple(house.kind(one.strip()).key for one in re.split(r"[,;\n]", text) if one.strip())


def _note(good: Mapping[str, Any]) -> str | None:
    note: str | None = good.get("note")
    if note is not None and len(note) > NOTES:
        raise invalid([("note", f"is longer than {NOTES} characters")], "bad_value")
    return note


def _ticked(kind: Kind, text: str) -> dict[int, str]:
    """Number of item → "x" done or "-" not applicable; one a line, or divided by semicolons. What is named is done."""
    items = checklist(kind)
    if plain(text) in ALL:
        return dict.fromkeys(range(len(items)), "x")
    if not text or plain(text) in NONE:
        return {}
    found: dict[int, str] = {}
    for part in filter(None, (one.strip() for one in re.split(r"[\n;]", text))):
        marked = _MARKED.fullmatch(part)
        mark, words = (marked[1].lower(), marked[2]) if marked else ("x", part)
        number = next((item["item"] for item in items if _says(item, words)), None)
        if number is None:
            raise path.unknown("checklist", words, [str(item["text"]) for item in items], "unknown_item")
        if mark.strip():
            found[number] = mark
    return found


def _says(item: Mapping[str, Any], words: str) -> bool:
    texts = [item["text"], *item.get("texts", {}).values()]
    # Semicolons divide items, so one that holds some is known by what stands before them.
    return plain(words) in {plain(str(text).partition(";")[0]) for text in texts} | {plain(str(text)) for text in texts}


def refused(error: InvalidInput) -> tuple[str, str]:
    """The reason and the words of a refusal."""
    return error.stable_code, error.message
