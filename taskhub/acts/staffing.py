"""A queue's staffing is switched: now, at the next shift or at a time; unstarted pushed work returns when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from taskhub.agents import service as agents
from taskhub.assignment import pools
from taskhub.assignment.models.share import pool_of, share
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.errors import Conflict, Problem
from taskhub.policy.policies import Policies
from taskhub.policy.work import Queue, Staffing
from taskhub.queues import lending, model
from taskhub.queues import service as queues
from taskhub.queues.model import Switch
from taskhub.tasks import returning

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Change:
    """What a switch would do: who is in the pool before and after, what happens to work that is with people."""

    effective_at: datetime
    before: Queue
    after: Queue
    pool_before: pools.Pool
    pool_after: pools.Pool
    returned: list[str]
    stays: list[str]


def switch(tx: Tx, queue: Queue, asked: Mapping[str, Any], effective_at: str | datetime) -> tuple[Switch, list[str]]:
    """Switches a queue. Returns the switch and the tasks that returned to the queue, when it starts now.

    Raises InvalidInput for a model, strategy or parameters that ``config check`` would refuse, and for a time past.
    """
    _checked(tx, queue, asked)
    at = model.effective(effective_at, tx.policies.calendar_of(queue.key), tx.now)
    same = _same(tx, queue, asked) if at <= tx.now else None
    if same is not None:
        return same, []
    made = queues.switch(tx, queue.key, asked, at)
    return made, _start(tx, made) if at <= tx.now else []


def _same(tx: Tx, queue: Queue, asked: Mapping[str, Any]) -> Switch | None:
    """The switch that holds, if it says just this: sent twice, it happens once. Raises Conflict for the file itself."""
    holds = queues.held(tx, [queue.key])[queue.key].switch
    if asked.get("model") is None and (holds is None or holds.model is None):
        raise Conflict(f"Queue {queue.key!r} is served as its file says already.", code="nothing_to_change")
    given = {"params": {}, "strategy": None, "strategy_params": {}, **{k: v for k, v in asked.items() if v is not None}}
    return holds if holds is not None and model.wanted(holds) == given else None


def preview(tx: Tx, queue: Queue, asked: Mapping[str, Any], effective_at: str | datetime) -> Change:
    """The same, asked only. Raises what ``switch`` would raise."""
    staffing = _checked(tx, queue, asked)
    at = model.effective(effective_at, tx.policies.calendar_of(queue.key), tx.now)
    before, after = _then(tx, queue, at), replace(_then(tx, queue, at), staffing=staffing)
    back, stay = returning.split(returning.given(tx, queue.key))
    return Change(
        at, before, after, pools.of(tx, before, at), pools.of(tx, after, at),
        [task.id for task in back], [task.id for task in stay],
    )  # fmt: skip


def _then(tx: Tx, queue: Queue, at: datetime) -> Queue:
    """The queue as it would be served at an instant if nothing more were said."""
    holds = queues.held(tx, [queue.key])[queue.key]
    come = model.holding([*([holds.switch] if holds.switch else []), *queues.planned(tx, [queue.key])], at)
    return model.as_served(queue, replace(holds, switch=come))


def _checked(tx: Tx, queue: Queue, asked: Mapping[str, Any]) -> Staffing:
    staffing = model.staffing_of(queue.staffing, model.consistent(asked))
    if asked.get("model") is not None:
        pools.check(tx, queue, staffing)
        _refuse_lent(tx, queue, staffing)
    return staffing


def _refuse_lent(tx: Tx, queue: Queue, staffing: Staffing) -> None:
    """Nobody may be lent into a ``share`` and in one of its pools: they would be in all of them."""
    if staffing.model != share.name:
        return
    lent = sorted({one.agent for one in lending.of_queues(tx, [queue.key])})
    inside = [key for key in lent if pool_of(staffing.params, agents.get_agent(tx, key).team) is not None]
    if inside:
        raise Conflict(
            f"{', '.join(inside)} would be in a pool of the share and lent to {queue.key!r} as well. "
            "End these loans first.",
            code="in_share_pool", agents=inside,
        )  # fmt: skip


def plan_again(tx: Tx, row: Mapping[str, Any]) -> Switch:
    """Undo of a cancelled switch, checked like a new one."""
    was = model.unflat(Switch, row)
    _checked(tx, queues.known(tx, was.queue), {name: value or None for name, value in model.wanted(was).items()})
    return queues.plan_again(tx, was)


def differences(tx: Tx, set_: Policies) -> list[Problem]:
    """Where a switch that holds or is planned says otherwise than the files of ``set_``, and whether it still fits."""
    found = []
    for queue in set_.queues.values():
        holds = queues.held(tx, [queue.key])[queue.key].switch
        shown = [*([holds] if holds is not None and holds.model else []), *queues.planned(tx, [queue.key])]
        found += [Problem("queues.toml", 0, f"queue.{queue.key}.staffing", _told(queue, one, set_)) for one in shown]
    return found


def _told(queue: Queue, one: Switch, set_: Policies) -> str:
    staffing = model.staffing_of(queue.staffing, model.wanted(one))
    at = one.effective_at.strftime("%Y-%m-%d %H:%MZ")
    same = staffing == queue.staffing
    said = f"a switch by {one.by} holds from {at} on: {_words(staffing)}; the file says {_words(queue.staffing)}"
    faults = [message for _, message, _ in pools.complaints(set_, queue, staffing)]
    return (f"{said}, which is the same" if same else said) + (
        f". It does not fit: {' '.join(faults)}" if faults else ""
    )


def _words(staffing: Staffing) -> str:
    params = f" {dict(staffing.params)}" if staffing.params else ""
    return f"{staffing.model}{params} by {staffing.strategy}"


def effective(tx: Tx, row: Taken) -> None:
    """The time of a switch has come: what was given as before and not begun returns, the rotation is woken."""
    id_, _, again = row.key.partition(":")
    found = queues.switch_of(tx, id_)
    if found is None:
        return
    if found.effective_at > tx.now:
        tx.emit(queues.EFFECTIVE, row.key, due_at=found.effective_at)
    elif again:
        _return(tx, found, found.effective_at)
    else:
        _start(tx, found)


def _start(tx: Tx, one: Switch) -> list[str]:
    back = _return(tx, one, None)
    queues.started(tx, one, len(back))
    return back


def _return(tx: Tx, one: Switch, before: datetime | None) -> list[str]:
    back = returning.unstarted(tx, one.queue, {"why": "switch", "switch": one.id}, by=before)
    queue = tx.policies.queues.get(one.queue)
    tx.emit("rotation.wake", queue.turn_key if queue else one.queue)
    return back
