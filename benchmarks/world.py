"""The organisation that is measured: six queues of two kinds each, two teams, people who cannot do quite everything.

A seventh queue takes what events lead to: pushed, to a team of its own, so that a decision means a person chosen. An
eighth holds work that nobody takes, under a promise with a ladder.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from taskhub.access import service as access
from taskhub.agents import service as agents
from taskhub.calendars import OpenTime, parse_target
from taskhub.db import engine
from taskhub.db.database import Database
from taskhub.db.tables import task
from taskhub.flow import FLOW
from taskhub.policy.policies import Policies
from taskhub.policy.promise import EscalationPolicy, SlaPolicy, Step
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.tasks import making
from taskhub.tasks.model import NewTask
from taskhub.testing import organisation

QUEUES = tuple(f"queue_{number}" for number in range(6))
KINDS = tuple(f"kind_{number:02}" for number in range(12))
TEAMS = ("back", "front")
DESK, DESK_KIND, DESK_PEOPLE = "desk", "contract", 40
PROMISE, PROMISE_KIND = "promises", "promise"
FOR, WARNED = timedelta(hours=40), 0.75
PEOPLE = 160
CAPACITY = 20
POOL = 16


def policies() -> Policies:
    """Six queues are pulled from, in turn by both teams; a won deal leads to work for the desk."""
    staffing = Staffing("rotating", {"teams": list(TEAMS)})
    pulled = [organisation.queue(key, teams=TEAMS, mode="pull", calendar="always", staffing=staffing) for key in QUEUES]
    desk = organisation.queue(DESK, teams=(DESK,), calendar="always", staffing=Staffing("dedicated", {"team": DESK}))
    kinds = [Kind(key, LocalText(key), QUEUES[place // 2], sla="standard") for place, key in enumerate(KINDS)]
    promised = organisation.queue(
        PROMISE, teams=(DESK,), mode="pull", calendar="always", on_idle="return",
        staffing=Staffing("dedicated", {"team": DESK}),
    )  # fmt: skip
    ladder = EscalationPolicy("ladder", (Step(at_fraction=1.0, raise_priority=1),))
    return organisation.policies(
        queues=[*pulled, desk, promised],
        kinds=[
            *kinds,
            Kind(DESK_KIND, LocalText(DESK_KIND), DESK, sla="standard"),
            Kind(PROMISE_KIND, LocalText(PROMISE_KIND), PROMISE, sla="promised"),
        ],
        rules=[Rule("won", on=("deal.won",), tasks=(TaskTemplate(DESK_KIND, "Contract for {deal.name}"),))],
        sla={
            "standard": SlaPolicy("standard", parse_target("40h")),
            "promised": SlaPolicy("promised", OpenTime(FOR), warn_at=(WARNED,), escalation="ladder"),
        },
        escalations={"ladder": ladder},
    )  # fmt: skip


def open_database(url: str, pool: int = POOL) -> Database:
    """The house as it stands: for the processes that serve it."""
    set_ = policies()
    return Database(url, pool=pool, flow=FLOW, loader=lambda _texts, _resolved: set_)


def settle(url: str, desk: int = DESK_PEOPLE) -> list[str]:
    """Tables, policies, people. Returns a key for everybody; the last belongs to the machine that sends events."""
    db = organisation.database(url, policies(), pool=2)
    with db.begin(organisation.ADMIN) as tx:
        for place, team in enumerate(TEAMS):
            names = [f"agent-{number:03}" for number in range(place, PEOPLE, len(TEAMS))]
            organisation.people(tx, team, names, "front_line", **_facts(place))
        names = [f"desk-{number:03}" for number in range(desk)]
        organisation.people(tx, DESK, names, **_facts(0) | {"skills": {DESK_KIND: 3}, "capacity": 1000})
        for number in range(0, PEOPLE, 4):
            away = tx.now + timedelta(days=60)
            agents.add_absence(tx, f"agent-{number:03}", away, away + timedelta(days=9))
    with db.begin(organisation.ADMIN) as tx:
        found = [access.create_key(tx, "agent", "bench", f"agent-{number:03}") for number in range(PEOPLE)]
        found.append(access.create_key(tx, "integration", "bench"))
    db.close()
    return found


def _facts(place: int) -> dict[str, Any]:
    """Each team lacks one kind; shifts that never end, so that the clock on the wall does not matter."""
    able = {kind: 3 for number, kind in enumerate(KINDS) if number != place + 3}
    shifts = {day: ["00:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    return {"skills": able, "capacity": CAPACITY, "time_zone": "Europe/Paris", "shifts": shifts}


def fill(url: str, waiting: int) -> None:
    """``waiting`` tasks, evenly over kinds and the last week, each with its clock and its timer, as they come to be."""
    db = open_database(url, pool=2)
    with db.begin() as tx:
        making.make(tx, [NewTask(kind, f"A {kind}") for kind in KINDS])
    with db.engine.begin() as conn:
        conn.execute(text("UPDATE task SET waiting_reasons = '[\"ready_to_pull\"]'"))
        conn.execute(text("SET statement_timeout = 0"))
        conn.execute(text(_COPIES), {"each": waiting // len(KINDS), "waiting": waiting})
        conn.execute(text("UPDATE message SET done_at = due_at WHERE due_at <= now()"))
    db.close()
    tidy(url)


def burst(db: Database, count: int) -> None:
    """``count`` tasks for the desk that nobody has looked at yet, in one transaction with the wake of their queue."""
    with db.begin() as tx:
        (first,) = making.make(tx, [NewTask(DESK_KIND, "A contract")])
        copies = _COPIES.replace("FROM task t,", f"FROM (SELECT * FROM task WHERE id = '{first}') t,")
        tx.conn.execute(text(copies), {"each": count, "waiting": count})


def besides(own: Sequence[str]) -> str:
    """The columns of a task that a copy has from its original."""
    return ", ".join(column.name for column in task.c if column.name not in own)


_KEPT = besides(("id", "origin", "title", "start_by", "created_at", "ready_at"))
_COPIES = f"""
WITH copied AS (
  INSERT INTO task (id, title, start_by, created_at, ready_at, {_KEPT})
  SELECT lpad(to_hex(n), 10, '0') || right(t.id, 22), t.title || ' ' || n,
    t.start_by - n * interval '7 days' / :each, t.created_at - n * interval '7 days' / :each,
    t.ready_at - n * interval '7 days' / :each, {", ".join(f"t.{name}" for name in _KEPT.split(", "))}
  FROM task t, generate_series(1, :each - 1) n RETURNING id, created_at),
clocks AS (
  INSERT INTO sla_clock (task, target, started_at, due_at, warn_at)
  SELECT id, 'completion', created_at, created_at + interval '30 days', created_at + interval '20 days' FROM copied)
INSERT INTO message (topic, handler, key, mode, payload, emitted_at, due_at)
SELECT 'clock.due', 'task.clock', id, 'one', '{{}}', created_at, created_at + interval '20 days' FROM copied
WHERE :waiting > 0"""


def fill_plain(url: str, waiting: int) -> None:
    """The table the bare route takes from: the same number of rows, the columns a claim cannot do without."""
    with _autocommit(url) as conn:
        conn.execute(text("SET statement_timeout = 0"))
        for statement in _PLAIN:
            conn.execute(text(statement), {"waiting": waiting} if ":waiting" in statement else {})


_PLAIN = (
    """CREATE TABLE plain (id text PRIMARY KEY, queue text NOT NULL, state text NOT NULL, agent text,
       start_by timestamptz NOT NULL, created_at timestamptz NOT NULL, title text NOT NULL, given_at timestamptz)""",
    "CREATE INDEX ix_plain_waiting ON plain (queue, start_by, created_at, id) WHERE state = 'queued'",
    """INSERT INTO plain SELECT lpad(to_hex(n), 32, '0'), 'queue_' || n % 6, 'queued', NULL,
       now() + n * interval '7 days' / :waiting, now(), 'A task ' || n FROM generate_series(1, :waiting) n""",
    "VACUUM ANALYZE plain",
)


def tidy(url: str) -> None:
    """Whatever was taken or done waits again, at its old place, and the tables are swept: every round begins alike."""
    _sweep(
        url,
        "UPDATE task SET state = 'queued', agent = NULL, started_at = NULL, completed_at = NULL, completed_by = NULL"
        " WHERE state IN ('in_progress', 'completed')",
        "UPDATE sla_clock SET met_at = NULL WHERE met_at IS NOT NULL",
        "DELETE FROM message WHERE handler = 'task.lease'",
        "TRUNCATE lease",
    )


def tidy_plain(url: str) -> None:
    """The same for the bare table."""
    _sweep(url, "UPDATE plain SET state = 'queued', agent = NULL, given_at = NULL WHERE state <> 'queued'")


def _sweep(url: str, *statements: str) -> None:
    with _autocommit(url) as conn:
        for statement in ("SET statement_timeout = 0", *statements, "VACUUM ANALYZE"):
            conn.execute(text(statement))


def new_database(server: str, name: str) -> str:
    """A database of its own on the server; its address."""
    with _autocommit(server) as conn:
        conn.execute(text(f"CREATE DATABASE {name}"))
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def rest(url: str, within: float = 120.0) -> None:
    """Waits until nothing is due: what setting the house up has led to is no part of any figure."""
    end = time.monotonic() + within
    due = text("SELECT count(*) FROM message WHERE done_at IS NULL AND dead_at IS NULL AND due_at <= now()")
    with _autocommit(url) as conn:
        while conn.execute(due).scalar_one():
            if time.monotonic() > end:
                raise RuntimeError("the house does not come to rest")
            time.sleep(0.1)


def decided(url: str) -> int:
    """How many tasks of the desk have a stored decision that gave them to a person."""
    with _autocommit(url) as conn:
        asked = "SELECT count(DISTINCT task) FROM decision WHERE way = 'push' AND outcome = 'assigned'"
        return int(conn.execute(text(asked)).scalar_one())


def commits(url: str) -> int:
    """How many transactions the database has committed; exact once whoever is counted has disconnected."""
    with _autocommit(url) as conn:
        asked = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        return int(conn.execute(text(asked)).scalar_one())


@contextmanager
def _autocommit(url: str) -> Iterator[Connection]:
    made = engine.writer(url, 1)
    with made.execution_options(isolation_level="AUTOCOMMIT").connect() as conn:
        yield conn
    made.dispose()
