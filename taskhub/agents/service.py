"""Teams and people: made, changed, present or away. Every change that could help or hurt assignment wakes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from taskhub.agents import fields, store
from taskhub.agents.availability import OUT, PRESENCES
from taskhub.agents.capacity import RAMP_AFTER
from taskhub.agents.model import Absence, Agent, Team
from taskhub.db.tx import Tx
from taskhub.errors import Conflict, InvalidInput, NotFound, VersionClash
from taskhub.ids import new_id
from taskhub.policy.reading.nearest import nearest

CHANGED = "agent.changed"
T = TypeVar("T")


def create_team(tx: Tx, raw: Mapping[str, Any]) -> Team:
    """A new team. Raises InvalidInput, or Conflict when the key is taken."""
    row = {**fields.TEAM_DEFAULTS, **fields.read(fields.TEAM_FIELDS, raw, required=("key", "name", "kind"))}
    _check_leaders(tx, row)
    _refuse_taken("team", row["key"], added=store.add_team(tx.conn, row))
    tx.record("team", row["key"], "create", row)
    return get_team(tx, row["key"])


def patch_team(tx: Tx, key: str, raw: Mapping[str, Any], version: int | None = None) -> Team:
    """Changes a team; its key stays."""
    changes = fields.read(_without_key(fields.TEAM_FIELDS), raw)
    before = _found("team", key, store.team_of(tx.conn, key, locked=True))
    _check_version(before, version)
    _check_leaders(tx, changes)
    moved = _moved(before, changes)
    if moved:
        store.change_team(tx.conn, key, {**moved, "version": before.version + 1})
        tx.record("team", key, "patch", moved)
    return get_team(tx, key)


def get_team(tx: Tx, key: str) -> Team:
    """One team. Raises NotFound."""
    return _found("team", key, store.team_of(tx.conn, key))


def list_teams(tx: Tx, after: str = "", limit: int = 50) -> list[Team]:
    """Teams by key."""
    return store.teams(tx.conn, after, limit)


def teams_of(tx: Tx, department: str) -> list[str]:
    """Keys of the teams of a department. Raises NotFound, with the nearest one there is."""
    teams = list_teams(tx, limit=10_000)
    found = [one.key for one in teams if one.department == department]
    if not found:
        near = nearest(department, {one.department for one in teams if one.department})
        raise NotFound(f"There is no department {department[:64]!r}" + (f"; did you mean {near}?" if near else "."))
    return found


def create_agent(tx: Tx, raw: Mapping[str, Any]) -> Agent:
    """A new person, offline at first. Raises InvalidInput, or Conflict when the key is taken."""
    row = {**fields.AGENT_DEFAULTS, **fields.read(fields.AGENT_FIELDS, raw, required=("key", "name", "team"))}
    _check_people(tx, row["key"], row)
    born = {"presence": "offline", "presence_at": tx.now}
    _refuse_taken("agent", row["key"], added=store.add_agent(tx.conn, {**row, **born}))
    tx.record("agent", row["key"], "create", row)
    tx.emit(CHANGED, row["key"])
    return get_agent(tx, row["key"])


def patch_agent(tx: Tx, key: str, raw: Mapping[str, Any], version: int | None = None) -> Agent:
    """Changes a person; their key stays."""
    changes = fields.read(_without_key(fields.AGENT_FIELDS), raw)
    before = _found("agent", key, store.agent_of(tx.conn, key, locked=True))
    _check_version(before, version)
    _check_people(tx, key, changes)
    moved = _moved(before, changes)
    if moved:
        store.change_agent(tx.conn, key, {**moved, "version": before.version + 1})
        tx.record("agent", key, "patch", moved)
        tx.emit(CHANGED, key)
    return get_agent(tx, key)


def get_agent(tx: Tx, key: str) -> Agent:
    """One person. Raises NotFound."""
    return _found("agent", key, store.agent_of(tx.conn, key))


def list_agents(
    tx: Tx, after: str = "", limit: int = 50, *,
    in_teams: Sequence[str] | None = None, me: str | None = None, only: str | None = None,
) -> list[Agent]:  # fmt: skip
    """People by key: those of ``in_teams`` (None = everybody) and ``me``; ``only`` narrows to one team."""
    return store.agents(tx.conn, after, limit, in_teams=in_teams, me=me, only=only)


def set_presence(tx: Tx, key: str, status: str, until: datetime | None = None) -> Agent:
    """Says that a person is available, busy, away or offline, from now on or ``until`` then. Moves no work."""
    said = fields.read({"status": fields.presence}, {"status": status})["status"]
    if until is not None:
        fields.span(tx.now, until)
    before = _found("agent", key, store.agent_of(tx.conn, key, locked=True))
    moved = _moved(before, {"presence": said, "presence_until": until})
    if moved:
        if said not in OUT:
            came_back(tx, before)
        store.change_agent(tx.conn, key, {**moved, "presence_at": tx.now})
        tx.record("agent", key, "presence", {"presence": said, "until": until.isoformat() if until else None})
        tx.emit(CHANGED, key)
    if until is not None:
        tx.emit("absence.ended", f"presence:{key}", {"agent": key}, due_at=until)
    return get_agent(tx, key)


def missed(tx: Tx, key: str) -> int:
    """An offer was not started in time; how many in a row that makes."""
    misses = store.count_miss(tx.conn, key)
    if misses:
        tx.record("agent", key, "missed", {"misses": misses})
    return misses


def accepted(tx: Tx, key: str) -> None:
    """An offer was started: the row of misses is broken."""
    store.clear_misses(tx.conn, key)


def came_back(tx: Tx, before: Agent) -> None:
    """Who had said "I am out until then" and is back: a long time away is kept as an absence, so that they ramp up."""
    since, until = before.presence_at, before.presence_until
    if before.presence not in OUT or since is None or until is None:
        return
    end = min(until, tx.now)
    if end - since >= RAMP_AFTER:
        store.add_absence(tx.conn, Absence(new_id(), before.key, since, end, None))


def add_absence(
    tx: Tx, key: str, begin: datetime, end: datetime, reason: str | None = None, ramp_for: timedelta | None = None
) -> Absence:
    """Plans a time away. Raises InvalidInput unless it ends after it begins, and after now."""
    fields.span(begin, end)
    fields.span(tx.now, end)
    _found("agent", key, store.agent_of(tx.conn, key, locked=True))
    ramp_s = None if ramp_for is None else ramp_for.total_seconds()
    new = Absence(new_id(), key, begin, end, reason, ramp_s)
    store.add_absence(tx.conn, new)
    tx.record("agent", key, "absence", {"id": new.id, "from": begin.isoformat(), "until": end.isoformat()})
    tx.emit(CHANGED, key)
    tx.emit("absence.ended", new.id, {"agent": key}, due_at=end)
    return new


def cancel_absence(tx: Tx, key: str, absence_id: str) -> None:
    """Takes a planned absence back."""
    _found("agent", key, store.agent_of(tx.conn, key, locked=True))
    if not store.drop_absence(tx.conn, key, absence_id):
        raise NotFound(f"{key} has no absence {absence_id}.")
    tx.record("agent", key, "absence_cancelled", {"id": absence_id})
    tx.cancel("absence.ended", absence_id)
    tx.emit(CHANGED, key)


def absences(tx: Tx, key: str) -> list[Absence]:
    """Absences of one person that are not over."""
    _found("agent", key, store.agent_of(tx.conn, key))
    return store.absences(tx.conn, key, tx.now)


def headcount(tx: Tx, teams: Sequence[str]) -> dict[str, int]:
    """How many active people of ``teams`` are in each presence."""
    counted = store.headcount(tx.conn, teams)
    return {presence: counted.get(presence, 0) for presence in PRESENCES}


def _found(noun: str, key: str, row: T | None) -> T:
    if row is None:
        raise NotFound(f"There is no {noun} {key[:64]!r}.")
    return row


def _refuse_taken(noun: str, key: str, *, added: bool) -> None:
    if not added:
        raise Conflict(f"There is already a {noun} {key!r}. Change it with PATCH.", code="already_exists", key=key)


def _check_version(before: Team | Agent, version: int | None) -> None:
    if version is not None and version != before.version:
        raise VersionClash(
            f"{before.key} has changed: it is at version {before.version}, you sent {version}. Read it again.",
            version=before.version,
        )


def _check_people(tx: Tx, key: str, row: Mapping[str, Any]) -> None:
    team = row.get("team")
    if team is not None and store.team_of(tx.conn, team) is None:
        raise fields.invalid([("team", f"{team!r} is unknown; create the team first")])
    unknown = [queue for queue in row.get("queue_caps") or () if queue not in tx.policies.queues]
    if unknown:
        near = nearest(unknown[0], tx.policies.queues)
        hint = f"; did you mean {near}?" if near else f"; queues: {', '.join(sorted(tx.policies.queues))}"
        raise fields.invalid([(f"queue_caps.{unknown[0]}", f"is no queue{hint}")])
    if row.get("stand_in") == key:
        raise InvalidInput(
            "Nobody stands in for themselves.", errors=[{"path": "stand_in", "message": "is the person"}]
        )
    _check_known(tx, {"stand_in": [row["stand_in"]] if row.get("stand_in") else []})


def _check_leaders(tx: Tx, row: Mapping[str, Any]) -> None:
    managers = {f"managers[{n}]": [key] for n, key in enumerate(row.get("managers") or [])}
    _check_known(tx, {"leader": [row["leader"]] if row.get("leader") else [], **managers})


def _check_known(tx: Tx, named: Mapping[str, Sequence[str]]) -> None:
    wanted = {key for keys in named.values() for key in keys}
    unknown = wanted - store.known(tx.conn, wanted) if wanted else set()
    if unknown:
        wrong = [
            (path, f"there is nobody called {key!r}") for path, keys in named.items() for key in keys if key in unknown
        ]
        raise fields.invalid(wrong)


def _without_key(table: Mapping[str, fields.Check]) -> dict[str, fields.Check]:
    return {field: check for field, check in table.items() if field != "key"}


def _moved(before: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in changes.items() if getattr(before, field) != value}
