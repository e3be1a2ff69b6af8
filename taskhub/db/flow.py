"""What Tx needs to know of the flow: which handlers a topic has, in which mode, under which key. Plain names only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

KeyOf = Callable[[str, Mapping[str, Any]], str]


def own_key(key: str, _payload: Mapping[str, Any]) -> str:
    """The emitted key itself."""
    return key


@dataclass(frozen=True, slots=True)
class Route:
    """One handler of a topic.

    ``mode``: ``each`` one row per emit; ``one`` at most one untaken row per (handler, key); ``outside`` work happens
    between two transactions. ``earliest``: a ``one`` row keeps its sooner due time (wakes) instead of the newer one
    (timers).
    """

    handler: str
    mode: str = "each"
    key: KeyOf = own_key
    earliest: bool = False


Flow = Mapping[str, Sequence[Route]]
