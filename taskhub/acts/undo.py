"""Undo: the inverse service call, checked like any act, refused once the world has moved on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from taskhub.acts import asking, crm_asking, leaving, lending, month_end, selling, staffing, unconverting, unmerging
from taskhub.assignment import service as assignment
from taskhub.db import acts
from taskhub.db.acts import Act
from taskhub.db.tx import Tx
from taskhub.errors import AlreadyDone, Conflict, NotFound
from taskhub.events.model import RecordRef
from taskhub.notes import service as notes
from taskhub.queues import service as queues
from taskhub.tasks import followers, moving
from taskhub.tasks import service as tasks
from taskhub.tasks.model import Task

KEPT_FOR = timedelta(hours=24)
_WORDS = {
    "cannot_be_undone": "This act has no undo: do by hand what takes it back.",
    "switch_started": "The switch has begun: switch back instead.",
    "changed_since": "What this act touched has changed since: undo the newer acts first, or change it by hand.",
    "moved_on": "What this act began has come to its end by itself: there is nothing left to undo.",
    "follower_started": "Work that follows from it has been begun: it stays done.",
}


def list_acts(tx: Tx) -> list[dict[str, Any]]:
    """What the caller did in the last 24 hours, newest first, and whether it can be undone."""
    return [_shown(tx, one) for one in acts.of(tx.conn, tx.by.label, tx.now - KEPT_FOR)]


def _shown(tx: Tx, one: Act) -> dict[str, Any]:
    why = _why_not(tx, one)
    return {
        "id": one.id, "kind": one.kind, "at": one.at, "touched": [f"{n}:{i}" for n, i in one.touched],
        "can_undo": why is None, "why_not": why, "undone_by": one.undone_by,
    }  # fmt: skip


def _why_not(tx: Tx, one: Act) -> str | None:
    if one.inverse is None:
        return "cannot_be_undone"
    if one.undone_by is not None:
        return "already_undone"
    if queues.has_started(tx, one.inverse.get("switch")):
        return "switch_started"
    if acts.touched_since(tx.conn, one):
        return "changed_since"
    if "ends" in one.inverse and datetime.fromisoformat(one.inverse["ends"]) <= tx.now:
        return "moved_on"
    return "follower_started" if followers.started(tx, one.inverse.get("task")) else None


def undo(tx: Tx, act_id: str, may: Callable[[RecordRef], object] | None = None) -> dict[str, Any]:
    """Takes an own act back. Raises NotFound, AlreadyDone, or Conflict that says what stands in the way.

    ``may`` raises for a record that the caller may not change any more: rights may have gone since the act.
    """
    one = acts.get(tx.conn, act_id, lock=True)
    if one is None or one.by != tx.by.label or one.at < tx.now - KEPT_FOR:
        raise NotFound("There is no such act of yours in the last 24 hours.")
    why = _why_not(tx, one)
    if why == "already_undone":
        raise AlreadyDone("This act has been undone already.")
    if why is not None or one.inverse is None:
        raise Conflict(_WORDS[why or "cannot_be_undone"], code=why or "conflict")
    record = _record(one.inverse)
    if may is not None and record is not None:
        may(record)
    done = _taken_back(tx, one.inverse, may)
    if may is not None and record is not None:
        may(record)  # behind its lock: it may have become somebody else's between the two
    acts.undone(tx.conn, act_id, tx.act_id)
    tx.inverse = None
    return {"undone": act_id, "act": tx.act_id, "task": done.id if isinstance(done, Task) else None}


def _record(inverse: Mapping[str, Any]) -> RecordRef | None:
    """The record or note whose rights decide. Who has just given one away may take that back: it is theirs no more."""
    if inverse["op"] == "undo_conversion":
        return RecordRef("lead", inverse["lead"])
    if inverse["op"] in ("unadd_note", "rewrite_note", "restore_note"):
        return RecordRef(notes.NOUN, inverse["note"])
    if inverse["op"] in ("take_back", "undo_merge"):
        return RecordRef(*inverse["record"])
    if inverse["op"] == "put_back" and "owner" not in inverse["changes"]:
        return RecordRef(*inverse["record"])
    return None


def _taken_back(tx: Tx, inverse: Mapping[str, Any], may: Callable[[RecordRef], object] | None) -> Any:
    if inverse["op"] == "undo_merge" and may is not None:
        return unmerging.undo_all(tx, inverse, lambda state: may(state.ref))
    return INVERSES[inverse["op"]](tx, inverse)


def _resume(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return tasks.resume(tx, inverse["task"])[0]


def _reopen(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    task = assignment.reopen(tx, inverse["task"], "undo")
    followers.withdraw(tx, task.id)
    return task


def _restore(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return assignment.reopen(tx, inverse["task"], "undo", act="restore")


def _release(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    lease = tasks.lease_of(tx, inverse["task"])
    return tasks.release(tx, inverse["task"], "undo", lease.token if lease else None)


def _assign(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return assignment.take_back(tx, inverse["task"], inverse["agent"])


def _unassign(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return tasks.unassign(tx, inverse["task"])


def _kind(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return tasks.change_back(tx, inverse["task"], inverse["kind"], inverse.get("was", {}))


def _unacknowledge(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return tasks.unacknowledge(tx, inverse["task"])


def _patch(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return tasks.unpatch(tx, inverse["task"], inverse["changes"])


def _switch(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return queues.cancel_switch(tx, inverse["queue"], inverse["switch"])


def _loan(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return lending.end(tx, inverse["agent"], inverse["loan"])


def _period(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return month_end.end(tx, inverse["queue"], inverse["period"])


def _plan_again(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return staffing.plan_again(tx, inverse["row"])


def _lend_again(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return lending.again(tx, inverse["row"])


def _put_again(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return month_end.again(tx, inverse["row"])


def _stop(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return queues.restore(tx, inverse["queue"], inverse)


def _move(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return moving.move_back(tx, inverse["tasks"])


def _come_back(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return leaving.come_back(tx, inverse)


def _unadd_note(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return notes.remove(tx, inverse["note"], None)


def _restore_note(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return notes.restore(tx, inverse["note"])


def _rewrite_note(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return notes.change(tx, inverse["note"], None, inverse["was"])


def _unask(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return asking.unask(tx, inverse["task"])


def _pass_back(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return asking.pass_on(tx, inverse["question"], inverse["to"])


def _unconvert(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return unconverting.undo(tx, inverse["lead"])


def _take_back(tx: Tx, inverse: Mapping[str, Any]) -> Any:
    return crm_asking.take_back(tx, inverse)


INVERSES: Mapping[str, Callable[[Tx, Mapping[str, Any]], Any]] = {
    "resume": _resume, "reopen": _reopen, "restore": _restore, "release": _release, "assign": _assign,
    "unassign": _unassign, "change_kind": _kind, "patch": _patch, "cancel_switch": _switch, "end_loan": _loan,
    "unacknowledge": _unacknowledge, "end_period": _period, "queue_state": _stop, "move_back": _move,
    "come_back": _come_back, "plan_again": _plan_again, "lend_again": _lend_again, "put_again": _put_again,
    "put_back": selling.put_back, "undo_conversion": _unconvert, "take_back": _take_back,
    "undo_merge": unmerging.undo_all, "unadd_note": _unadd_note,
    "unask": _unask, "pass_back": _pass_back, "restore_note": _restore_note, "rewrite_note": _rewrite_note,
}  # fmt: skip
