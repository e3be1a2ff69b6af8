"""How queues are served now, switches of their staffing, and what stops them. Moves no work: acts do that."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from taskhub.db.tx import Tx
from taskhub.errors import Conflict, InvalidInput, NotFound
from taskhub.events.times import written
from taskhub.ids import new_id
from taskhub.policy.reading.nearest import nearest
from taskhub.policy.work import Queue
from taskhub.queues import model, store
from taskhub.queues.model import Held, State, Switch, flat

CHANGED, EFFECTIVE = "queue.changed", "switch.effective"
AGAIN = timedelta(seconds=10)


def held(tx: Tx, keys: Collection[str]) -> dict[str, Held]:
    """What holds of each queue now beside its file."""
    switches, states = store.holding(tx, keys), store.states(tx, keys)
    return {key: Held(switches.get(key), states.get(key) or State(key)) for key in keys}


def as_served(tx: Tx, queues: Sequence[Queue]) -> list[Queue]:
    """The queues as they are served now: the file, the switch that holds, what stops them."""
    found = held(tx, [queue.key for queue in queues])
    return [model.as_served(queue, found[queue.key]) for queue in queues]


def known(tx: Tx, key: str) -> Queue:
    """The queue of the files. Raises NotFound, naming the nearest."""
    queue = tx.policies.queues.get(key)
    if queue is None:
        raise NotFound(f"There is no queue {key[:64]!r}.{_hint(tx, key)}")
    return queue


def named(tx: Tx, key: str) -> Queue:
    """The same for a queue that a body names. Raises InvalidInput ``unknown_queue``."""
    queue = tx.policies.queues.get(key)
    if queue is None:
        names = ", ".join(sorted(tx.policies.queues))
        raise InvalidInput(f"There is no queue {key[:64]!r}.{_hint(tx, key)} Queues: {names}.", code="unknown_queue")
    return queue


def _hint(tx: Tx, key: str) -> str:
    near = nearest(key, tx.policies.queues)
    return f" Did you mean {near!r}?" if near else ""


def refuse_closed(tx: Tx, queue: Queue) -> None:
    """Raises Conflict ``queue_closed`` for a queue that takes no new work."""
    (now,) = as_served(tx, [queue])
    if now.closed:
        raise Conflict(
            f"Queue {queue.key!r} is closed: it takes no new work. Choose a kind of another queue, or open it with "
            f"POST /queues/{queue.key}/open.",
            code="queue_closed", queue=queue.key,
        )  # fmt: skip


# ── switches ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def past(tx: Tx, key: str, most: int) -> list[Switch]:
    """The newest switches of a queue that have started, the one that holds first; history keeps the others."""
    return store.past(tx, key, most)


def planned(tx: Tx, keys: Collection[str]) -> list[Switch]:
    """Switches of these queues that have not started, in the order in which they will."""
    return store.planned(tx, keys)


def has_started(tx: Tx, id_: str | None) -> bool:
    """Whether a switch of that id is there and its time has come."""
    found = store.switch(tx, id_, lock=False) if id_ is not None else None
    return found is not None and found.effective_at <= tx.now


def switch_of(tx: Tx, id_: str) -> Switch | None:
    """One switch, locked."""
    return store.switch(tx, id_)


def switch(tx: Tx, key: str, asked: Mapping[str, Any], effective_at: datetime) -> Switch:
    """From ``effective_at`` on the queue is served so; can be taken back until then. The caller has checked it."""
    store.lock(tx, key)
    new = Switch(
        id=new_id(), queue=key, model=asked.get("model"), strategy=asked.get("strategy"),
        params=dict(asked.get("params") or {}), strategy_params=dict(asked.get("strategy_params") or {}),
        effective_at=effective_at, at=tx.now, by=tx.by.label,
    )  # fmt: skip
    _plan(tx, new)
    if effective_at > tx.now:
        tx.inverse = {"op": "cancel_switch", "queue": key, "switch": new.id}
    return new


def _plan(tx: Tx, new: Switch) -> None:
    store.add(tx, new)
    told = {"queue": new.queue, **model.wanted(new), "effective_at": new.effective_at.isoformat()}
    tx.record("switch", new.id, "plan", told)
    if new.effective_at > tx.now:
        tx.emit(EFFECTIVE, new.id, due_at=new.effective_at)


def plan_again(tx: Tx, one: Switch) -> Switch:
    """Undo of a cancelled switch: it is planned as it was, checked by the caller. Raises Conflict when it is late."""
    store.lock(tx, one.queue)
    if one.effective_at <= tx.now:
        raise Conflict(
            f"This switch would have started at {written(one.effective_at)}; make a new one.", code="moved_on"
        )
    _plan(tx, one)
    return one


def cancel_switch(tx: Tx, key: str, id_: str) -> Switch:
    """Takes a planned switch back. Raises NotFound, or Conflict once it has started."""
    store.lock(tx, key)
    found = store.switch(tx, id_)
    if found is None or found.queue != key:
        raise NotFound(f"Queue {key!r} has no switch {id_[:64]!r}.")
    if found.effective_at <= tx.now:
        raise Conflict(
            "This switch has started; it ends by another one. "
            f'PUT /queues/{key}/staffing {{"model": null}} returns to the file.',
            code="switch_started", effective_at=written(found.effective_at),
        )  # fmt: skip
    store.drop(tx, found)
    tx.cancel(EFFECTIVE, found.id)
    tx.record("switch", found.id, "cancel", {"queue": key})
    tx.inverse = {"op": "plan_again", "queue": key, "ends": flat(found)["effective_at"], "row": flat(found)}
    return found


def started(tx: Tx, one: Switch, returned: int) -> None:
    """Notes that a switch holds from now on, and has it looked at once more a little later.

    A pass that began before it may still have been under way, and given work as before.
    """
    tx.record("switch", one.id, "effective", {"queue": one.queue, "returned": returned})
    tx.emit(EFFECTIVE, f"{one.id}:again", due_at=tx.after(AGAIN))
    tx.emit(CHANGED, one.queue)


# ── what stops a queue ───────────────────────────────────────────────────────────────────────────────────────────────
STOPS = {"close": ("closed", True), "open": ("closed", False), "pause": ("paused", True), "resume": ("paused", False)}


def stop(tx: Tx, queue: Queue, verb: str, reason: str | None) -> State:
    """Closes, opens, pauses or resumes a queue. Raises Conflict when it is so already, or when its file says so."""
    before = store.lock(tx, queue.key)
    flag, value = STOPS[verb]
    if getattr(queue, flag):
        raise Conflict(
            f"The file says that queue {queue.key!r} is {flag}: change queues.toml and apply it.",
            code=f"{flag}_by_file",
        )
    if getattr(before, flag) == value:
        raise Conflict(f"Queue {queue.key!r} is {'' if value else 'not '}{flag} already.", code="nothing_to_change")
    tx.inverse = {"op": "queue_state", "queue": queue.key, "closed": before.closed, "paused": before.paused,
                  "reason": before.reason}  # fmt: skip
    said: dict[str, Any] = {flag: value, "reason": reason}
    return _save(tx, replace(before, **said, by=tx.by.label, at=tx.now), verb)


def restore(tx: Tx, queue: str, said: Mapping[str, Any]) -> State:
    """Undo: what stopped the queue before."""
    before = store.lock(tx, queue)
    was: dict[str, Any] = {name: said[name] for name in ("closed", "paused", "reason")}
    return _save(tx, replace(before, **was, by=tx.by.label, at=tx.now), "undo")


def _save(tx: Tx, state: State, act: str) -> State:
    store.save_state(tx, state)
    told = {"closed": state.closed, "paused": state.paused, "reason": state.reason}
    tx.record("queue", state.queue, act, told)
    queue = tx.policies.queues.get(state.queue)
    tx.emit("rotation.wake", queue.turn_key if queue else state.queue)
    tx.emit(CHANGED, state.queue)
    return state
