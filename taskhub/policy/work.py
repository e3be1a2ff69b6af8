"""Kinds and queues: what sort of work there is, where it waits, who may ever serve it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from taskhub.policy.text import LocalText

PRIORITIES = ("low", "normal", "high", "urgent")
NORMAL = PRIORITIES.index("normal")


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One thing to do inside a task. ``when`` maps a field path to the value it must have for the item to apply."""

    text: LocalText
    required: bool = False
    when: Mapping[str, Any] = field(default_factory=dict)
    field: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of task. ``weight`` counts as load, ``expected_minutes`` > 0, ``level`` 1..5 is the skill needed.

    ``variety_ceiling``: how many of it one person is given in a day, None = no limit.
    """

    key: str
    name: LocalText
    queue: str
    weight: float = 1.0
    expected_minutes: float = 15.0
    level: int = 1
    requires: Mapping[str, Any] = field(default_factory=dict)
    checklist: tuple[ChecklistItem, ...] = ()
    sla: str | None = None
    skill: str | None = None
    variety_ceiling: int | None = None

    @property
    def skill_key(self) -> str:
        """Name of the skill that is asked for: the kind itself unless the file says otherwise."""
        return self.skill or self.key


@dataclass(frozen=True, slots=True)
class Staffing:
    """Which of a queue's people serve it now: a model and the strategy that picks one of them."""

    model: str
    params: Mapping[str, Any] = field(default_factory=dict)
    strategy: str = "least_loaded"
    strategy_params: Mapping[str, Any] = field(default_factory=dict)


DEFAULT_MAX_WAIT: Mapping[str, timedelta] = {
    "low": timedelta(hours=40),
    "normal": timedelta(hours=16),
    "high": timedelta(hours=4),
    "urgent": timedelta(hours=1),
}


@dataclass(frozen=True, slots=True)
class Queue:
    """Where tasks wait. max_wait and accept_for are business time of ``calendar``, leases are real time."""

    key: str
    name: LocalText
    teams: tuple[str, ...]
    calendar: str
    staffing: Staffing
    mode: str = "pull"  # push | pull
    lease_for: timedelta = timedelta(minutes=15)
    rotation: str | None = None
    order: str = "urgency"
    max_wait: Mapping[str, timedelta] = field(default_factory=lambda: dict(DEFAULT_MAX_WAIT))
    accept_for: timedelta | None = None
    max_misses: int | None = None  # offers in a row not started within accept_for before their person is set away
    pick: str = "reason"  # never | reason | free
    skip_budget: int | None = None
    skip_reasons: Mapping[str, LocalText] = field(default_factory=dict)
    on_idle: str = "hold"  # hold | return
    hold_for: timedelta = timedelta(hours=4)
    cool_down: timedelta = timedelta(hours=1)
    front_line: bool = False
    paused_counts: bool = False
    closed: bool = False
    paused: bool = False

    @property
    def turn_key(self) -> str:
        """The rotation whose turn is kept; several queues may share one."""
        return self.rotation or self.key
