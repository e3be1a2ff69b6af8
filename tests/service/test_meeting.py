"""A poll and a webhook tell of one change: one task, in both orders and at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import func, select

from taskhub.acts import forget
from taskhub.db.database import Database
from taskhub.db.tables import event as inbox
from taskhub.db.tables import task
from taskhub.db.tables_connectors import firing
from taskhub.events import service as events
from taskhub.events.model import Delivery, Event, RecordRef
from taskhub.policy.rule import Condition, Rule, TaskTemplate
from taskhub.sales.firings import service as firings
from taskhub.settings import Keep
from taskhub.testing import organisation as org
from taskhub.testing.drain import drain

DEAL = RecordRef("deal", "crm:1")
RULES = (
    Rule("made", ("deal.created",), tasks=(TaskTemplate("credit"),)),
    Rule("won", ("deal.won",), tasks=(TaskTemplate("contract"),)),
    Rule("moved", ("deal.stage_changed",), when=(Condition("deal.stage", "changed_to", "offer"),),
         tasks=(TaskTemplate("billing"),)),
    Rule("gone", ("deal.deleted",), tasks=(TaskTemplate("credit"),)),
)  # fmt: skip


def at(second: int) -> datetime:
    return datetime(2026, 3, 2, 9, 0, second, tzinfo=UTC)


def told(second: int, *types: str, was: dict[str, Any] | None = None, key: str = "w", **deal: Any) -> Event:
    """A webhook, which states its own change."""
    previous = {"deal": was} if was else {}
    data = {"deal": {"id": DEAL.id, **deal}}
    return Event("pipedrive:crm", f"{key}{second}", types, at(second), DEAL, data, previous, connection="crm")


def seen(second: int, **deal: Any) -> Event:
    """What a poll sees of a record that was made under its eyes."""
    whole = told(second, "deal.created", key="p", **deal)
    return replace(whole, states_change=False, partial=True, order=f"~{second}")


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    made = org.database(database_url, org.policies(rules=RULES))
    yield made
    made.close()


def take(db: Database, one: Event) -> None:
    key = f"{one.external_id}"
    parcel = Delivery(one.source, key, one.type, str(one.record), one.occurred_at, key, key, "accepted", one)
    with db.begin() as tx:
        events.ingest(tx, [parcel], b"{}", {}, "application/json", connection="crm")


def made(db: Database) -> list[str]:
    with db.read() as tx:
        return sorted(tx.conn.execute(select(task.c.kind)).scalars())


def reasons(db: Database) -> dict[str, str | None]:
    with db.read() as tx:
        return {row.external_id: row.reason for row in tx.conn.execute(select(inbox.c.external_id, inbox.c.reason))}


WON = told(3, "deal.won", was={"status": "open"}, status="won", stage="new", title="Acme")
MADE = told(1, "deal.created", status="open", stage="new", title="Acme")
MOVED = told(2, "deal.stage_changed", was={"stage": "new"}, status="open", stage="offer", title="Acme")
LOOK = seen(4, status="won", stage="new", title="Acme", amount=7)


@pytest.mark.parametrize("order", list(permutations([MADE, WON, LOOK])))
def test_one_task_for_each_change_in_any_order(db: Database, order: tuple[Event, ...]) -> None:
    for one in order:
        take(db, one)
        drain(db)
    assert made(db) == ["contract", "credit"]


def test_what_a_poll_could_not_see_still_acts(db: Database) -> None:
    for one in (LOOK, WON, MOVED, MADE):
        take(db, one)
        drain(db)
    assert made(db) == ["billing", "contract", "credit"]
    assert {name: reasons(db)[name] for name in ("w1", "w3")} == {"w1": "absorbed", "w3": "absorbed"}


def test_a_second_subscription_to_an_absorbed_change_is_absorbed_too(db: Database) -> None:
    for one in (MADE, LOOK, WON, replace(WON, external_id="other")):
        take(db, one)
        drain(db)
    assert made(db) == ["contract", "credit"]


def test_the_same_move_later_is_another_change(db: Database) -> None:
    back = told(6, "deal.reopened", was={"status": "won"}, status="open", stage="new", title="Acme")
    again = told(7, "deal.won", was={"status": "open"}, status="won", stage="new", title="Acme")
    for one in (MADE, LOOK, WON, back, again):
        take(db, one)
        drain(db)
    assert made(db) == ["contract", "contract", "credit"]


def test_a_deletion_is_told_once(db: Database) -> None:
    gone = replace(seen(9, deleted=True), types=("deal.deleted",))
    for one in (MADE, gone, told(8, "deal.deleted", deleted=True)):
        take(db, one)
        drain(db)
    assert made(db) == ["credit", "credit"]
    assert reasons(db)["w8"] == "absorbed"


def test_a_stage_that_a_new_record_was_first_seen_in_is_acted_upon_when_its_word_comes(db: Database) -> None:
    moved = told(5, "deal.stage_changed", was={"stage": "new"}, stage="offer")
    made_late = told(1, "deal.created", key="m", stage="new")
    for one in (seen(9, status="open", stage="offer"), moved, made_late, moved):
        take(db, one)
        drain(db)
    assert made(db) == ["billing", "credit"]


def test_what_was_never_known_and_is_gone_makes_nothing(db: Database) -> None:
    take(db, replace(seen(9, deleted=True), types=("deal.deleted",)))
    drain(db)
    assert made(db) == []


def test_nothing_is_remembered_where_no_rule_fired(db: Database) -> None:
    take(db, replace(seen(4, status="open", stage="new"), types=("deal.updated",)))
    drain(db)
    with db.read() as tx:
        assert firings.count(tx, tx.now + timedelta(days=1)) == 0


def test_memories_are_forgotten_after_a_while(db: Database) -> None:
    take(db, LOOK)
    drain(db)
    with db.begin() as tx:
        assert forget.forget(tx, Keep(bodies=timedelta(seconds=-60)))[0]["changes that were acted upon early"] == 2
        assert tx.conn.execute(select(func.count()).select_from(firing)).scalar_one() == 0


@pytest.mark.parametrize("round_", range(5))
def test_two_at_once_make_one_task(db: Database, round_: int) -> None:
    for one in (LOOK, WON, MADE):
        take(db, one)
    start = threading.Barrier(3)

    def work(_: int) -> None:
        start.wait()
        drain(db)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    drain(db)
    assert made(db) == ["contract", "credit"]
