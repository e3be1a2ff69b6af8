"""A TCP proxy before PostgreSQL or Redis that can be told to behave as networks do on their bad days."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

CHUNK = 64 * 1024
Address = tuple[str, int]


@dataclass
class Weather:
    """How the line behaves from now on; every field may change at any moment.

    delay: seconds before each piece goes on · rate: bytes a second · hung: accepts, reads and answers nothing ·
    refuses: new connections are closed at once · swallow: the answer to the next ``left`` requests that hold these
    bytes is dropped, and the connection with it.
    """

    delay: float = 0.0
    rate: float | None = None
    hung: bool = False
    refuses: bool = False
    swallow: bytes | None = None
    left: int = 0


@dataclass
class Proxy:
    """Listens on a free port of 127.0.0.1 and passes everything on to ``target``. Threads, no event loop."""

    target: Address
    weather: Weather = field(default_factory=Weather)
    swallowed: int = 0
    _pairs: list[_Pair] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._door = socket.create_server(("127.0.0.1", 0), backlog=256)
        threading.Thread(target=self._accept, daemon=True, name="proxy").start()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()
        self.cut()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._door.getsockname()[1])

    def cut(self) -> int:
        """Every connection ends now. Returns how many there were."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.close()
        return len(pairs)

    @contextmanager
    def behaving(self, **how: object) -> Iterator[None]:
        """Behaves like that inside, and well afterwards."""
        before = self.weather
        self.weather = Weather(**how)  # type: ignore[arg-type]
        try:
            yield
        finally:
            self.weather = before
            if how.get("hung"):
                self.cut()  # what was swallowed meanwhile never comes

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            if self.weather.refuses:
                client.close()
            else:
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        while self.weather.hung:
            time.sleep(0.05)
        try:
            server = socket.create_connection(self.target, timeout=5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = _Pair(client, server)
        with self._lock:
            self._pairs.append(pair)
        for frm, to in ((client, server), (server, client)):
            threading.Thread(target=self._pump, args=(pair, frm, to), daemon=True).start()

    def _pump(self, pair: _Pair, frm: socket.socket, to: socket.socket) -> None:
        try:
            while piece := frm.recv(CHUNK):
                if not self._may_pass(pair, piece, asks=frm is pair.client):
                    break
                to.sendall(piece)
        except OSError:
            pass
        finally:
            pair.close()

    def _may_pass(self, pair: _Pair, piece: bytes, *, asks: bool) -> bool:
        weather = self.weather
        if weather.delay:
            time.sleep(weather.delay)
        if weather.rate:
            time.sleep(len(piece) / weather.rate)
        while self.weather.hung:
            time.sleep(0.05)
        if not asks:
            return not pair.doomed
        if weather.swallow is not None and weather.swallow in piece and self._spend(weather):
            pair.doomed = True
        return True

    def _spend(self, weather: Weather) -> bool:
        with self._lock:
            if weather.left <= 0:
                return False
            weather.left -= 1
            self.swallowed += 1
            return True


@dataclass(eq=False)
class _Pair:
    """The two ends of one connection; a doomed one ends instead of hearing the next answer."""

    client: socket.socket
    server: socket.socket
    doomed: bool = False

    def close(self) -> None:
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
