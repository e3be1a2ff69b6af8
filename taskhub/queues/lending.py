"""People lent to a queue for a time: from then on in its pool, and out of it by themselves when the time is over."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from taskhub.db.tx import Tx
from taskhub.errors import Conflict, NotEligible, NotFound
from taskhub.events.times import written
from taskhub.ids import new_id
from taskhub.policy.work import Queue
from taskhub.queues import model, service, store
from taskhub.queues.model import Lending

BEGAN, ENDED = "lend.began", "lend.ended"


def of_agent(tx: Tx, agent: str) -> list[Lending]:
    """Loans of a person that are not over."""
    return store.lendings(tx, tx.now, agent=agent)


def of_queues(tx: Tx, queues: list[str]) -> list[Lending]:
    """Loans to these queues that are not over."""
    return store.lendings(tx, tx.now, queue=queues)


def checked(
    tx: Tx, agent: str, queue: Queue, begin: datetime | None, end: datetime, *, lock: bool = False
) -> tuple[Any, datetime, datetime]:
    """The person and the time, if the loan may be made. Raises InvalidInput, NotFound, NotEligible or Conflict."""
    since, until = model.span(begin, end, tx.now)
    return allowed(tx, agent, queue, since, until, lock=lock), since, until


def allowed(tx: Tx, agent: str, queue: Queue, since: datetime, until: datetime, *, lock: bool = False) -> Any:
    """The person, if they may be lent to the queue in that time."""
    person = store.person(tx, agent, lock=lock)
    if person is None:
        raise NotFound(f"There is no agent {agent[:64]!r}.")
    if not person.active:
        raise NotEligible(f"{person.name} is no longer active and gets no work.", reasons=["inactive"], agent=agent)
    service.refuse_closed(tx, queue)
    clash = model.overlapping(store.lendings(tx, tx.now, agent=agent, queue=queue.key), since, until)
    if clash is not None:
        raise Conflict(
            f"{person.name} is lent to {queue.key!r} in that time already. End that loan first or choose another.",
            code="already_lent", loan=clash,
        )  # fmt: skip
    return person


def lend(tx: Tx, agent: str, queue: Queue, begin: datetime | None, end: datetime) -> Lending:
    """Lends a person to a queue; undone by ending it."""
    _, since, until = checked(tx, agent, queue, begin, end, lock=True)
    new = Lending(new_id(), queue.key, agent, tx.by.label, since, until, tx.now)
    _begin(tx, new, "lend")
    tx.inverse = {"op": "end_loan", "agent": agent, "loan": new.id}
    return new


def _begin(tx: Tx, new: Lending, act: str) -> None:
    store.add(tx, new)
    told = {"agent": new.agent, "queue": new.queue, "from": new.from_at.isoformat(), "until": new.until_at.isoformat()}
    tx.record("loan", new.id, act, told)
    tx.emit(BEGAN, new.id, due_at=new.from_at)
    tx.emit(ENDED, new.id, due_at=new.until_at)


def again(tx: Tx, was: Lending, queue: Queue) -> Lending:
    """Undo of an ended loan: it holds on until its old end. Raises what ``lend`` raises, Conflict when it is over."""
    if was.until_at <= tx.now:
        raise Conflict(f"This loan would have ended at {written(was.until_at)}; make a new one.", code="moved_on")
    allowed(tx, was.agent, queue, was.from_at, was.until_at, lock=True)
    rest = store.lending(tx, was.id)
    if rest is not None:
        store.drop(tx, rest)
    _begin(tx, was, "lend_again")
    return was


def end(tx: Tx, agent: str, id_: str) -> Lending:
    """Ends a loan now, or takes it back before it began. Raises NotFound; over is over, and no error."""
    found = store.lending(tx, id_)
    if found is None or found.agent != agent:
        raise NotFound(f"{agent} has no loan {id_[:64]!r}.")
    if found.until_at <= tx.now:
        return found
    for topic in (BEGAN, ENDED):
        tx.cancel(topic, found.id)
    if found.from_at >= tx.now:
        store.drop(tx, found)
    else:
        store.end(tx, found)
    tx.record("loan", found.id, "end", {"agent": agent, "queue": found.queue})
    tx.inverse = {"op": "lend_again", "ends": found.until_at.isoformat(), "row": model.flat(found)}
    return found


def due(tx: Tx, id_: str) -> Lending | None:
    """A loan whose timer has come; None when it was taken back."""
    return store.lending(tx, id_)


def serves_still(tx: Tx, over: Lending) -> bool:
    """Whether the person belongs to the queue without this loan: by team, or by another loan that holds now."""
    queue, person = tx.policies.queues.get(over.queue), store.person(tx, over.agent)
    own = queue is not None and person is not None and person.team in queue.teams
    others = [one for one in store.lendings(tx, tx.now, agent=over.agent, queue=over.queue) if one.id != over.id]
    return own or any(one.from_at <= tx.now for one in others)
