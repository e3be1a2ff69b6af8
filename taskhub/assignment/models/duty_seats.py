"""Seats of one duty slice filled: as many as can be, by the people who stand first. Pure.

A matching by augmenting paths: a seat that nobody free can take may move somebody to another seat, so a kind that only
one person can do is covered whatever the order; people who have a seat never lose it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

Able = tuple[str, frozenset[str]]


class Seat(NamedTuple):
    """One of the places of a kind."""

    kind: str
    place: int


def seated(seats: Sequence[Seat], row: Sequence[Able], most: int) -> dict[Seat, str]:
    """Seat -> person. ``row``: people with what they can do, who should go first in front; ``most`` kinds a person.

    >>> seated([Seat("a", 0), Seat("b", 0)], [("x", frozenset("ab")), ("y", frozenset("a"))], 1) == {
    ...     Seat("a", 0): "y", Seat("b", 0): "x"}
    True
    """
    table = _Table(row, most)
    scarce = sorted(seats, key=lambda seat: (seat.place, sum(seat.kind in kinds for _, kinds in row)))
    for seat in scarce:
        table.fill(seat, set())
    return table.held


class _Table:
    """Who sits where while seats are filled one after the other."""

    def __init__(self, row: Sequence[Able], most: int) -> None:
        self.held: dict[Seat, str] = {}
        self._row = row
        self._most = most
        self._seats: dict[str, list[Seat]] = {}

    def fill(self, seat: Seat, tried: set[str]) -> bool:
        """Find somebody for this seat: first who has a seat and room for one more, then the row, then by moving."""
        able = [agent for agent, kinds in self._row if seat.kind in kinds and not self._has(agent, seat.kind)]
        for agent in [*filter(self._seats.get, able), *able]:
            if len(self._seats.get(agent, ())) < self._most:
                self._sit(seat, agent)
                return True
        for agent in able:
            if agent not in tried:
                tried.add(agent)
                if self._moved(agent, seat, tried):
                    return True
        return False

    def _moved(self, agent: str, seat: Seat, tried: set[str]) -> bool:
        """Whether one of this person's seats found somebody else, so that they can take ``seat``."""
        for own in list(self._seats.get(agent, ())):
            self._seats[agent].remove(own)
            del self.held[own]
            self._sit(seat, agent)
            if self.fill(own, tried):
                return True
            self._seats[agent].remove(seat)
            del self.held[seat]
            self._sit(own, agent)
        return False

    def _has(self, agent: str, kind: str) -> bool:
        return any(seat.kind == kind for seat in self._seats.get(agent, ()))

    def _sit(self, seat: Seat, agent: str) -> None:
        self.held[seat] = agent
        self._seats.setdefault(agent, []).append(seat)
