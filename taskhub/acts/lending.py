"""A person helps in another queue until a time: previewed, in its pool while it lasts, ended by itself or by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from taskhub.agents import service as agents
from taskhub.assignment.models.share import pool_of, share
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.errors import Conflict
from taskhub.policy.work import Queue
from taskhub.queues import lending
from taskhub.queues import service as queues
from taskhub.queues.model import Lending, unflat
from taskhub.tasks import returning

SKILL, ABSENT, IN_POOL, QUEUE_PAUSED = "skill_missing", "absent", "in_pool_already", "queue_paused"


@dataclass(frozen=True, slots=True)
class Warn:
    """What is allowed and may not be what was meant; ``facts`` fill the sentence."""

    code: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Loan:
    """What a loan would do: which kinds the person could then be given, and what stands in the way."""

    from_at: datetime
    until_at: datetime
    kinds: list[str]
    warnings: list[Warn]


def preview(tx: Tx, agent: str, queue: Queue, begin: datetime | None, end: datetime) -> Loan:
    """What ``lend`` would do. Raises what it would raise."""
    person, since, until = lending.checked(tx, agent, queue, begin, end)
    _refuse_two_shares(tx, person, queue)
    return Loan(since, until, _kinds(tx, person, queue), list(_warnings(tx, person, queue, since, until)))


def _refuse_two_shares(tx: Tx, person: Any, queue: Queue) -> None:
    """Who is in a pool of a ``share`` would be in all of them when lent to it, and the shares would be none."""
    (now,) = queues.as_served(tx, [queue])
    pool = pool_of(now.staffing.params, person.team) if now.staffing.model == share.name else None
    if pool is not None:
        raise Conflict(
            f"{person.name} serves {queue.key!r} in the pool {pool!r} already; a loan would put them into all "
            "of them. Lend somebody of another team, or change the team.",
            code="in_share_pool", pool=pool, agent=person.key,
        )  # fmt: skip


def _kinds(tx: Tx, person: Any, queue: Queue) -> list[str]:
    return [kind.key for kind in tx.policies.kinds_of(queue.key) if kind.skill_key in person.skills]


def _warnings(tx: Tx, person: Any, queue: Queue, since: datetime, until: datetime) -> Iterator[Warn]:
    able = _kinds(tx, person, queue)
    missing = [kind.key for kind in tx.policies.kinds_of(queue.key) if kind.key not in able]
    if missing:
        yield Warn(SKILL, {"agent": person.name, "kinds": ", ".join(missing)})
    for one in agents.absences(tx, person.key):
        if one.from_at < until and since < one.until_at:
            yield Warn(ABSENT, {"agent": person.name, "from": one.from_at, "until": one.until_at})
    if person.team in queue.teams:
        yield Warn(IN_POOL, {"agent": person.name, "queue": queue.key, "team": person.team})
    if queues.as_served(tx, [queue])[0].paused:
        yield Warn(QUEUE_PAUSED, {"queue": queue.key})


def lend(tx: Tx, agent: str, queue: Queue, begin: datetime | None, end: datetime) -> tuple[Lending, Sequence[Warn]]:
    """Lends a person to a queue. Raises InvalidInput, NotFound, NotEligible or Conflict."""
    made = lending.lend(tx, agent, queue, begin, end)
    person = agents.get_agent(tx, agent)
    _refuse_two_shares(tx, person, queue)
    return made, list(_warnings(tx, person, queue, made.from_at, made.until_at))


def end(tx: Tx, agent: str, id_: str) -> tuple[Lending, list[str]]:
    """Ends a loan by hand. Returns it and the offers that went back to the queue."""
    begun = lending.end(tx, agent, id_)
    return begun, _over(tx, begun)


def again(tx: Tx, row: Mapping[str, Any]) -> Lending:
    """Undo of an ended loan, checked like a new one. Offers that went back to the queue stay there."""
    was = unflat(Lending, row)
    queue = queues.known(tx, was.queue)
    _refuse_two_shares(tx, agents.get_agent(tx, was.agent), queue)
    back = lending.again(tx, was, queue)
    _wake(tx, back)
    return back


def began(tx: Tx, row: Taken) -> None:
    """A loan begins: the person is looked at, and so is the queue."""
    found = lending.due(tx, row.key)
    if found is not None and found.from_at > tx.now:
        tx.emit(lending.BEGAN, row.key, due_at=found.from_at)
    elif found is not None and found.until_at > tx.now:
        _wake(tx, found)


def ended(tx: Tx, row: Taken) -> None:
    """A loan is over: what was offered under it and not begun returns."""
    found = lending.due(tx, row.key)
    if found is not None and found.until_at > tx.now:
        tx.emit(lending.ENDED, row.key, due_at=found.until_at)
    elif found is not None:
        _over(tx, found)


def _over(tx: Tx, loan: Lending) -> list[str]:
    why = {"why": "lend_ended", "loan": loan.id}
    back = [] if lending.serves_still(tx, loan) else returning.unstarted(tx, loan.queue, why, agent=loan.agent)
    _wake(tx, loan)
    return back


def _wake(tx: Tx, loan: Lending) -> None:
    queue = tx.policies.queues.get(loan.queue)
    tx.emit("rotation.wake", queue.turn_key if queue else loan.queue)
    tx.emit("agent.changed", loan.agent)
    tx.emit(queues.CHANGED, loan.queue)
