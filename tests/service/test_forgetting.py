"""Retention: what nobody works with any more goes, in bounded batches; what figures and reasons are made of stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from taskhub.acts.forget import PARTS, census, forget
from taskhub.db.tables import event, idempotency, job_fired, message, notification
from taskhub.errors import Conflict, InvalidInput
from taskhub.events import service as events
from taskhub.ids import floor, new_id
from taskhub.settings import Keep, read
from tests.service.house import House, note

KEEP = Keep()
DAY = timedelta(days=1)


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    house = House(database_url)
    with house.closing:
        yield house


def come_in(house: House, state: str, days: float, count: int = 1) -> list[str]:
    """Events received so many days ago."""
    with house.database.begin() as tx:
        ids = [new_id() for _ in range(count)]
        at = tx.now - days * DAY
        row = {"source": "s", "type": "t", "variant": "", "body_hash": "h", "occurred_at": at, "received_at": at,
               "content_type": "application/json", "headers": {"x": "1"}, "raw": b"{}", "state": state}  # fmt: skip
        tx.conn.execute(event.insert(), [{"id": i, "external_id": i, "delivery_key": i, **row} for i in ids])
    return ids


def with_bodies(house: House) -> set[str]:
    with house.database.read() as tx:
        return {row.id for row in tx.conn.execute(select(event)) if row.raw and row.headers}


def run(house: House, limit: int = 100) -> dict[str, int]:
    """As the calendar job does: batch by batch until nothing is left."""
    counts, more = dict.fromkeys((part.name for part in PARTS), 0), True
    while more:
        with house.database.begin() as tx:
            some, more = forget(tx, KEEP, limit)
            assert all(count <= limit for name, count in some.items() if name != "firings of calendar jobs")
        counts = {name: counts[name] + some[name] for name in counts}
    return counts


def foreseen(house: House) -> dict[str, int]:
    with house.database.read() as tx:
        return census(tx, KEEP)


def test_bodies_go_after_their_time_and_the_rest_of_an_event_stays(house: House) -> None:
    old = come_in(house, "applied", 31, 7) + come_in(house, "ignored", 31) + come_in(house, "quarantined", 91)
    kept = come_in(house, "applied", 29) + come_in(house, "quarantined", 31) + come_in(house, "received", 400)
    expected = foreseen(house)
    assert run(house, limit=3) == expected
    assert sum(expected.values()) == len(old)
    assert with_bodies(house) == set(kept)
    assert set(run(house).values()) == {0}
    with house.database.begin() as tx:
        assert events.load(tx, old[0]).external_id == old[0]


def test_an_event_replayed_late_is_forgotten_too(house: House) -> None:
    come_in(house, "applied", 40)
    (late,) = come_in(house, "quarantined", 60)
    run(house)
    with house.database.begin() as tx:
        events.replay(tx, late, lambda stored, raw: [])
        tx.conn.execute(update(event).where(event.c.id == late).values(state="applied", reason=None))
    assert run(house)["bodies of applied events"] == 1


def test_what_has_no_body_any_more_cannot_be_replayed(house: House) -> None:
    (old,) = come_in(house, "quarantined", 91)
    run(house)
    with house.database.begin() as tx, pytest.raises(Conflict) as refused:
        events.replay(tx, old, lambda stored, raw: [])
    assert refused.value.stable_code == "body_forgotten"


def test_done_rows_replies_firings_and_notifications_go_after_their_time(house: House) -> None:
    house.handlers["work"] = note
    house.emit("work", "old", "new", "open", "dead")
    with house.database.begin() as tx:
        now = tx.now

        def change(key: str, **values: Any) -> None:
            tx.conn.execute(update(message).where(message.c.key == key).values(**values))

        change("old", done_at=now - 8 * DAY, emitted_at=now - 9 * DAY)
        change("new", done_at=now - 6 * DAY, emitted_at=now - 9 * DAY)
        change("dead", dead_at=now - 400 * DAY, emitted_at=now - 400 * DAY)
        tx.conn.execute(job_fired.insert(), [{"job": "j", "fire_at": now - n * DAY, "at": now} for n in (9, 10, 11)])
        call = {"caller": "c", "route": "r", "fingerprint": "f"}
        ages = {"old": 25, "new": 23}
        replies = [{**call, "key": key, "at": tx.real_now - hours * DAY / 24} for key, hours in ages.items()]
        tx.conn.execute(idempotency.insert(), replies)
        ago = {"old": 181, "waits": 181, "new": 179}
        told = [{"id": floor(now - days * DAY) + "0" * 20, **dict.fromkeys(("address", "subject", "body"), key),
                 "at": now - days * DAY - timedelta(seconds=1)} for key, days in ago.items()]  # fmt: skip
        told[1]["id"] = told[1]["id"][:-1] + "1"
        tx.conn.execute(notification.insert(), told)
        row = {"topic": "t", "handler": "notification.deliver", "key": told[1]["id"], "mode": "outside", "payload": {}}
        tx.conn.execute(message.insert().values(**row, emitted_at=now, due_at=now))
    expected = foreseen(house)
    assert run(house, limit=1) == expected
    assert {name: count for name, count in expected.items() if count} == {
        "done rows of the ledger": 1, "replies to idempotent calls": 1, "firings of calendar jobs": 2,
        "notifications": 1,
    }  # fmt: skip
    assert {row.key for row in house.rows(handler="work")} == {"new", "open", "dead"}
    with house.database.read() as tx:
        assert set(tx.conn.execute(select(notification.c.address)).scalars()) == {"waits", "new"}


def test_how_long_is_said_by_the_environment() -> None:
    assert read({}).keep == KEEP
    assert read({"TASKHUB_KEEP_BODIES": "10d"}).keep.bodies == 10 * DAY
    for text in ("30", "0d", "-1d", "1h", ""):
        with pytest.raises(InvalidInput, match="TASKHUB_KEEP_DONE"):
            read({"TASKHUB_KEEP_DONE": text})
