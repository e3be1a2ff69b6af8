"""What is told to whom: one row of the ledger for each event and receiver, in the transaction of what happened.

Of tasks the history is heard, right before it is written: whatever stands there leaves the house, as the task is when
the transaction ends. Of leads and deals the events are heard, each as it is applied.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from taskhub.connectors.asking import shown
from taskhub.connectors.sending import store
from taskhub.connectors.sending.news import Fact, envelope, types_of
from taskhub.db.history import Entry
from taskhub.db.tx import Tx
from taskhub.events.own import SOURCE
from taskhub.failpoints import failpoint
from taskhub.ids import new_id
from taskhub.policy.policies import Connection
from taskhub.policy.sending import Sending
from taskhub.sales.firings import service as firings
from taskhub.sales.model import Changes
from taskhub.sales.service import Projected
from taskhub.tasks import service as tasks
from taskhub.tasks.model import Task
from taskhub.tasks.shown import as_json

TOLD = "event.leaves"
NOUNS = ("lead", "deal")
REKINDED = ("change_kind", "change_back")
UPDATED = "updated"


def of_history(tx: Tx, entries: Sequence[Entry]) -> None:
    """Tells what has happened to tasks. Asked right before the rows of history are written."""
    if not tx.policies.sending:
        return
    heard = [one for one in entries if one.noun == "task"]
    receivers = _live(tx, {type_ for one in heard for type_ in types_of(one.act, one.change)})
    if not receivers:
        return
    told = {one.id for one in heard if types_of(one.act, one.change)}
    known = {id_: tasks.get(tx, id_) for id_ in told}
    leaving = [
        (one, [receiver for receiver in receivers if any(_of(receiver).of(*place) for place in places)])
        for one, places in _places(tx, [one for one in heard if one.id in known], known)
    ]
    wanted = sorted({one.id for one, fitting in leaving if fitting})
    shown_ = dict(zip(wanted, as_json.tasks(tx, [known[id_] for id_ in wanted]), strict=True))
    for entry, fitting in leaving:
        for type_ in types_of(entry.act, entry.change) if fitting else ():
            _tell(tx, fitting, Fact(type_, entry.id, _data(tx, entry, shown_[entry.id]), tx.now, entry.seq))


def _places(
    tx: Tx, entries: Sequence[Entry], known: Mapping[str, Task]
) -> list[tuple[Entry, frozenset[tuple[str, str]]]]:
    """Where each task was at its entry: before and after it, so that one that leaves is told to whom it leaves."""
    now = {id_: (task.kind, task.queue) for id_, task in known.items()}
    found = []
    for one in reversed(entries):
        after, kind = now[one.id], one.change.get("was")
        if one.act in REKINDED and isinstance(kind, str):
            before = tx.policies.kinds.get(kind)
            now[one.id] = (kind, before.queue if before is not None else after[1])
        found.append((one, frozenset({now[one.id], after})))
    return found[::-1]


def of_event(tx: Tx, done: Projected, changes: Changes) -> None:
    """Tells what an applied event says of its lead or deal, to everybody but the connection it came from.

    ``changes`` are those on which rules may fire: each once, in whatever order events arrive.
    """
    state = done.state
    if not tx.policies.sending or state is None or changes.reason is not None or state.ref.noun not in NOUNS:
        return
    told = _receivers(tx, done, changes, state.ref.noun)
    if not told:
        return
    left = firings.unsent(tx, done.event, changes)
    if left is not changes:
        told = _receivers(tx, done, left, state.ref.noun) if left.reason is None else []
    data = {state.ref.noun: shown.record(tx, state), "changed": sorted(left.fields)}
    for one, types in told:
        for type_ in _closest(types):
            _tell(tx, [one], Fact(type_, state.ref.id, data, done.event.occurred_at))


def _receivers(tx: Tx, done: Projected, changes: Changes, noun: str) -> list[tuple[Connection, list[str]]]:
    """Who is told, and of which types."""
    types = [one for one in changes.types if one.startswith(f"{noun}.")]
    came_from = None if done.event.source == SOURCE else done.event.connection
    return [(one, list(filter(_of(one).wants, types))) for one in _live(tx, types) if one.key != came_from]


def _closest(types: Sequence[str]) -> Sequence[str]:
    """That it was changed goes without saying where it is said how."""
    closer = [one for one in types if not one.endswith(f".{UPDATED}")]
    return closer or types


def _live(tx: Tx, types: Collection[str]) -> list[Connection]:
    """Who wants one of these and has not asked for silence."""
    asked = [one for one in tx.policies.sending if any(_of(one).wants(type_) for type_ in types)]
    stopped = store.stopped(tx, [one.key for one in asked]) if asked else {}
    return [one for one in asked if stopped.get(one.key) != _of(one).address]


def _tell(tx: Tx, receivers: Iterable[Connection], fact: Fact) -> None:
    for one in receivers:
        if _of(one).wants(fact.type):
            id_ = new_id()
            body = envelope(fact, id_)
            tx.emit(TOLD, id_, {"connection": one.key, "type": fact.type, "about": fact.subject, "body": body})
            failpoint("sending.told")


def _data(tx: Tx, entry: Entry, task: Mapping[str, Any]) -> dict[str, Any]:
    target = {"target": entry.change["target"]} if "target" in entry.change else {}
    return {"task": task, "act": entry.act, "by": tx.by.label, **target}


def _of(connection: Connection) -> Sending:
    if connection.send is None:
        raise RuntimeError("only connections that send are asked")
    return connection.send
