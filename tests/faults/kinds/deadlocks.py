"""Others lock the same rows in the wrong order: PostgreSQL chooses victims, and nobody's call fails for it."""

from __future__ import annotations

import time
from random import Random

import psycopg
from sqlalchemy import make_url

from tests.faults import day
from tests.faults.house import House

LASTS = 3.0
COUNT = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def blow(house: House, chance: Random) -> None:
    """Tasks first and people after them: taskhub locks people first."""
    end = time.monotonic() + LASTS
    with psycopg.connect(_address(house), autocommit=True) as conn:
        # The session that looks last finds the ring and is the victim: let it mostly be taskhub's.
        conn.execute("SET deadlock_timeout = '5s'")
        while time.monotonic() < end:
            _cross(conn, chance)


def _cross(conn: psycopg.Connection[tuple[object, ...]], chance: Random) -> None:
    try:
        with conn.transaction():
            conn.execute("SELECT id FROM task WHERE state = 'queued' ORDER BY id DESC LIMIT 40 FOR UPDATE")
            time.sleep(chance.uniform(0, 0.2))
            conn.execute("SELECT key FROM agent ORDER BY key DESC FOR UPDATE")
            time.sleep(0.02)
    except psycopg.errors.DeadlockDetected:
        return


def after(house: House) -> None:
    with psycopg.connect(_address(house), autocommit=True) as conn:
        (found,) = conn.execute(COUNT).fetchone() or (0,)
    house.result.figures["deadlocks"] = float(str(found))


def _address(house: House) -> str:
    return make_url(house.shop.db.url).set(drivername="postgresql").render_as_string(hide_password=False)


FAULT = day.fault("deadlocks", "foreign transactions lock in the wrong order", day.Under(blow, strikes=5, after=after))
