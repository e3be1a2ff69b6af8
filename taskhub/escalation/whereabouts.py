"""Who will be where: people with their shifts, absences and presence, as they stand at any instant to come. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from taskhub.agents.availability import Absences, Weekly, absent, on_shift, present
from taskhub.escalation.addressing import Concern, Directory, Person


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a person. ``absences`` are (from, until or None)."""

    key: str
    name: str
    email: str | None
    language: str
    time_zone: str
    team: str
    stand_in: str | None
    roles: tuple[str, ...]
    active: bool
    presence: str
    presence_until: datetime | None
    shifts: Weekly
    absences: Absences = ()

    def at(self, instant: datetime) -> Person:
        """The person as they stand then."""
        away = present(self.presence, self.presence_until, instant) == "away"
        return Person(
            self.key, self.name, self.email, self.language, self.time_zone, self.team, self.stand_in, self.roles,
            self.active, absent=absent(self.absences, instant) or away,
            on_shift=on_shift(self.time_zone, self.shifts, instant),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class House:
    """People and teams some tasks may concern."""

    people: Mapping[str, Known] = field(default_factory=dict)
    leaders: Mapping[str, str | None] = field(default_factory=dict)
    managers: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def at(self, instant: datetime) -> Directory:
        """Everybody as they stand then."""
        there = {key: person.at(instant) for key, person in self.people.items()}
        return Directory(there, self.leaders, self.managers)

    def concern(self, holder: str | None, queue_teams: Sequence[str], extra: Sequence[str]) -> Concern:
        """Whose task it is: its holder's team answers for it, or those that may take it while nobody has it."""
        person = self.people.get(holder or "")
        return Concern(holder, (person.team,) if person is not None else (*queue_teams, *extra))
