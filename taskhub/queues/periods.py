"""Times in which a queue goes ahead: month-end, a campaign. Begun and ended by themselves."""

from __future__ import annotations

from datetime import datetime, timedelta

from taskhub.db.tx import Tx
from taskhub.errors import Conflict, NotFound
from taskhub.events.times import written
from taskhub.ids import new_id
from taskhub.policy.work import Queue
from taskhub.queues import model, service, store
from taskhub.queues.model import Period

CHANGED = "period.changed"


def of_queues(tx: Tx, queues: list[str]) -> list[Period]:
    """Periods of these queues that are not over."""
    return store.periods(tx, tx.now, queue=queues)


def ahead(tx: Tx, queue: str) -> timedelta:
    """How far the queue goes ahead now."""
    if not tx.lookups.get("periods"):
        tx.lookups["periods"] = store.periods(tx, tx.now) or [None]
    return model.ahead_of([one for one in tx.lookups["periods"] if one is not None and one.queue == queue], tx.now)


def checked(
    tx: Tx, queue: Queue, begin: datetime | None, end: datetime, ahead_by: timedelta
) -> tuple[datetime, datetime]:
    """From when until when, if the period may be made. Raises InvalidInput or Conflict."""
    since, until = model.span(begin, end, tx.now)
    model.ahead_within(ahead_by)
    _allowed(tx, queue, since, until)
    return since, until


def _allowed(tx: Tx, queue: Queue, since: datetime, until: datetime) -> None:
    service.refuse_closed(tx, queue)
    clash = model.overlapping(store.periods(tx, tx.now, queue=queue.key), since, until)
    if clash is not None:
        raise Conflict(
            f"Queue {queue.key!r} goes ahead in that time already. End that period first, or choose another time.",
            code="period_overlaps", period=clash,
        )  # fmt: skip


def put(tx: Tx, queue: Queue, begin: datetime | None, end: datetime, ahead_by: timedelta) -> Period:
    """Puts a queue ahead for a time; undone by ending it. Its tasks are looked at when it begins and when it ends."""
    store.lock(tx, queue.key)
    since, until = checked(tx, queue, begin, end, ahead_by)
    new = Period(new_id(), queue.key, tx.by.label, since, until, tx.now, ahead_by.total_seconds())
    _begin(tx, new, "put")
    tx.inverse = {"op": "end_period", "queue": queue.key, "period": new.id}
    return new


def _begin(tx: Tx, new: Period, act: str) -> None:
    store.add(tx, new)
    tx.lookups.pop("periods", None)
    since, until = new.from_at, new.until_at
    told = {"queue": new.queue, "from": since.isoformat(), "until": until.isoformat(), "ahead_s": new.ahead_s}
    tx.record("period", new.id, act, told)
    tx.emit(CHANGED, f"{new.id}:begin", {"queue": new.queue}, due_at=since)
    tx.emit(CHANGED, f"{new.id}:end", {"queue": new.queue}, due_at=until)


def again(tx: Tx, was: Period, queue: Queue) -> Period:
    """Undo of an ended period: it holds on until its old end. Raises Conflict when it is over or another overlaps."""
    store.lock(tx, queue.key)
    if was.until_at <= tx.now:
        raise Conflict(f"This period would have ended at {written(was.until_at)}; make a new one.", code="moved_on")
    _allowed(tx, queue, was.from_at, was.until_at)
    rest = store.one_period(tx, was.id)
    if rest is not None:
        store.drop(tx, rest)
    _begin(tx, was, "put_again")
    return was


def end(tx: Tx, queue: str, id_: str) -> Period:
    """Ends a period now, or takes it back before it began. Raises NotFound; over is over, and no error."""
    found = store.one_period(tx, id_)
    if found is None or found.queue != queue:
        raise NotFound(f"Queue {queue!r} has no period {id_[:64]!r}.")
    if found.until_at <= tx.now:
        return found
    for edge in ("begin", "end"):
        tx.cancel(CHANGED, f"{found.id}:{edge}")
    if found.from_at >= tx.now:
        store.drop(tx, found)
    else:
        store.end(tx, found)
    tx.lookups.pop("periods", None)
    tx.record("period", found.id, "end", {"queue": queue})
    tx.emit(CHANGED, f"{found.id}:end", {"queue": queue})
    tx.inverse = {"op": "put_again", "ends": found.until_at.isoformat(), "row": model.flat(found)}
    return found
