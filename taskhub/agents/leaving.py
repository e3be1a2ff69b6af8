"""A person leaves: inactive, offline, their plans and keys ended; what points at them is named. And the way back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from taskhub.access import service as access
from taskhub.agents import service, store
from taskhub.agents.model import Absence, Agent
from taskhub.db.tx import Tx
from taskhub.errors import Conflict


def lock(tx: Tx, keys: Iterable[str]) -> None:
    """Locks people in the order of their keys. Raises nothing for who is not there."""
    for key in sorted(set(keys)):
        store.agent_of(tx.conn, key, locked=True)


def present(tx: Tx, key: str) -> Agent:
    """The person, who has not left yet. Raises NotFound or Conflict."""
    found = service.get_agent(tx, key)
    if not found.active:
        raise Conflict(f"{found.name} has left already.", code="already_left", agent=key)
    return found


def references(tx: Tx, key: str) -> list[dict[str, str]]:
    """What names the person: teams they lead or manage, people they stand in for. Somebody must decide about these."""
    return store.references(tx.conn, key)


def duties(tx: Tx, key: str) -> list[dict[str, Any]]:
    """Duty slots of the person that are not over."""
    return store.duties(tx.conn, key, tx.now)


def leave(tx: Tx, person: Agent, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Ends a locked person's days here. Returns what ``come_back`` needs."""
    away = store.absences(tx.conn, person.key, tx.now)
    slots = duties(tx, person.key)
    for one in away:
        store.drop_absence(tx.conn, person.key, one.id)
        tx.cancel("absence.ended", one.id)
    store.drop_duties(tx.conn, person.key, tx.now)
    keys = access.revoke_keys(tx, person.key)
    gone = {"active": False, "presence": "offline", "presence_until": None}
    store.change_agent(tx.conn, person.key, {**gone, "presence_at": tx.now, "version": person.version + 1})
    told = {"absences": len(away), "duties": len(slots), "keys": len(keys)}
    tx.record("agent", person.key, "leave", {"active": False, **told, **facts})
    tx.emit(service.CHANGED, person.key)
    return {"absences": [_plain(one) for one in away], "duties": [_flat(slot) for slot in slots], "keys": keys}


def come_back(tx: Tx, key: str, was: Mapping[str, Any]) -> Agent:
    """Undo: active again, offline, with the plans and keys they had. Raises Conflict when they are back already."""
    person = service.get_agent(tx, key)
    if person.active:
        raise Conflict(f"{person.name} is back already.", code="moved_on", agent=key)
    for one in was["absences"]:
        back = {
            **one,
            "from_at": datetime.fromisoformat(one["from_at"]),
            "until_at": datetime.fromisoformat(one["until_at"]),
        }
        store.add_absence(tx.conn, Absence(**back))
        tx.emit("absence.ended", back["id"], {"agent": key}, due_at=back["until_at"])
    store.add_duties(tx.conn, [_unflat(slot) for slot in was["duties"]])
    access.restore_keys(tx, was["keys"])
    store.change_agent(tx.conn, key, {"active": True, "presence_at": tx.now, "version": person.version + 1})
    tx.record("agent", key, "come_back", {"active": True})
    tx.emit(service.CHANGED, key)
    return service.get_agent(tx, key)


def _plain(one: Absence) -> dict[str, Any]:
    return _flat({name: getattr(one, name) for name in Absence.__slots__})


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


def _unflat(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "from_at": datetime.fromisoformat(row["from_at"]),
        "until_at": datetime.fromisoformat(row["until_at"]),
    }
