"""A real little receiver of Standard Webhooks on 127.0.0.1: keeps what comes, answers as it is told."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

CUT, HANG = "cut", "hang"


@dataclass(frozen=True)
class Got:
    """One request as it came; header names in lower case."""

    headers: dict[str, str]
    body: bytes
    path: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def type(self) -> str:
        return str(self.event["type"])


class Receiver:
    """``answers`` are used up first: a status, ``CUT`` (it has read all and says nothing) or ``HANG``; then ``status``.

    ``let_go`` ends what hangs: then it is taken.
    """

    def __init__(self) -> None:
        self.status = 204
        self.headers: dict[str, str] = {}
        self.answers: list[int | str] = []
        self.got: list[Got] = []
        self.came = threading.Semaphore(0)
        self.let_go = threading.Event()

    def __enter__(self) -> Self:
        here = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                here.got.append(Got({k.lower(): v for k, v in self.headers.items()}, body, self.path))
                answer = here.answers.pop(0) if here.answers else here.status
                here.came.release()
                if answer == HANG:
                    here.let_go.wait(30)
                if answer == CUT:
                    self.close_connection = True
                    return
                with contextlib.suppress(OSError):  # who hung up does not hear it
                    self._say(here.status if answer == HANG else int(answer))

            def _say(self, status: int) -> None:
                self.send_response(status)
                for name, value in here.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def do_GET(self) -> None:
                here.got.append(Got({}, b"{}", self.path))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    @property
    def types(self) -> list[str]:
        return [one.type for one in self.got]
