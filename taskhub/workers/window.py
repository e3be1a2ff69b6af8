"""A worker's own small pages, ``/metrics`` of the process and ``/healthz``, on a port of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from taskhub.metrics.scrape.board import Board
from taskhub.metrics.scrape.text import MEDIA_TYPE

PATIENCE = 5


class Window:
    """Answers from threads of its own; what it shows costs the worker nothing while nobody asks.

    ``/healthz`` is 200 while ``healthy`` says so, else 503. The house's figures are left to the API.
    """

    def __init__(self, door: socket.socket, board: Board, healthy: Callable[[], bool]) -> None:
        def answer(path: str) -> tuple[int, str]:
            if path == "/metrics":
                return 200, board.page(house=False)
            if path == "/healthz":
                return (200, "ok\n") if healthy() else (503, "the worker has not reached the database for a moment\n")
            return 404, "/metrics and /healthz are here\n"

        self._server = _Server(door, answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.5,), name="window", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(PATIENCE)
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """The standard library's, over a socket that listens already."""

    daemon_threads = True

    def __init__(self, door: socket.socket, answer: Callable[[str], tuple[int, str]]) -> None:
        super().__init__(door.getsockname()[:2], _Asked, bind_and_activate=False)
        self.socket.close()
        self.socket = door
        self.answer = answer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller who left is none of the log's business."""


class _Asked(BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE

    def do_GET(self) -> None:
        """One page."""
        status, text = self.server.answer(self.path.partition("?")[0])
        body = text.encode()
        self.send_response_only(status)
        self.send_header("Content-Type", MEDIA_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Scrapes are not logged."""
