"""A real little receiver of Standard Webhooks on 127.0.0.1: keeps what comes, answers as it is told."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from tests.service.serving import Quiet, Served

CUT, HANG = "cut", "hang"
KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()


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


class Receiver(Served):
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

    def handler(self) -> type[Quiet]:
        here = self

        class Handler(Quiet):
            def do_POST(self) -> None:  # noqa: N802  the library calls it so
                here.got.append(Got({k.lower(): v for k, v in self.headers.items()}, self.body(), self.path))
                answer = here.answers.pop(0) if here.answers else here.status
                here.came.release()
                if answer == HANG:
                    here.let_go.wait(30)
                if answer == CUT:
                    self.close_connection = True
                    return
                with contextlib.suppress(OSError):  # who hung up does not hear it
                    self.say(here.status if answer == HANG else int(answer), **here.headers)

            def do_GET(self) -> None:  # noqa: N802
                here.got.append(Got({}, b"{}", self.path))
                self.say(200)

        return Handler

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.let_go.set()
        super().__exit__(kind, error, at)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def types(self) -> list[str]:
        return [one.type for one in self.got]
