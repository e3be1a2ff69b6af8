"""The first statement of every transaction: database clock, active policies, demo clock and the caller's key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, text

from taskhub.clock import Clock, DemoClock, WallClock
from taskhub.db.tables import demo_clock
from taskhub.db.types import instant_of

_POSTGRES = text("""
SELECT clock_timestamp() AS real_now, (SELECT hash FROM policy_set ORDER BY activation DESC LIMIT 1) AS policy_hash,
  d.origin, d.speed, k.id, k.hash, k.role, k.name, k.agent, k.expires_at, k.revoked_at, a.team, a.roles, a.active
FROM (SELECT 1) one LEFT JOIN demo_clock d ON d.id = 1 LEFT JOIN api_key k ON k.id = :key
  LEFT JOIN agent a ON a.key = k.agent""")
_SQLITE = text(_POSTGRES.text.replace("clock_timestamp()", "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')"))


@dataclass(frozen=True, slots=True)
class KeyRow:
    """The stored facts of one API key and its agent; whether they are good is for the access room to say."""

    id: str
    hash: str
    role: str
    name: str
    agent: str | None
    expires_at: datetime | None
    revoked_at: datetime | None
    team: str | None
    roles: tuple[str, ...]
    active: bool


@dataclass(frozen=True, slots=True)
class Opening:
    """What the first statement says."""

    real_now: datetime
    policy_hash: str | None
    clock: Clock
    key: KeyRow | None

    @property
    def now(self) -> datetime:
        """taskhub's now."""
        return self.clock.at(self.real_now)


_demo_clocks: dict[tuple[Any, float], DemoClock] = {}


def open_(conn: Connection, key_id: str | None = None) -> Opening:
    """Runs the first statement. ``key_id`` is the public part of an API key, unchecked."""
    lite = conn.dialect.name == "sqlite"
    row = conn.execute(_SQLITE if lite else _POSTGRES, {"key": key_id}).one()
    real_now = instant_of(row.real_now) if lite else row.real_now.astimezone(UTC)
    clock: Clock = WallClock() if row.origin is None else _demo_clock(conn, row.origin, row.speed)
    return Opening(real_now, row.policy_hash, clock, _key(row, lite=lite) if row.id else None)


def _key(row: Any, *, lite: bool) -> KeyRow:
    def at(value: Any) -> datetime | None:
        return instant_of(value) if lite and value else value

    roles = orjson.loads(row.roles) if isinstance(row.roles, str) else row.roles
    return KeyRow(
        row.id, row.hash, row.role, row.name, row.agent, at(row.expires_at), at(row.revoked_at), row.team,
        tuple(roles or ()), bool(row.active) if row.agent else True,
    )  # fmt: skip


def _demo_clock(conn: Connection, origin: Any, speed: float) -> DemoClock:
    known = _demo_clocks.get((origin, speed))
    if known is None:
        row = conn.execute(demo_clock.select()).one()
        spans = tuple((datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in row.spans)
        known = _demo_clocks[origin, speed] = DemoClock(row.origin, row.speed, spans)
    return known
