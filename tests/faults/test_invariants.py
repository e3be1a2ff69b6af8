"""The invariants see what they are there for: each kind of damage, done by hand and taken back, is named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from tests.faults import feed, invariants, recount
from tests.faults.hands import Call, Hands
from tests.faults.shop import Shop, open_shop

ONE = "(select min(id) from task where state = '{}')"
QUEUED, HELD, BLOCKED = ONE.format("queued"), ONE.format("in_progress"), ONE.format("blocked")
DATED = "(select min(id) from task where blocked_until is not null and state = 'blocked')"
GIVEN = "(select min(id) from task where state = 'assigned')"
OLD, OLDER = "'2020-01-02T00:00:00.000000Z'", "'2020-01-01T00:00:00.000000Z'"
STEP = "insert into escalation (task, step, repetition, policy, due_at, at, effects) select id, 0, 0, 'p',"
DAMAGE = {
    "I1 every": "update event set state = 'received', applied_at = null where state = 'applied'",
    "I1 what": "update event set applied_at = null where state = 'applied'",
    "I2 no task vanishes": f"delete from task where id = {QUEUED}",
    "I2 every task": "delete from history where noun = 'task' and act = 'create'",
    "I3 a lease": "update lease set agent = 'ann'",
    "I3 a task": "delete from lease",
    "I5": "update agent set capacity = 0",
    "I6 one effect of a change once, by rule": "update task set rule = 'r', kind = 'k', record = 'deal:1',"
    " version_at = '2026-03-02 00:00:00', version_tie = '', parent = null where kind = 'data_hygiene'",
    "I6 one follower": f"update task set rule = 'r', parent = {QUEUED} where id = {BLOCKED}",
    "I7 a task": f"delete from message where handler = 'task.block' and key = {DATED}",
    "I7 a lease": "delete from message where handler = 'task.lease'",
    "I7 blocked": f"update task set blocked_by = '[]', blocked_until = null where id = {BLOCKED}",
    "I7 nothing is done": f"update message set done_at = {OLD} where done_at is not null",
    "I7 a warning": "insert into history (noun, id, seq, act_id, at, by, act, change, xid)"
    f" select 'task', t.id, 900 + n, 'x', {OLD}, 'worker', 'sla.warned', '{{}}', 0"
    " from task t, (select 1 as n union select 2)"
    f" where t.id = {QUEUED}",
    "I7 a step never": f"{STEP} {OLD}, {OLDER}, '{{}}' from task where id = {QUEUED}",
    "I7 a step fires": f"{STEP} {OLDER}, {OLD}, '{{}}' from task where id = {QUEUED}",
    "I8 a breach": f"update sla_clock set breached_at = {OLD} where task = {QUEUED}",
    "I8 what is late": f"update sla_clock set due_at = {OLD} where due_at is not null",
    "I8 a running": "delete from message where handler = 'task.clock'",
    "I8 a ladder": "delete from message where handler = 'escalation.step'",
    "I9 the history": "delete from history where noun = 'task' and seq = 1 and id in"
    " (select id from history where noun = 'task' and seq = 2)",
    "I9 a task has": f"update task set seq = seq + 1 where id = {QUEUED}",
    "I9 a task is": f"update task set state = 'paused' where id = {QUEUED}",
    "I11 a ready": "delete from decision where outcome = 'waiting'",
    "I11 a given": f"delete from decision where task = {GIVEN}",
    "I14": "update task set depth = 99",
    "I15": "update idempotency set reply = null",
    "I17 no message is dead": "update message set dead_at = due_at where done_at is null",
    "I17 no message is left": "update message set done_at = null where done_at is not null",
    "I17 every": "update message set handler = 'nobody' where id = (select min(id) from message where done_at is null)",
}
RECOUNTED = {
    "I10": "update history set change = json_set(change, '$.state', 'completed') where act = 'claim'",
    "I12": "update decision set facts = json_set(facts, '$.pull.why', json('[[]]')) where way = 'pull'",
    "I16": f"update task set state = 'paused' where id = {QUEUED}",
    "I18": "update task set completed_at = null where state = 'completed'",
}
CAUGHT_BEFORE = {"I6 one effect of a change once, by origin", "I6 one event once", "I3 tokens are unique",
                 "I7 a pause is looked at when it ends"}  # fmt: skip


class Undone(Exception):
    """Takes the damage back."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, sqlite_databases) -> Iterator[Shop]:
    url = sqlite_databases.create(tmp_path_factory.mktemp("damage"))
    with open_shop(url, {"contract-desk": ["ann"], "front-line": ["dee"]}, capacity=4) as one:
        events = feed.stream(120, 5, datetime(2026, 3, 2, tzinfo=UTC))
        one.batch(events)
        one.drain()
        hands = Hands(one.db, _by(one), [one.people["dee"]], feed.deals_to_work_on(events, 8), one.admin.key or "", [])
        hands.finish()
        one.drain()
        hands.again()
        assert hands.differences == []
        yield one


def _by(shop: Shop) -> Call:
    return lambda method, path, body, headers: shop.client.request(method, path, json=body, headers=headers)


def test_nothing_is_broken_to_begin_with(shop: Shop) -> None:
    asked = shop.rest()
    assert invariants.at_rest(shop.db)
    with shop.db.read() as tx:
        assert [*invariants.broken(tx.conn, asked), *recount.broken(tx)] == []


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named(shop: Shop, name: str) -> None:
    with pytest.raises(Undone):
        _damage(shop, name)


def _damage(shop: Shop, name: str) -> None:
    with shop.db.begin() as tx:
        tx.conn.execute(text("pragma defer_foreign_keys = on"))
        assert tx.conn.execute(text(DAMAGE[name])).rowcount > 0, "the damage hit nothing"
        found = invariants.broken(tx.conn, tx.now)
        assert [one for one in found if one.startswith(name)], found
        raise Undone


@pytest.mark.parametrize("name", RECOUNTED)
def test_damage_is_recounted(shop: Shop, name: str) -> None:
    with pytest.raises(Undone):
        _recounted(shop, name)


def _recounted(shop: Shop, name: str) -> None:
    with shop.db.begin() as tx:
        assert tx.conn.execute(text(RECOUNTED[name])).rowcount > 0, "the damage hit nothing"
        found = recount.broken(tx)
        assert [one for one in found if one.startswith(name)], found
        raise Undone


def test_every_recount_has_its_damage() -> None:
    assert {name.partition(" ")[0] for name in recount.CHECKS} == RECOUNTED.keys()


def test_every_check_has_its_damage() -> None:
    unproved = {name for name in invariants.CHECKS if not any(name.startswith(known) for known in DAMAGE)}
    assert unproved == CAUGHT_BEFORE
