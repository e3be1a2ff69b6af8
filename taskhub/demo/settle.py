"""Puts the people into the database once, and gives everybody who acts a key of their own at each start.

Who looks around keeps the key they have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from taskhub.access import service as access
from taskhub.agents import service as agents
from taskhub.db.tx import Tx
from taskhub.demo import people
from taskhub.demo.people import Plan

KEY_NAME = "demo"

Kept = Mapping[str, tuple[str | None, str]]


@dataclass(frozen=True, slots=True)
class Staff:
    """``keys`` of those who act by themselves, by person; ``personas`` what a visitor may use: (role, name, key)."""

    workers: tuple[str, ...]
    reps: tuple[str, ...]
    keys: dict[str, str]
    feed: str
    personas: tuple[tuple[str, str, str], ...]


def settle(tx: Tx, language: str, kept: Kept) -> Staff:
    """The people, as they are or newly made, available and with fresh keys.

    ``kept`` are keys of visitors from earlier starts, by role: person and key.
    """
    known = {one.key for one in agents.list_agents(tx, limit=1000)}
    if people.SALES_TEAM not in {one.key for one in agents.list_teams(tx, limit=200)}:
        agents.create_team(tx, {"key": people.SALES_TEAM, "name": "Sales", "kind": "front_line"})
    wanted = people.plan(tx.policies, {one.key: one.kind for one in agents.list_teams(tx, limit=200)}, language)
    for one in wanted.people:
        if one["key"] not in known:
            agents.create_agent(tx, one)
            agents.set_presence(tx, one["key"], "available")
    if not known:
        for team, leader in wanted.leaders.items():
            agents.patch_team(tx, team, {"leader": leader, "managers": [leader]})
    return _with_keys(tx, wanted, kept)


def _with_keys(tx: Tx, wanted: Plan, kept: Kept) -> Staff:
    names = {one["key"]: one["name"] for one in wanted.people}
    firsts = (wanted.workers, "agent"), (wanted.reps, "rep"), (tuple(wanted.leaders.values()), "manager")
    shown = [(role, some[0], _kept(tx, role, some[0], kept)) for some, role in firsts if some]
    keys = {who: key for role, who, key in shown if role != "manager"}
    keys |= {who: _fresh(tx, who, "agent") for who in wanted.workers if who not in keys}
    keys |= {who: _fresh(tx, who, "rep") for who in wanted.reps if who not in keys}
    personas = [(role, names[who], key) for role, who, key in shown]
    personas += [
        (role, "a program" if role == "integration" else "nobody in particular", _kept(tx, role, None, kept))
        for role in ("admin", "integration", "auditor")
    ]
    return Staff(wanted.workers, wanted.reps, keys, access.create_key(tx, "integration", "demo feed"), tuple(personas))


def _kept(tx: Tx, role: str, person: str | None, kept: Kept) -> str:
    """The key a visitor has had for this, or a new one."""
    had, key = kept.get(role, (None, ""))
    if key and had == person:
        return key
    return access.create_key(tx, role, KEY_NAME) if person is None else _fresh(tx, person, role)


def _fresh(tx: Tx, person: str, role: str) -> str:
    """A new key; what an earlier run of the demo gave this person ends."""
    for row in access.keys_of(tx, person):
        if row["name"] == KEY_NAME and row["revoked_at"] is None:
            access.revoke_key(tx, row["id"])
    return access.create_key(tx, role, KEY_NAME, person)
