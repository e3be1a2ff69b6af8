"""Dramatiq over Redis, cut down to hints: no retries, no delays, nothing kept for long."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import dramatiq
import fakeredis
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Retries
from redis.backoff import NoBackoff
from redis.retry import Retry

NAMESPACE = "taskhub"
QUEUE = "rows"
ACTOR = "handle"
QUICK = 0.1
GLANCE = 0.5
PATIENT = 5.0

# Its consumers report a Redis that is away once a second. The bell says so once; nothing else of theirs matters here.
logging.getLogger("dramatiq").setLevel(logging.CRITICAL + 1)


class HintBroker(RedisBroker):
    """Without the queue for delayed messages, whose consumer can die with Redis: taskhub never delays a message."""

    def __init__(self, client: Any) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            client=client,
            middleware=[Retries(max_retries=0)],
            namespace=NAMESPACE,
            heartbeat_timeout=30_000,
            dead_message_ttl=60_000,
        )

    def declare_queue(self, queue_name: str) -> None:
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)


class Wires:
    """Makes clients of one Redis: the real one, or one inside this process when there is no address."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._embedded = fakeredis.FakeServer() if url is None else None

    @property
    def embedded(self) -> bool:
        """Whether nobody outside this process can hear."""
        return self._embedded is not None

    def client(self, timeout: float) -> Any:
        """A client that gives up after ``timeout`` seconds and never tries twice."""
        if self._url is None:
            return fakeredis.FakeRedis(server=self._embedded)
        never = Retry(NoBackoff(), 0)
        return redis.Redis.from_url(self._url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=never)

    def broker(self, handle: Callable[[list[int]], None], timeout: float) -> HintBroker:
        """A broker with the one actor ``handle``."""
        broker = HintBroker(self.client(timeout))
        dramatiq.actor(broker=broker, actor_name=ACTOR, queue_name=QUEUE, max_retries=0)(handle)
        return broker


def backlog(client: Any) -> int:
    """How many hints nobody has fetched yet."""
    return int(client.llen(f"{NAMESPACE}:{QUEUE}"))
