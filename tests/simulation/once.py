"""What clients were told under which Idempotency-Key, and what they must be told again."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.simulation.desk import Answer, Call
from tests.simulation.ledger_watch import Wrong

KEPT_FOR = timedelta(hours=24)
Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """The first accepted call of a key, its reply, and when."""

    call: Call
    body: bytes
    at: datetime


@dataclass
class Once:
    """Every reply that must be kept."""

    kept: dict[Place, Kept] = field(default_factory=dict)

    def some(self, chance: random.Random, most: int = 12) -> Kept | None:
        """One of the latest."""
        latest = list(self.kept.values())[-most:]
        return chance.choice(latest) if latest else None

    def told(self, call: Call, answer: Answer, now: datetime, *, wrote: bool) -> None:
        """Judges one answer. ``wrote``: the call left something in history. Raises Wrong."""
        if call.key is None:
            return
        place = call.who, call.name, call.key
        first = self.kept.get(place)
        if first is not None and now - first.at < KEPT_FOR:
            self._again(first, call, answer, wrote=wrote)
        elif answer.replayed:
            raise Wrong(f"once: {place} was answered as before, but there is no first time")
        elif answer.code is None and answer.json.get("task", "") is not None:
            self.kept[place] = Kept(call, answer.body, now)

    def unheard(self, call: Call, kept: bytes | None, now: datetime, *, wrote: bool) -> None:
        """The server died under this call: ``kept`` is what it stored for the key, if it came to that."""
        if call.key is None:
            return
        place = call.who, call.name, call.key
        if wrote and place in self.kept and now - self.kept[place].at < KEPT_FOR:
            raise Wrong(f"once: {place} was done again")
        if wrote and kept is None:
            raise Wrong(f"once: {place} was done, and no reply is kept")
        if kept is not None and (wrote or place not in self.kept):
            self.kept[place] = Kept(call, bytes(kept), now)

    def _again(self, first: Kept, call: Call, answer: Answer, *, wrote: bool) -> None:
        place = call.who, call.name, call.key
        if wrote:
            raise Wrong(f"once: {place} was done again: {answer.body[:120]!r}")
        if (call.path, call.body) != (first.call.path, first.call.body):
            if answer.code != "idempotency_key_reused":
                raise Wrong(f"once: {place} came with another request and got {answer.code} {answer.body[:80]!r}")
        elif answer.body != first.body:
            raise Wrong(f"once: {place} was told {first.body[:120]!r}, then {answer.body[:120]!r}")
