"""Roles and what a key may act as. Pure."""

from __future__ import annotations

from collections.abc import Iterable

AGENT, REP, MANAGER, DIRECTOR, ADMIN, INTEGRATION, AUDITOR = (
    "agent", "rep", "manager", "director", "admin", "integration", "auditor",
)  # fmt: skip
ROLES = (AGENT, REP, MANAGER, DIRECTOR, ADMIN, INTEGRATION, AUDITOR)
PERSONAL = frozenset({AGENT, REP})  # meaningless without a person
_HEIGHT = {AGENT: 0, REP: 0, MANAGER: 1, DIRECTOR: 2, ADMIN: 3}


def acting_roles(key_role: str, agent_roles: Iterable[str] | None) -> tuple[str, ...]:
    """The roles a key acts with: never more than the key was made for, never more than its person has now.

    ``agent_roles`` is None for a key without a person.

    >>> acting_roles("manager", ["agent", "manager", "admin"]), acting_roles("manager", ["agent"])
    (('agent', 'manager'), ('agent',))
    """
    if agent_roles is None:
        return (key_role,)
    return tuple(role for role in agent_roles if role == key_role or _below(role, key_role))


def _below(role: str, key_role: str) -> bool:
    return role in _HEIGHT and key_role in _HEIGHT and _HEIGHT[role] <= _HEIGHT[key_role]
