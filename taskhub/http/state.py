"""What a running app holds; built by whoever starts it, reached as ``app.state.taskhub``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import starmap
from typing import cast

from anyio import CapacityLimiter
from starlette.requests import Request

from taskhub import settings
from taskhub.connectors.inbound import Inbound
from taskhub.connectors.registry import inbound_for
from taskhub.db.database import Database
from taskhub.events.intake import Intake
from taskhub.metrics.scrape.board import Board, Gauges
from taskhub.metrics.scrape.families import Sample

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
    intake: Intake = field(default_factory=Intake)
    lanes: dict[str, CapacityLimiter] = field(default_factory=dict)  # threads for what must not wait, and for looks
    gauges: Sequence[Gauges] = ()
    board: Board = field(init=False)

    def __post_init__(self) -> None:
        self.board = Board(self.database, (self._intake, *self.gauges))

    def _intake(self) -> Iterable[Sample]:
        return starmap(Sample, self.intake.figures())


def state_of(request: Request) -> AppState:
    """The state of the app that serves ``request``."""
    return cast("AppState", request.app.state.taskhub)
