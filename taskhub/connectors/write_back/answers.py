"""What comes back about our tasks: done over there is done here; of ours no rule hears, wherever it was changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from taskhub.connectors.own_write import is_own_write
from taskhub.connectors.pipedrive.identity import ANY_MARK
from taskhub.connectors.states import is_work_of
from taskhub.connectors.write_back import store
from taskhub.connectors.write_back.model import DONE, GONE, OPEN
from taskhub.db.tx import Tx
from taskhub.events.model import Event, RecordRef
from taskhub.failpoints import failpoint
from taskhub.sales import service as sales
from taskhub.sales.model import Changes
from taskhub.tasks import done_elsewhere

OWN_TASK = "own_task"
DELETED = "activity.deleted"


def heard(tx: Tx, event: Event, changes: Changes, known: Mapping[str, Mapping[str, Any]]) -> Changes:
    """``changes``, for no rule to fire on when they are of a task of ours; what a person did to it there is done here.

    ``known`` is what is known of the event's record now. Its work here goes on by our own rules, not by theirs.
    """
    if event.record is None or event.record.noun != "activity" or event.connection is None:
        return changes
    fields = known.get("activity", {})
    task_id = store.task_of(tx, event.connection, _theirs(event)) or _in_doubt(tx, event, fields)
    if task_id is None:
        ours = ANY_MARK.search(str(fields.get("title") or "")) is not None
        return replace(changes, reason=changes.reason or OWN_TASK) if ours else changes
    connection = tx.policies.connections.get(event.connection)
    if connection is None or not is_own_write(event, connection):
        _changed(tx, event, task_id, _ended(changes, fields))
    return replace(changes, reason=changes.reason or OWN_TASK)


def _in_doubt(tx: Tx, event: Event, fields: Mapping[str, Any]) -> str | None:
    """The task of ours that we have written and had no answer about, and that this is.

    Our next try may be a day away, so what was done to it over there is not left to wait for that.
    """
    connection = tx.policies.connections.get(event.connection or "")
    if connection is None or event.record is None:
        return None
    id_, tasks = event.record.id, store.in_doubt(tx, connection.key)
    return next((task for task in tasks if is_work_of(connection, task, id_, fields)), None)


def _theirs(event: Event) -> str:
    return event.record.id.removeprefix(f"{event.connection}:") if event.record else ""


def done_meanwhile(tx: Tx, connection: str, task_id: str, theirs: str) -> None:
    """It was written and done before we knew its id: the event has come and gone."""
    known = sales.known_of(tx, RecordRef("activity", f"{connection}:{theirs}")).get("activity", {})
    if known.get("done") is True and done_elsewhere.finish(tx, task_id):
        tx.note("task", task_id)


def _ended(changes: Changes, fields: Mapping[str, Any]) -> dict[str, bool]:
    """What this event itself says: that it was done, that it is gone. Edits of what has ended long ago end nothing.

    Of one that is seen for the first time nothing moves: what is known is what the event says.
    """
    if changes.reason == "first_seen":
        return {name: fields.get(name) is True for name in ("done", "deleted")}
    done = "done" in changes.fields and changes.fields["done"].new is True
    # Of what is deleted no field moves: the type alone says it, and that of an old word says nothing any more.
    return {"done": done, "deleted": changes.reason is None and DELETED in changes.types}


def _changed(tx: Tx, event: Event, task_id: str, ended: Mapping[str, bool]) -> None:
    if not any(ended.values()):
        return
    # The task is locked before what stands over there, as everywhere.
    task = done_elsewhere.lock(tx, task_id)
    now = store.lock(tx, event.connection or "", task_id)
    if now is None or now.shown not in (OPEN, None):
        return
    if now.reopened_at is not None and event.occurred_at <= now.reopened_at and not ended["deleted"]:
        return
    now = replace(now, theirs=now.theirs or _theirs(event))
    if ended["deleted"]:
        store.save(tx, replace(now, shown=GONE))
    elif task.is_open and now.wanted == OPEN:
        done_elsewhere.finish(tx, task_id)
        store.save(tx, replace(now, shown=DONE, wanted=DONE))
        failpoint("write_back.done_there")
