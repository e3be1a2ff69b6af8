"""Backpressure: while too many events wait to be applied, new ones are asked to come later."""

from __future__ import annotations

import time

from taskhub.db.tx import Tx
from taskhub.errors import Unavailable
from taskhub.events import service as events
from taskhub.http.state import AppState

MOST = 100_000
EVERY = 2.0


def refuse_flood(tx: Tx, state: AppState) -> None:
    """Raises Unavailable (429) while the inbox is full; looks at most every two seconds."""
    at, full = state.flood
    now = time.monotonic()
    if now - at > EVERY:
        full = events.waiting(tx, MOST) >= MOST
        state.flood = (now, full)
    if full:
        raise Unavailable("Too many events wait to be applied. Send later.", code="too_many_requests", retry_after=5)
