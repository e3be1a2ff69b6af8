"""Teams and people as they are stored. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Team:
    """A team; ``leader`` and ``managers`` are agent keys."""

    key: str
    name: str
    kind: str
    leader: str | None
    managers: list[str]
    department: str | None
    version: int


@dataclass(frozen=True, slots=True)
class Agent:
    """A person. ``skills`` maps a kind to a level 1..5; ``shifts`` a weekday to openings, None = always on.

    ``capacity`` counts tasks, ``capacity_minutes`` expected minutes (None = no such limit), ``queue_caps`` the most
    held per queue. Every task of the kinds they are ``learning`` is looked at again.
    """

    key: str
    name: str
    email: str | None
    team: str
    roles: list[str]
    skills: Mapping[str, int]
    attributes: Mapping[str, Any]
    capacity: float
    time_zone: str
    shifts: Mapping[str, list[str]] | None
    language: str
    stand_in: str | None
    external_ids: Mapping[str, str]
    hours_per_week: float | None
    cost_per_hour: float | None
    capacity_minutes: float | None
    queue_caps: Mapping[str, int] | None
    learning: list[str] | None
    active: bool
    presence: str
    presence_until: datetime | None
    presence_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class Absence:
    """A planned time away: from ``from_at`` up to, not including, ``until_at``.

    ``ramp_for_s``: for so many seconds after the return only a part of the capacity is used; None = as the house does.
    """

    id: str
    agent: str
    from_at: datetime
    until_at: datetime
    reason: str | None
    ramp_for_s: float | None = None
