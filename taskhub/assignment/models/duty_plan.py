"""The duty rota planned ahead: who is on duty for which kinds, slice by slice. Pure.

Every kind of the queue is covered as far as people can; those with the fewest duties behind them go first, so that
equals who are always there differ by one at most; nobody has the same kind twice running if a swap avoids it. Who is
away for a slice is credited with an equal part of its duties: absence makes no debt. Who has no count yet starts at
the mean. The result does not depend on the order of the input, and a tie is settled by a lot, never by id or age.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from hashlib import blake2b
from itertools import combinations, permutations

from taskhub.agents.availability import Absences
from taskhub.assignment.model import PoolState
from taskhub.assignment.models.duty_seats import Seat, seated

Span = tuple[datetime, datetime]

# Beyond that many seats a slice, only pairs of people change: all rings of three would cost too much.
MOST_IN_THREES = 12


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may be on duty: for which kinds, when not, and how many duties lie behind them (None: new)."""

    key: str
    kinds: frozenset[str]
    absences: Absences = ()
    duties: int | None = None


@dataclass(frozen=True, slots=True)
class Duty:
    """One person on duty for some kinds during one slice."""

    agent: str
    from_at: datetime
    until_at: datetime
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rota:
    """The plan. ``uncovered``: slice and kind for which nobody could be found."""

    duties: tuple[Duty, ...]
    uncovered: tuple[tuple[Span, str], ...] = ()


@dataclass
class _Book:
    """What the plan has given everybody so far."""

    duties: dict[str, Fraction]
    by_kind: dict[tuple[str, str], int] = field(default_factory=dict)
    last: dict[str, tuple[str, ...]] = field(default_factory=dict)


def plan(
    people: Iterable[Person],
    slices: Sequence[Span],
    kinds: Iterable[str],
    *,
    kinds_per_slice: int = 1,
    people_per_kind: int = 1,
    last: Mapping[str, tuple[str, ...]] | None = None,
) -> Rota:
    """Plan the slices in their order. ``last``: what people were on duty for just before the first one.

    >>> from datetime import UTC, timedelta
    >>> days = [datetime(2026, 11, day, tzinfo=UTC) for day in (23, 24, 25)]
    >>> team = [Person("ann", frozenset({"offer"})), Person("bob", frozenset({"offer", "contract"}))]
    >>> rota = plan(team, [(day, day + timedelta(days=1)) for day in days], ["offer", "contract"])
    >>> sorted({(duty.agent, *duty.kinds) for duty in rota.duties}), len(rota.duties), rota.uncovered
    ([('ann', 'offer'), ('bob', 'contract')], 6, ())
    """
    team = sorted(people, key=lambda person: _lot(person.key))
    book = _Book(_starting(team), last=dict(last or {}))
    seats = [Seat(kind, place) for kind in sorted(set(kinds), key=_lot) for place in range(people_per_kind)]
    duties: list[Duty] = []
    uncovered: list[tuple[Span, str]] = []
    for span in slices:
        there = [person for person in team if not _away(person, span)]
        row = sorted(there, key=lambda person: book.duties[person.key])
        held = seated(seats, [(person.key, person.kinds) for person in row], kinds_per_slice)
        _rotate(held, {person.key: person.kinds for person in there}, book)
        duties += _written(held, span, book)
        uncovered += [(span, kind) for kind in dict.fromkeys(seat.kind for seat in seats if seat not in held)]
        _credit(team, there, len(set(held.values())), book)
    return Rota(tuple(duties), tuple(uncovered))


def on_duty(duties: Iterable[Duty], now: datetime, version: int = 0) -> PoolState:
    """The pool at one instant."""
    now_there = [duty for duty in duties if duty.from_at <= now < duty.until_at]
    kinds: dict[str, tuple[str, ...]] = {}
    for duty in now_there:
        kinds[duty.agent] = tuple(sorted({*kinds.get(duty.agent, ()), *duty.kinds}))
    return PoolState(version, open=True, members=frozenset(kinds), kinds=kinds)


def _starting(team: Sequence[Person]) -> dict[str, Fraction]:
    known = [person.duties for person in team if person.duties is not None]
    mean = Fraction(sum(known), len(known)) if known else Fraction(0)
    return {person.key: mean if person.duties is None else Fraction(person.duties) for person in team}


def _away(person: Person, span: Span) -> bool:
    begin, end = span
    return any(since < end and (until is None or until > begin) for since, until in person.absences)


def _rotate(held: dict[Seat, str], able: Mapping[str, frozenset[str]], book: _Book) -> None:
    """Let two or three of the people chosen change seats while that makes repeats, then uneven kinds, fewer."""
    seats = sorted(held, key=lambda seat: (_lot(seat.kind), seat.place))
    rings = [*combinations(seats, 2), *(permutations(seats, 3) if len(seats) <= MOST_IN_THREES else ())]
    better = True
    while better:
        better = False
        for ring in rings:
            moved = {seat: held[ring[place - 1]] for place, seat in enumerate(ring)}
            now = {seat: held[seat] for seat in ring}
            if _sound({**held, **moved}, able) and _strain(moved, book) < _strain(now, book):
                held.update(moved)
                better = True


def _sound(held: Mapping[Seat, str], able: Mapping[str, frozenset[str]]) -> bool:
    """Everybody can do their kinds, and has each of them once."""
    pairs = {(agent, seat.kind) for seat, agent in held.items()}
    return len(pairs) == len(held) and all(kind in able[agent] for agent, kind in pairs)


def _strain(held: Mapping[Seat, str], book: _Book) -> tuple[int, int]:
    """How little variety this is: the same kind as last time, then how often they had it before."""
    repeats = sum(seat.kind in book.last.get(agent, ()) for seat, agent in held.items())
    return repeats, sum(book.by_kind.get((agent, seat.kind), 0) for seat, agent in held.items())


def _written(held: Mapping[Seat, str], span: Span, book: _Book) -> list[Duty]:
    kinds: dict[str, list[str]] = {}
    for seat, agent in held.items():
        kinds.setdefault(agent, []).append(seat.kind)
        book.by_kind[agent, seat.kind] = book.by_kind.get((agent, seat.kind), 0) + 1
    for agent, named in kinds.items():
        book.duties[agent] += 1
        book.last[agent] = tuple(sorted(named))
    return [Duty(agent, *span, book.last[agent]) for agent in sorted(kinds)]


def _credit(team: Sequence[Person], there: Sequence[Person], on: int, book: _Book) -> None:
    present = {person.key for person in there}
    for person in team:
        if there and person.key not in present:
            book.duties[person.key] += Fraction(on, len(there))


def _lot(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=8).digest()
