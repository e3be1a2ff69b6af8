"""A real web server for tests, on a free port of 127.0.0.1."""

from __future__ import annotations

import http.server
import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Self


class Quiet(http.server.BaseHTTPRequestHandler):
    """Says nothing of its own. ``body()`` is what was posted, ``say`` an answer without one."""

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def say(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


class Served(ABC):
    """Serves while it is entered, each request in a thread; ``handler`` is who answers."""

    @abstractmethod
    def handler(self) -> type[Quiet]: ...

    def __enter__(self) -> Self:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_port
