"""What a running app holds; built by whoever starts it, reached as ``app.state.taskhub``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from starlette.requests import Request

from taskhub import settings
from taskhub.connectors.inbound import Inbound
from taskhub.connectors.registry import inbound_for
from taskhub.db.database import Database
from taskhub.metrics.scrape.board import Board, Gauges

Check = Callable[[], str | None]


@dataclass(slots=True)
class AppState:
    """``inbound`` finds a CRM system's reader; ``checks`` are further readiness checks, None or what is wrong.

    With what ``cautions`` find the process serves all the same. Set ``stopping`` when the server is told to end: live
    streams then close by themselves.
    """

    database: Database
    inbound: Callable[[str], Inbound] = inbound_for
    secret: Callable[[str], str | None] = settings.secret
    checks: Mapping[str, Check] = field(default_factory=dict)
    cautions: Mapping[str, Check] = field(default_factory=dict)
    allowed_hosts: Sequence[str] = ("*",)
    body_within: float = 15.0
    stopping: threading.Event = field(default_factory=threading.Event)
    flood: tuple[float, bool] = (0.0, False)  # when the inbox was last looked at, and whether it was full
    gauges: Sequence[Gauges] = ()
    board: Board = field(init=False)

    def __post_init__(self) -> None:
        self.board = Board(self.database, self.gauges)


def state_of(request: Request) -> AppState:
    """The state of the app that serves ``request``."""
    return cast("AppState", request.app.state.taskhub)
