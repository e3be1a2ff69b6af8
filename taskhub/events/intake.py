"""How much may wait to be applied: beyond it senders are asked to come later, and nothing they sent is half stored.

What waits is counted from time to time, not at every call, and never further than the limit. In between, what this
process let in is added; other processes do the same, so the limit may be passed by what comes in within two seconds.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from taskhub.db.tx import Tx
from taskhub.errors import Unavailable
from taskhub.events import service as events
from taskhub.events.model import Delivery

MOST = 100_000
MOST_OF_SOURCE = 50_000
EVERY = 2.0
KNOWN = 256  # sources
COME_AGAIN = 5.0


@dataclass(slots=True)
class _Count:
    """What waited when it was counted, and what was let in since."""

    at: float
    waiting: int


class Intake:
    """One per process. Thread-safe."""

    def __init__(self, most: int = MOST, most_of_source: int = MOST_OF_SOURCE, every: float = EVERY) -> None:
        self.most = most
        self.most_of_source = most_of_source
        self.every = every
        self.refused = 0
        self._counts: OrderedDict[str | None, _Count] = OrderedDict()
        self._lock = threading.Lock()

    def admit(self, tx: Tx, deliveries: Sequence[Delivery]) -> None:
        """Raises Unavailable (``too_many_requests``) when too much waits, in all or of one of these sources."""
        coming = Counter(one.source for one in deliveries)
        in_all = self._waiting(tx, None)
        if in_all >= self.most:
            raise self._refusal("Too many events wait to be applied.", None)
        # What all of them together have not, none of them has.
        full = coming if in_all >= self.most_of_source else ()
        for source in full:
            if self._waiting(tx, source) >= self.most_of_source:
                raise self._refusal(f"Too many events from {source[:200]!r} wait to be applied.", source)
        self._note(None, len(deliveries))
        for source in full:
            self._note(source, coming[source])

    def figures(self) -> Iterator[tuple[str, tuple[str, ...], float]]:
        """For Prometheus: (name, labels, value)."""
        in_all = self._counts.get(None)
        yield "taskhub_inbox_limit", ("all",), self.most
        yield "taskhub_inbox_limit", ("source",), self.most_of_source
        yield "taskhub_inbox_waiting", (), in_all.waiting if in_all else 0
        yield "taskhub_inbox_refused_total", (), self.refused

    def _waiting(self, tx: Tx, source: str | None) -> int:
        known = self._counts.get(source)
        if known is not None and time.monotonic() - known.at < self.every:
            return known.waiting
        found = events.waiting(tx, self.most) if source is None else events.waiting_of(tx, source, self.most_of_source)
        with self._lock:
            self._counts[source] = _Count(time.monotonic(), found)
            self._counts.move_to_end(source)
            while len(self._counts) > KNOWN:
                self._counts.popitem(last=False)
        return found

    def _note(self, source: str | None, more: int) -> None:
        with self._lock:
            if (known := self._counts.get(source)) is not None:
                known.waiting += more

    def _refusal(self, why: str, source: str | None) -> Unavailable:
        self.refused += 1
        named = {"source": source[:200]} if source else {}
        said = f"{why} Nothing of this call was stored: send it again later."
        return Unavailable(said, code="too_many_requests", retry_after=COME_AGAIN, **named)
