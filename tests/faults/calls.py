"""How clients of the campaign call: again and again under the same key until there is an answer, as good clients do."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from taskhub.db.interruption import Interrupted

T = TypeVar("T")

WITHIN = 600.0
PAUSE = 0.1
LATER = (429, 502, 503, 507)


@dataclass
class Caller:
    """Calls any of ``addresses``, the next one after a failure. Thread-safe.

    ``answers`` counts status codes; ``cut`` connections that broke; ``slowest`` is the longest wait for one answer.
    """

    addresses: Sequence[str]
    timeout: float = 40.0
    answers: Counter[int] = field(default_factory=Counter)
    cut: int = 0
    slowest: float = 0.0
    _turn: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _clients: threading.local = field(default_factory=threading.local)

    def __call__(self, method: str, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        """The first answer that is none of "not now"."""
        end = time.monotonic() + WITHIN
        while True:
            answer = self.once(method, path, body, headers)
            if answer is not None and answer.status_code not in LATER:
                return answer
            said = "nothing" if answer is None else f"{answer.status_code} {answer.text[:200]}"
            assert time.monotonic() < end, f"{method} {path} was answered {said} for {WITHIN:.0f} s"
            self._turn += 1
            time.sleep(PAUSE)

    def once(self, method: str, path: str, body: Any, headers: dict[str, str]) -> httpx.Response | None:
        """One try; None when the connection broke."""
        begin = time.monotonic()
        address = self.addresses[self._turn % len(self.addresses)]
        try:
            answer = self._client().request(method, f"{address}{path}", json=body, headers=headers)
        except httpx.TransportError:
            with self._lock:
                self.cut += 1
            return None
        with self._lock:
            self.answers[answer.status_code] += 1
            self.slowest = max(self.slowest, time.monotonic() - begin)
        return answer

    def _client(self) -> httpx.Client:
        if not hasattr(self._clients, "one"):
            self._clients.one = httpx.Client(timeout=self.timeout)
        client: httpx.Client = self._clients.one
        return client


def patiently(step: Callable[[], T], within: float = WITHIN) -> T:
    """``step``, again while the database is away: for the campaign's own looks."""
    end = time.monotonic() + within
    while True:
        try:
            return step()
        except Interrupted:
            assert time.monotonic() < end, "the database never came back"
            time.sleep(PAUSE)
