"""Rows of API keys, and the teams a person manages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, literal, select, tuple_, update

from taskhub.db.tables import agent, api_key, history, team

WITHDRAWAL = "key_withdrawal"  # as a noun of history

_SHOWN = (api_key.c.id, api_key.c.role, api_key.c.name, api_key.c.agent, api_key.c.created_at, api_key.c.expires_at,
          api_key.c.revoked_at)  # fmt: skip


def add_key(conn: Connection, row: Mapping[str, Any]) -> None:
    """Stores a new key."""
    conn.execute(insert(api_key).values(**row))


def keys_of(conn: Connection, agent_key: str) -> list[dict[str, Any]]:
    """The keys of one person, oldest first, without their hashes."""
    rows = conn.execute(
        select(*_SHOWN).where(api_key.c.agent == agent_key).order_by(api_key.c.created_at, api_key.c.id)
    )
    return [dict(row) for row in rows.mappings()]


def some_keys(
    conn: Connection, agent_key: str | None, after: tuple[datetime, str] | None, limit: int
) -> list[dict[str, Any]]:
    """The newest keys of everybody, or of one person, behind a place in that order; without their hashes."""
    place = tuple_(api_key.c.created_at, api_key.c.id)
    wanted = select(*_SHOWN).order_by(api_key.c.created_at.desc(), api_key.c.id.desc()).limit(limit)
    if agent_key is not None:
        wanted = wanted.where(api_key.c.agent == agent_key)
    if after is not None:
        wanted = wanted.where(place < tuple_(literal(after[0], api_key.c.created_at.type), after[1]))
    return [dict(row) for row in conn.execute(wanted).mappings()]


def find_key(conn: Connection, key_id: str) -> dict[str, Any] | None:
    """One key without its hash."""
    row = conn.execute(select(*_SHOWN).where(api_key.c.id == key_id)).mappings().one_or_none()
    return dict(row) if row else None


def revoke(conn: Connection, key_id: str, at: datetime) -> bool:
    """Ends a key; False when it had ended before."""
    live = (api_key.c.id == key_id) & api_key.c.revoked_at.is_(None)
    return conn.execute(update(api_key).where(live).values(revoked_at=at)).rowcount == 1


def revoke_all(conn: Connection, agent_key: str, at: datetime) -> list[str]:
    """Ends every live key of a person. Returns their ids."""
    live = (api_key.c.agent == agent_key) & api_key.c.revoked_at.is_(None)
    return list(conn.execute(update(api_key).where(live).values(revoked_at=at).returning(api_key.c.id)).scalars())


def withdrawn(conn: Connection, ids: Sequence[str]) -> set[str]:
    """Which of these keys somebody withdrew after they had ended."""
    about = history.c.noun == WITHDRAWAL, history.c.id.in_(ids)
    return set(conn.execute(select(history.c.id).where(*about)).scalars())


def restore(conn: Connection, ids: Sequence[str]) -> None:
    """Lets revoked keys live again."""
    conn.execute(update(api_key).where(api_key.c.id.in_(ids)).values(revoked_at=None))


def roles_of(conn: Connection, agent_key: str) -> list[str] | None:
    """The roles of an active person; None when there is no such person."""
    return conn.execute(select(agent.c.roles).where(agent.c.key == agent_key, agent.c.active)).scalar()


def team_rows(conn: Connection) -> list[Any]:
    """Every team with who runs it."""
    return list(conn.execute(select(team.c.key, team.c.leader, team.c.managers, team.c.department)))
