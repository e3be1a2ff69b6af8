"""The fake behind one lock: its users act in threads of the demo, taskhub calls it over a socket."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from taskhub.testing.clock import SetClock


class Turns:
    """An ASGI app around ``fake``. Nobody acts while another does; the fake's clock shows ``now`` in each turn."""

    def __init__(self, fake: Any, clock: SetClock, now: Callable[[], datetime]) -> None:
        self._fake, self._clock = fake, clock
        self._lock = threading.Lock()
        self.now = now

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Whoever is in here is alone with the fake."""
        with self._lock:
            self._clock.now = self.now()
            yield

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", scope["type"] == "http"
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        answer: list[Any] = []

        async def given() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Any) -> None:
            answer.append(message)

        # Nothing in the fake waits for anything: what came is here, what goes is kept.
        with self.turn():
            await self._fake(scope, given, keep)
            self._fake.gate.calls.clear()  # nobody reads them here
        for message in answer:
            await send(message)
