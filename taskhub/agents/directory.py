"""Who is meant: CRM user ids, addresses and names to agent keys; teams named in the policy files come into being."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from taskhub.agents import store
from taskhub.db.tx import Tx


def keys_of(tx: Tx, names: Collection[str]) -> dict[str, str]:
    """Name as a sender writes it -> agent key, for those that mean exactly one person."""
    if not names:
        return {}
    meant: dict[str, set[str]] = {name: set() for name in names}
    for key, aliases in store.aliases(tx.conn, names):
        for name in aliases & meant.keys():
            meant[name].add(key)
    return {name: next(iter(keys)) for name, keys in meant.items() if len(keys) == 1}


def is_learning(tx: Tx, key: str | None, names: Collection[str]) -> bool:
    """Whether the person is marked as learning one of ``names``: a kind, or the skill it asks for."""
    return key is not None and not store.learning(tx.conn, key).isdisjoint(names)


def keys(tx: Tx) -> tuple[frozenset[str], frozenset[str]]:
    """The keys of every team, and of everybody who is active."""
    return frozenset(store.team_keys(tx.conn)), frozenset(store.active_keys(tx.conn))


def found_teams(tx: Tx, kinds: Mapping[str, str]) -> list[str]:
    """Makes the teams that are missing (key -> kind). Returns their keys; an empty team is a warning, not an error."""
    made = [key for key in sorted(kinds) if store.add_team(tx.conn, _row(key, kinds[key]))]
    for key in made:
        tx.record("team", key, "create", {"kind": kinds[key], "by": "policies"})
    return made


def _row(key: str, kind: str) -> dict[str, object]:
    name = " ".join(word.capitalize() for word in key.replace("_", "-").split("-"))
    return {"key": key, "name": name, "kind": kind, "leader": None, "managers": [], "department": None}
