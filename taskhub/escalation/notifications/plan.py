"""Which notices of an addressee leave now, in how many messages, and when to look again. Pure.

Two lanes. ``at_once``: each is a message of its own, but no more than ``bundle`` in any ``bundle_within``; what comes
beyond that waits and leaves as one. ``digest``: the first leaves at once and opens a window of ``digest_every``; all
that comes meanwhile leaves as one message when it ends. Quiet hours hold everything but what is urgent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from taskhub.escalation.notifications.model import AT_ONCE, DIGEST, LIST, URGENT


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice not yet placed."""

    id: str
    severity: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that left."""

    at: datetime
    lane: str


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How an addressee is told. ``quiet_until``: None outside quiet hours."""

    ways: Mapping[str, str]
    digest_every: timedelta
    bundle: int
    bundle_within: timedelta
    quiet_until: datetime | None = None

    @property
    def memory(self) -> timedelta:
        """How far back messages matter."""
        return max(self.digest_every, self.bundle_within)


@dataclass(frozen=True, slots=True)
class Plan:
    """``letters``: (lane, ids of its notices); ``listed``: stand in the list alone; ``look_at`` None: nothing waits."""

    letters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    listed: tuple[str, ...] = ()
    look_at: datetime | None = None


def plan(waiting: Sequence[Waiting], sent: Sequence[Sent], rhythm: Rhythm, now: datetime) -> Plan:
    """What is to be done with everything that waits, oldest first."""
    listed = tuple(one.id for one in waiting if rhythm.ways[one.severity] == LIST)
    held = [one for one in waiting if _held(one, rhythm)]
    free = [one for one in waiting if one not in held and one.id not in listed]
    letters: list[tuple[str, tuple[str, ...]]] = []
    looks = [rhythm.quiet_until] if held and rhythm.quiet_until else []
    for lane, gate in ((AT_ONCE, _burst_ends), (DIGEST, _window_ends)):
        ids = tuple(one.id for one in free if rhythm.ways[one.severity] == lane)
        opens = gate(sent, rhythm, now)
        if ids and opens is not None:
            looks.append(opens)
        elif ids:
            letters += _letters(lane, ids, _room(sent, rhythm, now))
    return Plan(tuple(letters), listed, min(looks, default=None))


def _held(one: Waiting, rhythm: Rhythm) -> bool:
    return rhythm.quiet_until is not None and one.severity != URGENT and rhythm.ways[one.severity] != LIST


def _letters(lane: str, ids: tuple[str, ...], room: int) -> list[tuple[str, tuple[str, ...]]]:
    alone = lane == AT_ONCE and len(ids) <= room
    return [(lane, (id_,)) for id_ in ids] if alone else [(lane, ids)]


def _recent(sent: Sequence[Sent], rhythm: Rhythm, now: datetime) -> list[datetime]:
    return sorted(one.at for one in sent if one.lane == AT_ONCE and one.at > now - rhythm.bundle_within)


def _room(sent: Sequence[Sent], rhythm: Rhythm, now: datetime) -> int:
    return rhythm.bundle - len(_recent(sent, rhythm, now))


def _burst_ends(sent: Sequence[Sent], rhythm: Rhythm, now: datetime) -> datetime | None:
    """When there is room for one more message; None: there is now."""
    recent = _recent(sent, rhythm, now)
    return recent[-rhythm.bundle] + rhythm.bundle_within if len(recent) >= rhythm.bundle else None


def _window_ends(sent: Sequence[Sent], rhythm: Rhythm, now: datetime) -> datetime | None:
    """When the window of the last digest ends; None: it has ended."""
    last = max((one.at for one in sent if one.lane == DIGEST), default=None)
    return last + rhythm.digest_every if last is not None and last + rhythm.digest_every > now else None
