"""The first statement of every transaction: database clock, active policies, demo clock and the caller's key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, text

from taskhub.clock import Clock, DemoClock, WallClock
from taskhub.db.quick import quick, run
from taskhub.db.tables import demo_clock
from taskhub.db.types import instant_of

_OPEN = """
SELECT clock_timestamp() AS real_now, (SELECT hash FROM policy_set ORDER BY activation DESC LIMIT 1) AS policy_hash,
  EXISTS (SELECT 1 FROM period) AS periods, d.origin, d.speed,
  k.id, k.hash, k.role, k.name, k.agent, k.expires_at, k.revoked_at, a.team, a.roles, a.active
FROM (SELECT 1) one LEFT JOIN demo_clock d ON d.id = 1 LEFT JOIN api_key k ON k.id = :key
  LEFT JOIN agent a ON a.key = k.agent"""
_POSTGRES = quick(_OPEN)
_SQLITE = text(_OPEN.replace("clock_timestamp()", "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')"))


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
    periods: bool = True  # whether any queue goes, went or will go ahead: mostly none, and nobody need look

    @property
    def now(self) -> datetime:
        """taskhub's now."""
        return self.clock.at(self.real_now)


_demo_clocks: dict[tuple[Any, float], DemoClock] = {}


def open_(conn: Connection, key_id: str | None = None) -> Opening:
    """Runs the first statement. ``key_id`` is the public part of an API key, unchecked."""
    lite = conn.dialect.name == "sqlite"
    given = {"key": key_id}
    row = conn.execute(_SQLITE, given).one() if lite else run(conn, _POSTGRES, given)[0]
    now, policy_hash, periods, origin, speed, *key = row
    clock: Clock = WallClock() if origin is None else _demo_clock(conn, origin, speed)
    return Opening(
        instant_of(now) if lite else now.astimezone(UTC), policy_hash, clock, _key(key, lite=lite), bool(periods)
    )


def _key(found: Sequence[Any], *, lite: bool) -> KeyRow | None:
    id_, hash_, role, name, agent, expires_at, revoked_at, team, roles, active = found
    if id_ is None:
        return None

    def at(value: Any) -> datetime | None:
        return instant_of(value) if lite and value else value

    known = tuple(orjson.loads(roles) if isinstance(roles, str) else roles or ())
    there = bool(active) if agent else True
    return KeyRow(id_, hash_, role, name, agent, at(expires_at), at(revoked_at), team, known, there)


def _demo_clock(conn: Connection, origin: Any, speed: float) -> DemoClock:
    known = _demo_clocks.get((origin, speed))
    if known is None:
        row = conn.execute(demo_clock.select()).one()
        spans = tuple((datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in row.spans)
        known = _demo_clocks[origin, speed] = DemoClock(row.origin, row.speed, spans)
    return known
