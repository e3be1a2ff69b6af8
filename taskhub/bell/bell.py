"""Rings for rows and tells of changes from a thread of its own, so that Redis can neither slow nor fail a caller."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
import redis

from taskhub.bell import broker
from taskhub.bell.broker import HintBroker, Wires
from taskhub.bell.live import CHANNEL, Change, Live
from taskhub.failpoints import failpoint
from taskhub.ids import new_id

WAITING = 2_000
UNFETCHED = 5_000
REST = 1.0
TOLD = 100
PACK = 50

log = logging.getLogger(__name__)


class Bell:
    """One per process. Every method returns at once and never raises; what does not get through is dropped.

    ``url`` None: a broker inside this process.
    """

    def __init__(self, url: str | None = None) -> None:
        self._wires = Wires(url)
        self._waiting: queue.Queue[int | bytes | None] = queue.Queue(WAITING)
        self._origin = new_id()
        self._live = Live(self._origin, None if self._wires.embedded else self._wires.client)
        self._thread: threading.Thread | None = None
        self._start = threading.Lock()
        self._closed = False
        self._rest_until = 0.0
        self._counted_at = 0.0
        self._full = False
        self._pinged_at = float("-inf")
        self._problem: str | None = None
        self.away = False

    def ring(self, ids: Sequence[int]) -> None:
        """Asks any worker to look at these rows now."""
        for id_ in ids:
            self._post(id_)

    def publish(self, change: Change) -> None:
        """Tells every listener of every process that something changed."""
        self._live.deliver(change)
        if not self._wires.embedded:
            self._post(orjson.dumps({"from": self._origin, "change": change}))

    def tell(self, changes: Sequence[tuple[str, str, str]]) -> None:
        """Publishes (noun, id, act) of one transaction; of very many only the nouns."""
        if len(changes) > TOLD:
            changes = [(noun, "*", "*") for noun in sorted({noun for noun, _, _ in changes})]
        for noun, id_, act in changes:
            self.publish({"noun": noun, "id": id_, "act": act})

    def subscribe(self, listener: Callable[[Mapping[str, Any]], None]) -> Callable[[], None]:
        """Calls ``listener`` from some thread for every change; it must return at once. Returns how to end that."""
        return self._live.subscribe(listener)

    def ears(self, handle: Callable[[list[int]], None]) -> HintBroker:
        """The broker from which a worker hears."""
        return self._wires.broker(handle, broker.PATIENT)

    def problem(self) -> str | None:
        """What is wrong with Redis and what that means; None when it answers. Takes a moment at most."""
        if not self._wires.embedded and time.monotonic() - self._pinged_at > REST:
            self._pinged_at = time.monotonic()
            self._problem = self._ping()
        return self._problem

    def _ping(self) -> str | None:
        client = self._wires.client(broker.GLANCE)
        try:
            client.ping()
        except (redis.RedisError, OSError) as error:
            return f"Redis does not answer ({type(error).__name__}): work is found up to a second later; start it again"
        finally:
            client.close()
        return None

    def close(self) -> None:
        """Ends the threads. What still waits is dropped."""
        self._closed = True
        self._live.close()
        thread, self._thread = self._thread, None
        if thread is not None:
            self._drop()
            self._waiting.put(None)
            thread.join(2)

    def _post(self, what: int | bytes) -> None:
        if self._closed or time.monotonic() < self._rest_until:
            return
        if self._thread is None:
            self._begin()
        try:
            self._waiting.put_nowait(what)
        except queue.Full:
            log.debug("the bell is full; the loop finds the rows")

    def _begin(self) -> None:
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        sender = self._wires.broker(_nobody, broker.QUICK)
        ended = False
        while not ended:
            waiting = self._gathered()
            ended = None in waiting
            try:
                failpoint("bell.sending")
                self._send(sender, waiting)
            except (redis.RedisError, OSError) as error:
                self._rest(error)
            else:
                self._awake()

    def _send(self, sender: HintBroker, waiting: Sequence[int | bytes | None]) -> None:
        for told in waiting:
            if isinstance(told, bytes):
                sender.client.publish(CHANNEL, told)
        ids = [one for one in waiting if isinstance(one, int)]
        if ids and not self._crowded(sender.client):
            sender.get_actor(broker.ACTOR).send(ids)
            failpoint("bell.sent")

    def _gathered(self) -> list[int | bytes | None]:
        """What waits, at least one thing: what piled up meanwhile goes out as one hint."""
        found = [self._waiting.get()]
        try:
            while len(found) < PACK:
                found.append(self._waiting.get_nowait())
        except queue.Empty:
            pass
        return found

    def _crowded(self, client: Any) -> bool:
        """Whether nobody fetches: without workers the hints would pile up in Redis."""
        if time.monotonic() - self._counted_at > REST:
            self._counted_at = time.monotonic()
            self._full = broker.backlog(client) > UNFETCHED
        return self._full

    def _rest(self, error: Exception) -> None:
        self._rest_until = time.monotonic() + REST
        self._drop()
        if not self.away:
            log.warning("Redis does not answer (%s); rows are found by the loop instead", type(error).__name__)
        self.away = True

    def _awake(self) -> None:
        if self.away:
            log.info("Redis answers again")
        self.away = False

    def _drop(self) -> None:
        try:
            while True:
                self._waiting.get_nowait()
        except queue.Empty:
            return


def _nobody(_ids: list[int]) -> None:
    """The sender never handles what it sends."""
