"""History is chained without a row left out or taken twice, and every tampering with what was sealed is found."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from taskhub.db import audit, chain, engine, history, seals
from taskhub.db.history import Entry
from taskhub.db.tables import history as rows_of
from taskhub.db.tables import seal

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
WITHIN = 60.0
FORGED = {
    "noun": "task", "id": "forged", "seq": 1, "act_id": "c" * 32, "at": NOW, "by": "worker", "act": "move",
    "change": {}, "xid": 0,
}  # fmt: skip


@pytest.fixture
def owner(database_url: str) -> Iterator[Engine]:
    made = engine.writer(database_url, 4)
    yield made
    made.dispose()


def write(conn: Connection, *ids: str, **change: Any) -> None:
    entries = [Entry("task", id_, "move", {"state": "queued", "minutes": 7.5, **change}, seq=1) for id_ in ids]
    history.write(conn, entries, act_id="a" * 32, at=NOW, by="worker")
    conn.execute(text("SELECT 1"))  # what is written travels with whatever comes next


def written(owner: Engine, *ids: str, **change: Any) -> None:
    with owner.begin() as conn:
        write(conn, *ids, **change)


def sealed(owner: Engine, minutes: int = 0, **options: Any) -> seals.Seal | None:
    with owner.begin() as conn:
        return seals.add(conn, NOW + timedelta(minutes=minutes), **options)


def closed_up_to(owner: Engine, row: int, minute: int) -> None:
    """Seals until no number up to ``row`` can come any more: whatever runs anywhere on the server holds that back."""
    end = time.monotonic() + WITHIN
    while True:
        written(owner, f"at{minute}")
        if sealed(owner, minute).floor >= row:
            return
        assert time.monotonic() < end, f"numbers up to {row} are open for ever"
        minute += 1


def report(owner: Engine, heads: dict[int, str] | None = None) -> audit.Report:
    with owner.connect() as conn:
        return audit.verify(conn, heads)


def test_what_is_new_is_sealed_and_follows(owner: Engine) -> None:
    assert sealed(owner) is None
    written(owner, "t1", "t2")
    first = sealed(owner)
    assert (first.number, first.size, first.last_row) == (1, 2, 2)
    assert sealed(owner, 1) is None
    written(owner, "t3")
    second = sealed(owner, 2)
    assert (second.number, second.first_row, second.last_row) == (2, 3, 3)
    written(owner, "t4")
    found = report(owner)
    assert (found.ok, found.rows, found.seals, found.waiting) == (True, 3, 2, 1)
    assert found.head == second.hash.hex()
    with owner.connect() as conn:
        assert seals.lag(conn) == (1, NOW + timedelta(minutes=2))


def test_a_backlog_is_sealed_in_portions(owner: Engine) -> None:
    written(owner, *[f"t{n}" for n in range(25)])
    sizes = [one.size for minute in range(4) if (one := sealed(owner, minute, most=10))]
    assert sizes == [10, 10, 5]
    assert report(owner).rows == 25


def test_numbers_that_were_never_written_are_no_fault(owner: Engine) -> None:
    written(owner, "t1")
    with owner.connect() as conn:
        write(conn, "given up")
        conn.rollback()
    written(owner, "t2")
    for minute in range(3):
        sealed(owner, minute)
        written(owner, f"later{minute}")
    assert report(owner).ok


def test_a_transaction_that_ends_late_is_sealed_then(postgres_url: str) -> None:
    """Its number is lower than what was sealed meanwhile: it is neither lost nor taken for an insertion."""
    owner = engine.writer(postgres_url, 4)
    with owner.connect() as slow:
        write(slow, "slow")
        written(owner, "quick1")
        for minute in range(3):
            assert sealed(owner, minute).size == 1
            written(owner, f"next{minute}")
        before = report(owner)
        assert (before.ok, before.rows) == (True, 3)
        slow.commit()
    late = sealed(owner, 4)
    assert late.first_row < late.last_row - 2
    after = report(owner)
    assert (after.ok, after.rows, after.waiting) == (True, 5, 0)
    closed_up_to(owner, late.last_row, 5)
    owner.dispose()


def test_two_sealers_at_once_cannot_seal_twice(postgres_url: str) -> None:
    owner = engine.writer(postgres_url, 4)
    written(owner, "t1")
    with owner.connect() as slow:
        slow.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        assert seals.newest(slow) == seals.NONE
        assert sealed(owner) is not None
        with pytest.raises(IntegrityError):
            seals.add(slow, NOW)
    assert report(owner).rows == 1
    owner.dispose()


def test_history_of_another_cluster_goes_on(owner: Engine) -> None:
    """After a restore transaction ids begin anew, far below those the seals remember."""
    written(owner, "t1")
    sealed(owner)
    with owner.begin() as conn:
        conn.execute(update(seal).values(horizon=2**60))
    for minute in range(1, 4):
        written(owner, f"t{minute + 1}")
        assert sealed(owner, minute).size == 1
    assert (report(owner).ok, report(owner).rows) == (True, 4)


def test_the_job_of_the_workers_seals_and_logs_the_head(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    from taskhub.workers.jobs import Ticker
    from taskhub.workers.sealing import SEALING
    from tests.service.house import House

    caplog.set_level("INFO", "taskhub.workers.sealing")
    house = House(database_url)
    with house.closing:
        written(house.database.engine, "t1")
        for _ in range(3):
            Ticker(house.database, [SEALING], lambda: True).tick()
        with house.database.read() as tx:
            newest = seals.newest(tx.conn)
    (line,) = [one.facts for one in caplog.records]
    assert line == {"seal": f"1:{newest.hash.hex()}", "rows": 1}


# ── tampering ────────────────────────────────────────────────────────────────────────────────────────────────────────
def changed(conn: Connection, row: int, chance: random.Random) -> None:
    column, value = chance.choice(
        [("by", "agent:eve"), ("act", "forged"), ("id", "other"), ("change", {"state": "completed", "minutes": 7.5}),
         ("at", NOW + timedelta(seconds=1)), ("act_id", "b" * 32), ("seq", 99)]
    )  # fmt: skip
    conn.execute(update(rows_of).where(rows_of.c.row == row).values({column: value}))


def deleted(conn: Connection, row: int, chance: random.Random) -> None:
    conn.execute(delete(rows_of).where(rows_of.c.row == row))


def swapped(conn: Connection, row: int, chance: random.Random) -> None:
    """Two rows change places: contents and all but their numbers."""
    other = row - 1 if row > 1 else row + 1
    for before, after in ((row, -1), (other, row), (-1, other)):
        conn.execute(update(rows_of).where(rows_of.c.row == before).values(row=after))


def inserted(conn: Connection, row: int, chance: random.Random) -> None:
    conn.execute(delete(rows_of).where(rows_of.c.row == row))
    conn.execute(insert(rows_of).values(row=row, **FORGED))


TAMPERINGS = (changed, deleted, swapped, inserted)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def long_history(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if request.param == "sqlite":
        url = request.getfixturevalue("sqlite_databases").create(tmp_path_factory.mktemp("seals"))
    else:
        url = request.getfixturevalue("postgres_databases").create()
    made = engine.writer(url, 4)
    fill(made)
    yield made
    made.dispose()


def fill(owner: Engine) -> None:
    """Twelve seals of twenty rows each, and one row that is new."""
    for number in range(12):
        written(owner, *[f"t{number}-{n}" for n in range(20)], number=number)
        sealed(owner, number)
    written(owner, "new")


def trial(owner: Engine, damage: Callable[[Connection], Any], heads: dict[int, str] | None = None) -> audit.Report:
    with owner.connect() as conn:
        damage(conn)
        found = audit.verify(conn, heads)
        conn.rollback()
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda one: one.__name__)
def test_each_tampering_is_found_at_its_row(long_history: Engine, tampering: Any, seed: int) -> None:
    tampered(long_history, tampering, f"{tampering.__name__}:{seed}")


@pytest.mark.slow
def test_each_of_a_thousand_tamperings_is_found(sqlite_databases, tmp_path) -> None:
    owner = engine.writer(sqlite_databases.create(tmp_path), 2)
    fill(owner)
    for number in range(1000):
        tampered(owner, TAMPERINGS[number % len(TAMPERINGS)], f"thousand:{number}")
    owner.dispose()


def tampered(owner: Engine, tampering: Any, seed: str) -> None:
    chance = random.Random(seed)
    row = chance.randint(1, 240)
    found = trial(owner, lambda conn: tampering(conn, row, chance))
    assert not found.ok, seed
    assert found.broken[0].row in {row, row - 1, row + 1}, seed
    if tampering is not swapped:
        assert [one.row for one in found.broken] == [row], seed


def test_a_row_in_a_gap_is_found(owner: Engine) -> None:
    written(owner, "t1")
    with owner.connect() as conn:
        write(conn, "given up")
        conn.rollback()
    if owner.dialect.name == "sqlite":
        with owner.begin() as conn:
            conn.execute(text("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'history'"))
    written(owner, "t3")
    with owner.connect() as conn:
        newest = conn.execute(select(func.max(rows_of.c.row))).scalar_one()
    closed_up_to(owner, newest, 0)
    with owner.begin() as conn:
        there = set(conn.execute(select(rows_of.c.row)).scalars())
        gap = min(set(range(1, max(there))) - there)
        conn.execute(insert(rows_of).values(row=gap, **FORGED))
    (fault,) = report(owner).broken
    assert (fault.row, fault.said) == (gap, "was added after its time")


def forge_last(conn: Connection) -> None:
    """Somebody who knows the code changes a row of the last seal and makes the seal anew."""
    *_, last = seals.every(conn)
    before = conn.execute(select(seal.c.hash).where(seal.c.number == last.number - 1)).scalar_one()
    entries = [chain.Entry(one.row, bytes(16), bytes(32)) for one in chain.unpack(last.entries)]
    raw = chain.pack(entries)
    bounds = (last.first_row, last.last_row, last.floor, last.size)
    from taskhub.db.types import text_of

    hash_ = chain.link(before, last.number, text_of(last.at), bounds, raw)
    conn.execute(update(seal).where(seal.c.number == last.number).values(entries=raw, hash=hash_))


@pytest.mark.parametrize(
    ("said", "damage"),
    [
        ("are missing", lambda conn: conn.execute(delete(seal).where(seal.c.number == 5))),
        ("does not follow", lambda conn: conn.execute(update(seal).where(seal.c.number == 5).values(hash=bytes(32)))),
        ("does not follow", lambda conn: conn.execute(
            update(seal).where(seal.c.number == 5).values(floor=seal.c.floor + 1))),
        ("cannot be read", lambda conn: conn.execute(update(seal).where(seal.c.number == 5).values(entries=b"x"))),
        ("cannot be read", lambda conn: conn.execute(update(seal).where(seal.c.number == 5).values(salts=b""))),
        ("is marked as erased", lambda conn: conn.execute(
            update(seal).where(seal.c.number == 5).values(salts=bytes(16 * 20)))),
    ],
)  # fmt: skip
def test_a_seal_that_was_touched_is_found(long_history: Engine, said: str, damage: Any) -> None:
    found = trial(long_history, damage)
    assert any(said in one.said and one.seal in (5, 6) for one in found.broken), found.broken


def test_a_head_noted_elsewhere_shows_what_was_made_anew(long_history: Engine) -> None:
    with long_history.connect() as conn:
        heads = {one.number: one.hash.hex() for one in seals.every(conn)}

    def cut_off(conn: Connection) -> None:
        conn.execute(delete(seal).where(seal.c.number > 10))
        conn.execute(delete(rows_of).where(rows_of.c.row > 200))

    assert report(long_history, heads).ok
    found = [trial(long_history, damage, heads) for damage in (cut_off, forge_last)]
    assert "cut off" in found[0].broken[0].said
    assert "another one than was noted" in " ".join(one.said for one in found[1].broken)


def test_an_erased_value_leaves_the_chain_whole(long_history: Engine) -> None:
    """What erasure will do: the value and its salt go, who did what to which record when stays proved."""

    def erase(conn: Connection) -> None:
        first = next(iter(seals.every(conn)))
        salts = chain.ERASED_SALT + first.salts[chain.SALT :]
        conn.execute(update(seal).where(seal.c.number == 1).values(salts=salts))
        conn.execute(update(rows_of).where(rows_of.c.row == first.first_row).values(change={"erased": True}))

    found = trial(long_history, erase)
    assert (found.ok, found.erased, found.rows) == (True, 1, 240)


def test_both_databases_say_the_same_of_a_row() -> None:
    row = chain.Row(1, "task", "t", 1, "a", "2026-03-02T09:00:00.000000Z", "by", "act", '{"b": 1e16, "a": "é"}')
    other = chain.Row(1, "task", "t", 1, "a", row.at, "by", "act", '{"a":"\\u00e9","b":10000000000000000}')
    assert chain.entry(row, bytes(16)) == chain.entry(other, bytes(16))
