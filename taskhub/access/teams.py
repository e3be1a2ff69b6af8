"""Which teams a caller manages: those they lead or manage; a director the whole department of each. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from taskhub.access.roles import DIRECTOR, MANAGER
from taskhub.db.tx import By


class TeamFacts(Protocol):
    """What must be known of a team."""

    @property
    def key(self) -> str: ...
    @property
    def leader(self) -> str | None: ...
    @property
    def managers(self) -> list[str]: ...
    @property
    def department(self) -> str | None: ...


def managed(by: By, teams: Iterable[TeamFacts]) -> frozenset[str]:
    """The keys of the teams whose work and people ``by`` answers for."""
    if MANAGER not in by.roles and DIRECTOR not in by.roles:
        return frozenset()
    known = list(teams)
    if by.agent is None:  # a key of the house, not of a person
        return frozenset(team.key for team in known)
    own = {team.key for team in known if by.agent and (team.leader == by.agent or by.agent in team.managers)}
    if DIRECTOR not in by.roles:
        return frozenset(own)
    departments = {team.department for team in known if team.department and (team.key in own or team.key == by.team)}
    return frozenset(own | {team.key for team in known if team.department in departments})
