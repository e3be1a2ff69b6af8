"""Load over HTTP: each hand sends an event that makes a task, claims the next task and completes it, over and over."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

EVENT = "application/cloudevents+json"
IDLE = 0.02


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim that gave a task: when (monotonic seconds), and how long its person waited."""

    at: float
    took: float


@dataclass
class Notes:
    """What a hand saw; ``wrong`` are answers that are neither done nor a documented no."""

    claims: list[Claim] = field(default_factory=list)
    events: int = 0
    completed: int = 0
    empty: int = 0
    wrong: list[str] = field(default_factory=list)


class Hand:
    """A thread. ``every`` seconds pass from turn to turn, however long a turn takes; 0: as fast as it goes."""

    def __init__(self, name: str, port: int, keys: Sequence[str], machine: str, every: float) -> None:
        self.notes = Notes()
        self._name, self._keys, self._machine, self._every = name, keys, machine, every
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> Notes:
        """Ends after the turn that is under way."""
        self._stop.set()
        self._thread.join(60)
        self._line.close()
        return self.notes

    def _run(self) -> None:
        begin, turn = time.monotonic(), 0
        while not self._stop.wait(max(0.0, begin + turn * self._every - time.monotonic())):
            turn += 1
            try:
                self._turn(turn)
            except (OSError, http.client.HTTPException) as error:
                self.notes.wrong.append(f"{self._name}, turn {turn}: {error!r}")
                self._line.close()

    def _turn(self, turn: int) -> None:
        who = self._keys[turn % len(self._keys)]
        id_ = f"{self._name}-{turn}"
        deal = {"id": id_, "name": id_, "status": "won"}
        event = {"specversion": "1.0", "id": id_, "source": "soak", "type": "deal.won", "subject": id_,
                 "data": {"deal": deal}}  # fmt: skip
        self._call("/api/v1/events", self._machine, id_, event, EVENT)
        self.notes.events += 1
        begin = time.monotonic()
        given = self._call("/api/v1/tasks/claim", who, f"claim-{id_}")
        if not given or given.get("task") is None:
            self.notes.empty += 1
            self._stop.wait(IDLE)
            return
        self.notes.claims.append(Claim(begin, time.monotonic() - begin))
        path = f"/api/v1/tasks/{given['task']['id']}/complete"
        self._call(path, who, f"complete-{id_}", {"lease_token": given["lease"]["token"]})
        self.notes.completed += 1

    def _call(self, path: str, key: str, once: str, body: Any = None, kind: str = "application/json") -> Any:
        headers = {"authorization": f"Bearer {key}", "idempotency-key": once}
        if body is not None:
            headers["content-type"] = kind
        status, told = self._sent(path, None if body is None else orjson.dumps(body), headers)
        if status not in (200, 202):
            self.notes.wrong.append(f"{path}: {status} {told[:200]!r}")
            return None
        return orjson.loads(told)

    def _sent(self, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        """A connection that lay idle may be closed by the server meanwhile: sent once more, under the same key."""
        try:
            self._line.request("POST", path, body, headers)
            answer = self._line.getresponse()
        except ConnectionError:
            self._line.close()
            self._line.request("POST", path, body, headers)
            answer = self._line.getresponse()
        return answer.status, answer.read()


def hands(count: int, name: str, port: int, keys: Sequence[str], machine: str, rate: float) -> list[Hand]:
    """``count`` hands that make ``rate`` turns a second together; 0: as many as they can."""
    every = count / rate if rate else 0.0
    return [Hand(f"{name}-{number}", port, keys[number::count], machine, every) for number in range(count)]
