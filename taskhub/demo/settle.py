"""Puts the people into the database once, and gives everybody who acts a key of their own at each start."""

from __future__ import annotations

from dataclasses import dataclass

from taskhub.access import service as access
from taskhub.agents import service as agents
from taskhub.db.tx import Tx
from taskhub.demo import people
from taskhub.demo.people import Plan

KEY_NAME = "demo"


@dataclass(frozen=True, slots=True)
class Staff:
    """``keys`` of those who act by themselves, by person; ``personas`` what a visitor may use: (role, name, key)."""

    workers: tuple[str, ...]
    reps: tuple[str, ...]
    keys: dict[str, str]
    feed: str
    personas: tuple[tuple[str, str, str], ...]


def settle(tx: Tx, language: str) -> Staff:
    """The people, as they are or newly made, available and with fresh keys."""
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
    return _with_keys(tx, wanted)


def _with_keys(tx: Tx, wanted: Plan) -> Staff:
    keys = {key: _fresh(tx, key, "agent") for key in wanted.workers}
    keys |= {key: _fresh(tx, key, "rep") for key in wanted.reps}
    names = {one["key"]: one["name"] for one in wanted.people}
    personas = [("agent", names[key], keys[key]) for key in wanted.workers[:1]]
    personas += [("rep", names[key], keys[key]) for key in wanted.reps[:1]]
    personas += [("manager", names[key], _fresh(tx, key, "manager")) for key in list(wanted.leaders.values())[:1]]
    personas += [
        (role, "a program" if role == "integration" else "nobody in particular", access.create_key(tx, role, KEY_NAME))
        for role in ("admin", "integration", "auditor")
    ]
    return Staff(wanted.workers, wanted.reps, keys, access.create_key(tx, "integration", "demo feed"), tuple(personas))


def _fresh(tx: Tx, person: str, role: str) -> str:
    """A new key; what an earlier run of the demo gave this person ends."""
    for row in access.keys_of(tx, person):
        if row["name"] == KEY_NAME and row["revoked_at"] is None:
            access.revoke_key(tx, row["id"])
    return access.create_key(tx, role, KEY_NAME, person)
