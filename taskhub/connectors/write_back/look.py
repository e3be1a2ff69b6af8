"""A look at one of our tasks: how is it to stand in the CRM of its record? One delivery at a time sends what differs.

A delivery carries out what is wanted when it begins, so a hundred changes while a CRM is away are one call afterwards.
"""

from __future__ import annotations

from dataclasses import replace

from taskhub.connectors.write_back import plan, store
from taskhub.connectors.write_back.model import Binding, Wanted
from taskhub.db.tx import Tx
from taskhub.events.model import RecordRef
from taskhub.failpoints import failpoint
from taskhub.policy.policies import Connection
from taskhub.sales import service as sales
from taskhub.sales.model import CONVERTED, RecordState
from taskhub.tasks import mirrored, second_look
from taskhub.tasks import service as tasks
from taskhub.tasks.model import Task

TOPIC = "crm.work"


def look(tx: Tx, task_id: str) -> None:
    """Decides how the task is to stand over there, and sends for it unless a delivery is under way."""
    task = tasks.get(tx, task_id)
    key = mirrored.connection_of(tx, task)
    if key is None or not about(tx, task, key):
        return
    connection = tx.policies.connections[key]
    before = store.lock(tx, key, task.id)
    owner = their_user(connection, task.agent)
    held_back = second_look.held_back(tx, task.id)
    found = plan.wanted(task, connection.write_back.tasks, before, owner, held_back=held_back)
    if found is None:
        return
    settled(tx, _put(tx, key, task.id, before, found))
    failpoint("write_back.looked")


def _put(tx: Tx, key: str, task_id: str, before: Binding | None, found: Wanted) -> Binding:
    new = Binding(key, task_id, found.state, tx.now, wanted_owner=found.owner, reason=found.reason)
    if before is None and store.add(tx, new):
        return new
    known = before or store.lock(tx, key, task_id)
    if known is None:
        raise RuntimeError("what is on record cannot be read")
    return replace(known, wanted=found.state, wanted_owner=found.owner, reason=found.reason)


def settled(tx: Tx, now: Binding, *, delivered: bool = False) -> None:
    """Saves how it stands; what is left to do goes on its way, once. ``delivered``: the delivery that was is over."""
    under_way = now.busy and not delivered
    more = not under_way and plan.next_step(now) is not None
    store.save(tx, replace(now, busy=under_way or more))
    if more:
        tx.emit(TOPIC, f"{now.connection}:{now.task}", {"connection": now.connection, "task": now.task})


def about(tx: Tx, task: Task, key: str) -> dict[str, str]:
    """Noun → their id of what the task is about: its deal, else its lead, else its record; empty: nothing of theirs.

    A lead that was converted takes no work any more: it is about what the lead has become.
    """
    for noun, id_ in (("deal", task.deal), ("lead", task.lead), *_record(task)):
        found = _theirs(tx, noun, id_, key)
        if found is not None and noun == "lead" and found.fields.get("status") == CONVERTED:
            became = (_theirs(tx, other, found.fields.get(other), key) for other in ("deal", "account"))
            found = next((one for one in became if one is not None), None)
        if found is not None:
            return {found.ref.noun: found.ref.id.removeprefix(f"{key}:")}
    return {}


def _theirs(tx: Tx, noun: str, id_: str | None, key: str) -> RecordState | None:
    if not id_ or not id_.startswith(f"{key}:") or not sales.known_of(tx, RecordRef(noun, id_)):
        return None
    found = sales.get(tx, RecordRef(noun, id_))
    return found if found.connection == key else None


def _record(task: Task) -> tuple[tuple[str, str], ...]:
    noun, mark, id_ = (task.record or "").partition(":")
    return ((noun, id_),) if mark and noun in ("account", "contact") else ()


def their_user(connection: Connection, agent: str | None) -> str | None:
    """Their id of one of our people, where the map knows them; of several the first."""
    return next((theirs for theirs, ours in connection.users.items() if ours == agent), None) if agent else None
