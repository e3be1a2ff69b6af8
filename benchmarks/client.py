"""The people at the other end: a process of its own that keeps a number of connections busy and notes every answer.

Reads one Job as JSON from standard input, writes one result. Raw HTTP/1.1 over asyncio protocols: the client shares the
machine with what it measures, so it must cost next to nothing. ``cpu`` in the result says what it did cost.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from statistics import median, quantiles
from typing import Any

import orjson
import uvloop

WITHIN = 90.0


@dataclass(frozen=True)
class Job:
    """``clients`` connections for ``seconds``, or until ``most`` claims were sent.

    ``mode``: claim, claim_cycle (claim and complete), bare, bare_cycle. ``pause``: seconds each client rests between
    an answer and its next call.
    """

    port: int
    mode: str
    clients: int
    seconds: float
    keys: list[str] = field(default_factory=list)
    warm: float = 0.3
    most: int = 1_000_000_000
    pause: float = 0.0


@dataclass(frozen=True)
class Result:
    """Whole steps (a claim, or claim and complete) a second, and milliseconds of the first call of each step."""

    rate: float
    count: int
    total: int
    p50: float
    p99: float
    cpu: float
    statuses: dict[str, int]


class Connection(asyncio.Protocol):
    """One client: sends, waits for the whole answer, goes on with what the answer leads to."""

    def __init__(
        self, calls: Callable[[bytes | None], bytes | None], done: asyncio.Future[None], pause: float
    ) -> None:  # fmt: skip
        self.calls = calls
        self.done = done
        self.pause = pause
        self.data = b""
        self.statuses: Counter[str] = Counter()
        self.length = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.calls(None))

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, found, body = self.data.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self.data = b""
        self.statuses[head[9:12].decode()] += 1
        if self.pause:
            asyncio.get_running_loop().call_later(self.pause, self._go_on, body)
        else:
            self._go_on(body)

    def _go_on(self, body: bytes) -> None:
        following = self.calls(body)
        if following is None:
            self.transport.close()
        else:
            self.transport.write(following)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def _length(head: bytes) -> int:
    at = head.lower().index(b"content-length:") + 15
    end = head.find(b"\r\n", at)
    return int(head[at:] if end < 0 else head[at:end])


def request(path: str, headers: str = "", body: bytes = b"") -> bytes:
    """One POST as it goes over the wire."""
    kind = "content-type: application/json\r\n" if body else ""
    head = f"POST {path} HTTP/1.1\r\nhost: bench\r\n{headers}{kind}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Round:
    """What all connections of a job share: the clock, the keys, the notes."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.took: list[float] = []
        self.sent = 0
        self.steps = 0
        self.total = 0
        self.begin = time.perf_counter() + job.warm
        self.end = self.begin + job.seconds
        self.last = self.begin

    def person(self, number: int) -> Iterator[Any]:
        """One client's calls: yields what to send, is sent the body of the answer."""
        keys = self.job.keys[number :: self.job.clients] or [""]
        ours, cycle = not self.job.mode.startswith("bare"), self.job.mode.endswith("cycle")
        turn = 0
        while time.perf_counter() < self.end and self.sent < self.job.most:
            self.sent += 1
            key, turn = keys[turn % len(keys)], turn + 1
            begin = time.perf_counter()
            given = yield self.claim(key, number, turn) if ours else request("/claim")
            took = time.perf_counter() - begin
            self.total += 1
            if cycle:
                yield self.complete(key, number, turn, given) if ours else self.bare_complete(given)
            self.note(begin, took)

    def note(self, begin: float, took: float) -> None:
        if begin >= self.begin and (now := time.perf_counter()) <= self.end:
            self.took.append(took)
            self.steps += 1
            self.last = now

    def claim(self, key: str, number: int, turn: int) -> bytes:
        return request("/api/v1/tasks/claim", _headers(key, f"claim-{self.begin}-{number}-{turn}"))

    def complete(self, key: str, number: int, turn: int, given: bytes) -> bytes:
        answer = orjson.loads(given)
        body = orjson.dumps({"lease_token": answer["lease"]["token"]})
        path = f"/api/v1/tasks/{answer['task']['id']}/complete"
        return request(path, _headers(key, f"complete-{self.begin}-{number}-{turn}"), body)

    def bare_complete(self, given: bytes) -> bytes:
        return request(f"/complete/{orjson.loads(given)['id']}")


def _headers(key: str, once: str) -> str:
    return f"authorization: Bearer {key}\r\nidempotency-key: {once}\r\n"


def _calls(person: Any) -> Callable[[bytes | None], bytes | None]:
    def following(body: bytes | None) -> bytes | None:
        try:
            return next(person) if body is None else person.send(body)
        except StopIteration:
            return None

    return following


async def _work(job: Job) -> Result:
    loop = asyncio.get_running_loop()
    round_ = Round(job)
    ends: list[asyncio.Future[None]] = []
    made: list[Connection] = []
    for number in range(job.clients):
        end = loop.create_future()
        one = Connection(_calls(round_.person(number)), end, job.pause)
        await loop.create_connection(lambda one=one: one, "127.0.0.1", job.port)
        ends.append(end)
        made.append(one)
    await asyncio.wait_for(asyncio.gather(*ends), WITHIN)
    statuses = sum((one.statuses for one in made), Counter[str]())
    ms = sorted(1000 * took for took in round_.took) or [0.0, 0.0]
    last = quantiles(ms, n=100)[-1] if len(ms) > 1 else ms[0]
    return Result(
        round_.steps / job.seconds, round_.steps, round_.total, median(ms), last, time.process_time() / job.seconds,
        dict(statuses),
    )  # fmt: skip


def run(job: Job) -> Result:
    """Runs the job in a process of its own. Raises when an answer was not 200."""
    command = [sys.executable, "-m", "benchmarks.client"]
    done = subprocess.run(command, input=orjson.dumps(asdict(job)), stdout=subprocess.PIPE, check=True)
    result = Result(**orjson.loads(done.stdout))
    if set(result.statuses) - {"200"}:
        raise RuntimeError(f"{job.mode}: not every answer was 200: {result.statuses}")
    return result


def main() -> None:
    job = Job(**orjson.loads(sys.stdin.buffer.read()))
    sys.stdout.buffer.write(orjson.dumps(asdict(uvloop.run(_work(job)))))


if __name__ == "__main__":
    main()
