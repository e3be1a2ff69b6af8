"""What a reading has found so far: problems, warnings, names that exist and names that must exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from taskhub.errors import Problem
from taskhub.policy.reading.nearest import nearest

# Comparing names is slow: who has more wrong ones than this has another problem.
MOST_HINTS = 50


class Place(NamedTuple):
    """Where something stands: file, line from 1, dotted key as people read it."""

    file: str
    line: int
    key: str


class Reference(NamedTuple):
    """``name`` is used at ``place`` and must be a ``noun`` that some file declares.

    ``open_world``: where no file declares any such noun, every name will do.
    """

    place: Place
    noun: str
    name: str
    open_world: bool = False


@dataclass
class Findings:
    """Collects over all files.

    ``shaky`` holds nouns whose declarations could not all be read: nothing is concluded from a missing name.
    ``paths`` are the fields that conditions look at.
    """

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    names: dict[str, dict[str, Place]] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)
    shaky: set[str] = field(default_factory=set)
    paths: list[tuple[Place, str]] = field(default_factory=list)

    def problem(self, place: Place, message: str, suggestion: str | None = None) -> None:
        """Notes something that must be put right."""
        self.problems.append(Problem(*place, message, suggestion))

    def warn(self, place: Place, message: str, suggestion: str | None = None) -> None:
        """Notes something that is allowed and looks wrong."""
        self.warnings.append(Problem(*place, message, suggestion))

    def declare(self, noun: str, name: str, place: Place) -> None:
        """Notes that ``name`` exists. The same name may be declared again where that is allowed."""
        self.names.setdefault(noun, {}).setdefault(name, place)

    def declared(self, noun: str, name: str) -> Place | None:
        """Where ``name`` was declared first."""
        return self.names.get(noun, {}).get(name)

    def refer(self, noun: str, name: str, place: Place, *, open_world: bool = False) -> None:
        """Notes a use of ``name``, looked at when every file has been read."""
        self.references.append(Reference(place, noun, name, open_world))

    def settle(self) -> None:
        """Turns every reference to a name that nothing declares into a problem."""
        wrong = [one for one in self.references if not self._fits(one)]
        for number, (place, noun, name, _) in enumerate(wrong):
            known = self.names.get(noun, {})
            hint = nearest(name, known) if number < MOST_HINTS else None
            self.problem(place, f"there is no {noun} {name!r}; {_listed(noun, known)}.", hint)

    def _fits(self, reference: Reference) -> bool:
        known = self.names.get(reference.noun, {})
        any_will_do = reference.noun in self.shaky or (reference.open_world and not known)
        return any_will_do or reference.name in known


def _listed(noun: str, known: Mapping[str, Place]) -> str:
    shown = ", ".join(islice(known, 12)) + (" …" if len(known) > 12 else "")
    return f"use one of: {shown}" if known else f"declare a {noun} first"
