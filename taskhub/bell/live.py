"""Live hints: in this process by a call, from other processes over Redis as long as it answers."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import redis

from taskhub.bell.broker import NAMESPACE, PATIENT

CHANNEL = f"{NAMESPACE}:live"
POLL = 1.0

Change = Mapping[str, Any]
Listener = Callable[[Change], None]

log = logging.getLogger(__name__)


class Live:
    """The listeners of this process. ``client`` makes a Redis client; None: there are no other processes."""

    def __init__(self, origin: str, client: Callable[[float], Any] | None) -> None:
        self._origin = origin
        self._client = client
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Adds ``listener``; returns how to remove it."""
        with self._lock:
            self._listeners = [*self._listeners, listener]
            if self._client is not None and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="live", daemon=True)
                self._thread.start()
        return lambda: self._remove(listener)

    def _remove(self, listener: Listener) -> None:
        with self._lock:
            self._listeners = [each for each in self._listeners if each is not listener]

    def deliver(self, change: Change) -> None:
        """Calls every listener; one that fails does not keep the others from hearing."""
        for listener in self._listeners:
            try:
                listener(change)
            except Exception:
                log.exception("a listener for live hints failed")

    def close(self) -> None:
        """Ends the thread."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(2 * POLL)

    def _run(self) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(redis.RedisError, OSError, ValueError):
                self._hear()
            self._closed.wait(POLL)

    def _hear(self) -> None:
        if self._client is None:
            return
        with self._client(PATIENT) as client, client.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe(CHANNEL)
            while not self._closed.is_set():
                message = channel.get_message(timeout=POLL)
                told = orjson.loads(message["data"]) if message else None
                if told and told["from"] != self._origin:
                    self.deliver(told["change"])
