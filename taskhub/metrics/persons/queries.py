"""What the figures of people are made of, read from tasks, decisions, history and the fairness ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from taskhub.assignment.fairness import QUARTER
from taskhub.assignment.learning import hands_on, moves
from taskhub.db.tables import agent, decision, fairness, history, task
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.metrics.persons.figures import LEDGER, Work
from taskhub.tasks.model import COMPLETED, GIVEN

MOST = 20_000
CHUNK = 5_000
LOOKS = 50
PERIODS = {"today": 0, "week": 7, "month": 28, "quarter": 91}


@dataclass(frozen=True, slots=True)
class Span:
    """[since, until), when ``today`` began, and the zone in which dates of the ledger are read."""

    since: datetime
    until: datetime
    today: datetime
    zone: str

    @property
    def last_on(self) -> str:
        """The last date that belongs to it."""
        return (self.until - timedelta(seconds=1)).astimezone(ZoneInfo(self.zone)).date().isoformat()


def midnight(tx: Tx, time_zone: str) -> datetime:
    """When today began there."""
    local = tx.now.astimezone(ZoneInfo(time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    return local.astimezone(tx.now.tzinfo)


def begin(tx: Tx, period: str, time_zone: str) -> datetime:
    """When a period of PERIODS began: a number of whole days before today."""
    return midnight(tx, time_zone) - timedelta(days=PERIODS[period])


def team(tx: Tx, key: str) -> list[str]:
    """Active people of a team."""
    mine = select(agent.c.key).where(agent.c.team == key, agent.c.active).order_by(agent.c.key)
    return list(tx.conn.execute(mine).scalars())


def works(tx: Tx, people: Sequence[str], span: Span) -> dict[str, Work]:
    """What each of ``people`` did in ``span``. Raises InvalidInput for more than MOST tasks."""
    if not people:
        return {}
    done = _completed(tx, people, span.since, span.until)
    minutes = _minutes(tx, [row.id for row in done])
    kinds: dict[str, dict[str, int]] = {key: defaultdict(int) for key in people}
    spent: dict[str, float] = defaultdict(float)
    late: dict[str, int] = defaultdict(int)
    for row in done:
        kinds[row.completed_by][row.kind] += 1
        late[row.completed_by] += row.sla_state == "met_late"
        for who, worked in minutes.get(row.id, {}).items():
            spent[who] += worked
    overdue, given, ledger = _overdue(tx, people), _given(tx, people, span.today), _ledger(tx, people, span.last_on)
    missed = _missed(tx, people, span)
    return {
        key: Work(
            kinds[key], spent[key], late[key], overdue.get(key, 0), given.get(key, 0), ledger.get(key, {}),
            missed.get(key, 0),
        )
        for key in people
    }  # fmt: skip


def _missed(tx: Tx, people: Sequence[str], span: Span) -> dict[str, int]:
    mine = history.c.noun == "agent", history.c.id.in_(people), history.c.act == "missed"
    rows = select(history.c.id, func.count()).where(*mine, history.c.at >= span.since, history.c.at < span.until)
    return dict(tx.conn.execute(rows.group_by(history.c.id)).all())


def missed_in_a_row(tx: Tx, key: str) -> int:
    """Offers a person has let run out since they started one."""
    return int(tx.conn.execute(select(agent.c.misses).where(agent.c.key == key)).scalar_one())


def _completed(tx: Tx, people: Sequence[str], since: datetime, until: datetime) -> list[Any]:
    columns = (task.c.id, task.c.kind, task.c.completed_by, task.c.sla_state)
    mine = select(*columns).where(
        task.c.completed_by.in_(people), task.c.completed_at >= since, task.c.completed_at < until,
        task.c.state == COMPLETED,
    )  # fmt: skip
    rows = list(tx.conn.execute(mine.limit(MOST + 1)))
    if len(rows) > MOST:
        raise InvalidInput(
            f"The period holds more than {MOST} completed tasks; ask for a shorter one.", code="too_many"
        )
    return rows


def _minutes(tx: Tx, ids: list[str]) -> dict[str, dict[str, float]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for at in range(0, len(ids), CHUNK):
        rows = select(history.c.id, history.c.at, history.c.change).where(
            history.c.noun == "task", history.c.id.in_(ids[at : at + CHUNK])
        )
        for row in tx.conn.execute(rows.order_by(history.c.id, history.c.seq)).mappings():
            found[row["id"]].append(row)
    return {id_: hands_on(moves(rows)) for id_, rows in found.items()}


def _overdue(tx: Tx, people: Sequence[str]) -> dict[str, int]:
    late = select(task.c.agent, func.count()).where(
        task.c.agent.in_(people), task.c.state.in_(GIVEN), task.c.due_at <= tx.now
    )
    return dict(tx.conn.execute(late.group_by(task.c.agent)).all())


def _given(tx: Tx, people: Sequence[str], since: datetime) -> dict[str, int]:
    mine = select(decision.c.agent, func.count()).where(
        decision.c.agent.in_(people), decision.c.at >= since, decision.c.outcome == "assigned"
    )
    return dict(tx.conn.execute(mine.group_by(decision.c.agent)).all())


def _ledger(tx: Tx, people: Sequence[str], last_on: str) -> dict[str, dict[str, float]]:
    since = (tx.now - QUARTER).date().isoformat()
    sums = [func.sum(fairness.c[name]).label(name) for name in LEDGER]
    rows = select(fairness.c.agent, *sums).where(
        fairness.c.agent.in_(people), fairness.c.on >= since, fairness.c.on <= last_on
    )
    found = tx.conn.execute(rows.group_by(fairness.c.agent)).mappings()
    return {row["agent"]: {name: float(row[name] or 0) for name in LEDGER} for row in found}


def looks(tx: Tx, key: str) -> list[dict[str, Any]]:
    """Who has looked at a person's figures, newest first."""
    rows = select(history.c.at, history.c.by, history.c.change).where(history.c.noun == "figures", history.c.id == key)
    found = tx.conn.execute(rows.order_by(history.c.seq.desc()).limit(LOOKS))
    return [{"at": row.at, "by": row.by, "period": row.change.get("period")} for row in found]
