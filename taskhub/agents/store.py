"""The only SQL that writes teams, agents and absences."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, Text, cast, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from taskhub.agents.model import Absence, Agent, Team
from taskhub.db.tables import absence, agent, duty, team

_TEAM = [team.c[name] for name in Team.__slots__]
_AGENT = [agent.c[name] for name in Agent.__slots__]
_ABSENCE = [absence.c[name] for name in Absence.__slots__]


def team_of(conn: Connection, key: str, *, locked: bool = False) -> Team | None:
    """One team; ``locked`` until the transaction ends."""
    found = select(*_TEAM).where(team.c.key == key)
    row = conn.execute(found.with_for_update() if locked else found).first()
    return Team(*row) if row else None


def teams(conn: Connection, after: str, limit: int) -> list[Team]:
    """Teams by key, beginning behind ``after``."""
    rows = conn.execute(select(*_TEAM).where(team.c.key > after).order_by(team.c.key).limit(limit))
    return [Team(*row) for row in rows]


def add_team(conn: Connection, row: Mapping[str, Any]) -> bool:
    """Stores a new team; False when the key is taken, also by somebody at this very moment."""
    return _add(conn, team, row)


def change_team(conn: Connection, key: str, changes: Mapping[str, Any]) -> None:
    """Writes changed columns of a locked team."""
    conn.execute(update(team).where(team.c.key == key).values(**changes))


def agent_of(conn: Connection, key: str, *, locked: bool = False) -> Agent | None:
    """One person; ``locked`` until the transaction ends."""
    found = select(*_AGENT).where(agent.c.key == key)
    row = conn.execute(found.with_for_update() if locked else found).first()
    return Agent(*row) if row else None


def agents(
    conn: Connection, after: str, limit: int, *, in_teams: Sequence[str] | None, me: str | None, only: str | None
) -> list[Agent]:
    """People by key, beginning behind ``after``: those of ``in_teams`` (None = all) and ``me``; ``only`` one team."""
    found = select(*_AGENT).where(agent.c.key > after).order_by(agent.c.key).limit(limit)
    if in_teams is not None:
        found = found.where(agent.c.team.in_(list(in_teams)) | (agent.c.key == (me or "")))
    if only is not None:
        found = found.where(agent.c.team == only)
    return [Agent(*row) for row in conn.execute(found)]


def add_agent(conn: Connection, row: Mapping[str, Any]) -> bool:
    """Stores a new person; False when the key is taken, also by somebody at this very moment."""
    return _add(conn, agent, row)


def change_agent(conn: Connection, key: str, changes: Mapping[str, Any]) -> None:
    """Writes changed columns of a locked person."""
    conn.execute(update(agent).where(agent.c.key == key).values(**changes))


def count_miss(conn: Connection, key: str) -> int:
    """One more offer in a row that was not started; how many that makes. 0 where there is no such person."""
    more = update(agent).where(agent.c.key == key).values(misses=agent.c.misses + 1).returning(agent.c.misses)
    return conn.execute(more).scalar() or 0


def clear_misses(conn: Connection, key: str) -> None:
    """The row of misses is broken."""
    conn.execute(update(agent).where(agent.c.key == key, agent.c.misses > 0).values(misses=0))


def add_absence(conn: Connection, new: Absence) -> None:
    """Stores a planned absence."""
    conn.execute(insert(absence).values({name: getattr(new, name) for name in Absence.__slots__}))


def absences(conn: Connection, key: str, since: datetime) -> list[Absence]:
    """Absences of one person that end after ``since``, by their beginning."""
    mine = (absence.c.agent == key) & (absence.c.until_at > since)
    return [
        Absence(*row) for row in conn.execute(select(*_ABSENCE).where(mine).order_by(absence.c.from_at, absence.c.id))
    ]


def drop_absence(conn: Connection, key: str, absence_id: str) -> bool:
    """Deletes one absence of a person; False when there is none."""
    gone = conn.execute(delete(absence).where(absence.c.agent == key, absence.c.id == absence_id))
    return gone.rowcount == 1


def headcount(conn: Connection, teams_: Sequence[str]) -> dict[str, int]:
    """Active people of teams by presence."""
    mine = agent.c.team.in_(list(teams_)) & agent.c.active
    rows = conn.execute(select(agent.c.presence, func.count()).where(mine).group_by(agent.c.presence))
    return {row[0]: row[1] for row in rows}


def _add(conn: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    dialect: Any = sqlite if conn.dialect.name == "sqlite" else postgresql
    new = dialect.insert(table).values(**row).on_conflict_do_nothing().returning(table.c.key)
    return conn.execute(new).first() is not None


def aliases(conn: Connection, names: Collection[str]) -> list[tuple[str, set[str]]]:
    """(key, every name they go by) of active people who might be meant by ``names``."""
    c = agent.c
    inside = [cast(c.external_ids, Text).like(f'%"{name}"%') for name in names if '"' not in name and "%" not in name]
    meant = or_(c.key.in_(names), c.email.in_(names), c.name.in_(names), *inside)
    rows = conn.execute(select(c.key, c.email, c.name, c.external_ids).where(c.active, meant))
    return [(r.key, {r.key, r.email or r.key, r.name, *map(str, r.external_ids.values())}) for r in rows]


def learning(conn: Connection, key: str) -> set[str]:
    """What a person is marked as learning."""
    return set(conn.execute(select(agent.c.learning).where(agent.c.key == key)).scalar() or ())


def references(conn: Connection, key: str) -> list[dict[str, str]]:
    """What names a person: ``noun`` team or agent, its key, the field."""
    rows = conn.execute(select(team.c.key, team.c.leader, team.c.managers).order_by(team.c.key)).all()
    led = [{"noun": "team", "key": row.key, "field": "leader"} for row in rows if row.leader == key]
    managed = [{"noun": "team", "key": row.key, "field": "managers"} for row in rows if key in row.managers]
    stood_in = conn.execute(select(agent.c.key).where(agent.c.stand_in == key, agent.c.active).order_by(agent.c.key))
    return [*led, *managed, *({"noun": "agent", "key": one, "field": "stand_in"} for one in stood_in.scalars())]


def team_keys(conn: Connection) -> list[str]:
    """The keys of every team."""
    return list(conn.execute(select(team.c.key)).scalars())


def active_keys(conn: Connection) -> list[str]:
    """The keys of everybody who is active."""
    return list(conn.execute(select(agent.c.key).where(agent.c.active)).scalars())


def duties(conn: Connection, key: str, since: datetime) -> list[dict[str, Any]]:
    """Duty slots of a person that end after ``since``."""
    rows = conn.execute(select(duty).where(duty.c.agent == key, duty.c.until_at > since).order_by(duty.c.from_at))
    return [dict(row) for row in rows.mappings()]


def drop_duties(conn: Connection, key: str, since: datetime) -> None:
    """Takes a person off the rota from ``since`` on."""
    conn.execute(delete(duty).where(duty.c.agent == key, duty.c.until_at > since))


def add_duties(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Puts slots back that nobody has filled meanwhile."""
    dialect: Any = sqlite if conn.dialect.name == "sqlite" else postgresql
    for row in rows:
        conn.execute(dialect.insert(duty).values(**row).on_conflict_do_nothing())


def known(conn: Connection, keys: Collection[str]) -> set[str]:
    """Those of ``keys`` that are people here."""
    return set(conn.execute(select(agent.c.key).where(agent.c.key.in_(list(keys)))).scalars())
