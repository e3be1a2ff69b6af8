"""People and machines that go on whatever happens to the house: steady calls, every answer noted with its instants.

A call that did not get through is sent again under its Idempotency-Key, at the next address, as any client should.
"""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

CLAIM, EVENT, READ = "claim", "event", "read"
KINDS = (CLAIM, EVENT, READ)
AGAIN_AFTER = 0.05
TIMEOUT = 20.0


@dataclass(frozen=True)
class Call:
    """One call: when it was sent first and answered at last (seconds since 1970), the status, how often it was sent."""

    kind: str
    key: str
    began: float
    ended: float
    status: int
    sent: int
    task: str | None = None

    @property
    def took(self) -> float:
        """Seconds its sender waited."""
        return self.ended - self.began


@dataclass
class Caller:
    """One client in a thread of its own. ``pause`` rests between an answer and the next call.

    ``again``: whether a connection that was refused or cut is tried anew; without it status 0 is noted.
    """

    kind: str
    number: int
    ports: Sequence[int]
    keys: Sequence[str]
    pause: float
    again: bool
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._name = f"{self.kind}-{time.time_ns():x}-{self.number}"
        self._stop = threading.Event()
        self._line: http.client.HTTPConnection | None = None
        self._ports = itertools.cycle(self.ports)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> Self:
        """Begins."""
        self._thread.start()
        return self

    def end(self) -> None:
        """Ends after the call that is under way."""
        self._stop.set()
        self._thread.join(2 * TIMEOUT)

    def _run(self) -> None:
        for turn in itertools.count():
            if self._stop.wait(self.pause):
                return
            self.calls.append(self._call(turn))

    def _call(self, turn: int) -> Call:
        once = f"{self._name}-{turn}"
        began, sent, status, answer = time.time(), 0, 0, b""
        while not status:
            sent += 1
            status, answer = self._sent(once, self.keys[turn % len(self.keys)])
            if not self.again or self._stop.is_set():
                break
            if not status:
                time.sleep(AGAIN_AFTER)
        given = orjson.loads(answer).get("task") if self.kind == CLAIM and status == 200 else None
        return Call(self.kind, once, began, time.time(), status, sent, given["id"] if given else None)

    def _sent(self, once: str, key: str) -> tuple[int, bytes]:
        method, path, body, headers = _REQUESTS[self.kind](once)
        headers |= {"authorization": f"Bearer {key}"}
        try:
            if self._line is None:
                self._line = http.client.HTTPConnection("127.0.0.1", next(self._ports), timeout=TIMEOUT)
            self._line.request(method, path, body, headers)
            answer = self._line.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            if self._line is not None:
                self._line.close()
            self._line = None
            return 0, b""


def _claim(once: str) -> tuple[str, str, bytes, dict[str, str]]:
    return "POST", "/api/v1/tasks/claim", b"", {"idempotency-key": once}


def _event(once: str) -> tuple[str, str, bytes, dict[str, str]]:
    deal = {"id": once, "name": f"Deal {once}", "amount": 100, "status": "won"}
    event: dict[str, Any] = {"specversion": "1.0", "id": once, "source": "bench", "type": "deal.won", "subject": once,
                             "data": {"deal": deal}}  # fmt: skip
    return "POST", "/api/v1/events", orjson.dumps(event), {"content-type": "application/cloudevents+json"}


def _read(_once: str) -> tuple[str, str, bytes, dict[str, str]]:
    return "GET", "/api/v1/tasks?limit=5", b"", {}


_REQUESTS = {CLAIM: _claim, EVENT: _event, READ: _read}


def crew(keys: Sequence[str], ports: Sequence[int], *, each: int, pause: float, again: bool) -> list[Caller]:
    """``each`` callers of every kind at work; the last of ``keys`` is the machine's that sends events."""
    people, machine = keys[:-1], keys[-1:]
    found = []
    for kind in KINDS:
        for number in range(each):
            mine = machine if kind == EVENT else people[number::each]
            turned = [*ports[number % len(ports) :], *ports[: number % len(ports)]]
            found.append(Caller(kind, number, turned, mine, pause, again).start())
    return found


def ended(callers: Sequence[Caller]) -> list[Call]:
    """Ends them all; every call they made, in the order of their answers."""
    for one in callers:
        one.end()
    return sorted((call for one in callers for call in one.calls), key=lambda call: call.ended)
