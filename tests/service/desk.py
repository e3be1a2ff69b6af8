"""A desk in a small organisation: time that is set, people who act, a ledger that is run dry. Reads what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Table, func, select, update

from taskhub.acts import activate
from taskhub.assignment import service as assignment
from taskhub.db.database import Database
from taskhub.db.tables import decision, message, pause, sla_clock, team
from taskhub.db.tables import task as task_table
from taskhub.db.tx import SYSTEM, By, Tx
from taskhub.policy.policies import Policies
from taskhub.tasks import making
from taskhub.tasks import service as tasks
from taskhub.tasks.model import Lease, NewTask, Task
from taskhub.testing import organisation as org
from taskhub.testing.clock import SetClock
from taskhub.testing.drain import drain


class Desk:
    """One database, one clock. Acts are done by agent key, ``admin`` or ``worker``."""

    def __init__(self, url: str, policies: Policies | None = None) -> None:
        self.clock = SetClock()
        self.policies = policies or org.policies()
        self.db: Database = org.database(url, self.policies, clock=self.clock)
        self._sets: dict[str, Policies] = {}

    # ── acting ───────────────────────────────────────────────────────────────────────────────────────────────────────
    @contextmanager
    def as_(self, who: str, act: str | None = "task.act") -> Iterator[Tx]:
        """One transaction of that person, recorded as an act."""
        with self.db.begin(_by(who), act=None if who == "worker" else act) as tx:
            yield tx

    def do(self, who: str, call: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """One act of that person: ``call(tx, …)``."""
        with self.as_(who) as tx:
            return call(tx, *args, **named)

    def staff(self, into: str, *names: str, **facts: Any) -> None:
        """People of a team, available."""
        kind = "front_line" if into == "front" else "specialist"
        with self.as_("admin") as tx:
            org.people(tx, into, names, kind, **facts)

    def led_by(self, leader: str, of: str = "front") -> None:
        with self.as_("admin") as tx:
            tx.conn.execute(update(team).where(team.c.key == of).values(leader=leader))

    def adopt(self, set_: Policies, **more: Any) -> bool:
        """Activates the set, which every process reads from its texts, and forgets none that was active before."""
        self._sets[set_.hash] = set_
        self.db._loader = lambda texts, _resolved: self._sets.get(texts.get("set", ""), self.policies)
        return bool(self.do("admin", activate.activate, set_, {"set": set_.hash}, **more))

    def make(self, kind: str = "billing", **facts: Any) -> str:
        """A new task; its id."""
        with self.db.begin(SYSTEM) as tx:
            return making.make(tx, [NewTask(kind, facts.pop("title", kind.capitalize()), **facts)])[0]

    def claim(self, who: str, queues: list[str] | None = None) -> Any:
        """That person asks for the next task."""
        return self.do(who, assignment.claim, queues)

    def started(self, who: str, kind: str = "billing", **facts: Any) -> tuple[str, int]:
        """A task started by that person: id and lease token."""
        id_ = self.make(kind, **facts)
        self.do("admin", assignment.assign, id_, who)
        return id_, self.do(who, tasks.start, id_)[1].token

    def drain(self) -> int:
        """Everything that is due, and what that leads to."""
        return drain(self.db)

    def pass_to(self, now: datetime) -> None:
        """That instant comes, and what is due by then is done."""
        self.clock.now = now
        self.drain()

    def forward(self, **span: float) -> datetime:
        """Time passes, then the ledger is run dry."""
        now = self.clock.forward(**span)
        self.drain()
        return now

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def task(self, id_: str) -> Task:
        """The task as it is."""
        with self.db.read() as tx:
            return tasks.get(tx, id_)

    def lease(self, id_: str) -> Lease | None:
        """Its live lease."""
        with self.db.read() as tx:
            return tasks.lease_of(tx, id_)

    def token(self, id_: str) -> int:
        """The token of its live lease."""
        found = self.lease(id_)
        assert found is not None
        return found.token

    def history(self, id_: str, *acts: str) -> list[Mapping[str, Any]]:
        """Its history, or only the rows of some acts."""
        with self.db.read() as tx:
            rows = tasks.history(tx, id_)
        return [row for row in rows if not acts or row["act"] in acts]

    def rows(self, table: Table, **which: Any) -> list[Any]:
        """Rows of a table, by columns."""
        with self.db.read() as tx:
            wanted = select(table).where(*[table.c[name] == value for name, value in which.items()])
            return list(tx.conn.execute(wanted.order_by(*table.primary_key.columns)))

    def rows_of(self, kind: str) -> list[Any]:
        """Every task of a kind."""
        return self.rows(task_table, kind=kind)

    def clock_of(self, id_: str, target: str = "completion") -> Any:
        """A stored SLA clock."""
        return next(iter(self.rows(sla_clock, task=id_, target=target)), None)

    def pauses(self, id_: str) -> list[Any]:
        """Its pauses, oldest first."""
        return self.rows(pause, task=id_)

    def decisions(self, id_: str) -> list[Any]:
        """Its decisions, oldest first."""
        return self.rows(decision, task=id_)

    def timers(self, handler: str, key: str) -> list[datetime]:
        """Due times of what waits for that handler."""
        waiting = [r for r in self.rows(message, handler=handler, key=key) if r.done_at is None]
        return [row.due_at for row in waiting]

    def count(self, table: Table) -> int:
        """How many rows a table has."""
        with self.db.read() as tx:
            return int(tx.conn.execute(select(func.count()).select_from(table)).scalar_one())

    def states(self, **filters: Any) -> dict[str, str]:
        """Kind -> state of the tasks that match."""
        with self.db.read() as tx:
            return {t.kind: t.state for t in tasks.find(tx, filters, None, 1000)[0]}


def _by(who: str) -> By:
    return {"admin": org.ADMIN, "worker": SYSTEM}.get(who) or org.as_agent(who)
