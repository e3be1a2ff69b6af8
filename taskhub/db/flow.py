"""What Tx needs to know of the flow: which handlers a topic has, in which mode, under which key. Plain names only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Payload = Mapping[str, Any]
KeyOf = Callable[[str, Mapping[str, Any]], str]


def own_key(key: str, _payload: Payload) -> str:
    """The emitted key itself."""
    return key


def our_own(_payload: Payload) -> str:
    """Of no source: it never waits behind what has one."""
    return ""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of that which rows were about when they fail for good, and when they are tried again after all.

    Each is given the unit of work (``Tx``). ``hold(tx, keys, wait)`` locks it, before any row is locked, as work does;
    without ``wait`` it returns the keys that somebody else has locked. ``died(tx, key, error)``, ``revived(tx, key)``.
    """

    hold: Callable[[Any, Sequence[str], bool], Collection[str]]
    died: Callable[[Any, str, str], None]
    revived: Callable[[Any, str], None]


@dataclass(frozen=True, slots=True)
class Route:
    """One handler of a topic.

    ``mode``: ``each`` one row per emit; ``one`` at most one untaken row per (handler, key); ``outside`` work happens
    between two transactions. ``earliest``: a ``one`` row keeps its sooner due time (wakes) instead of the newer one
    (timers). ``source``: rows of different sources take turns, so that a flood from one keeps no other waiting.
    ``fate``: who has to know of its end when it fails for good.
    """

    handler: str
    mode: str = "each"
    key: KeyOf = own_key
    earliest: bool = False
    source: Callable[[Payload], str] = our_own
    fate: Fate | None = None


Flow = Mapping[str, Sequence[Route]]
