"""Stands before the routes of a fake and lets calls meet its faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from email.utils import format_datetime
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskhub.testing.clock import SetClock
from taskhub.testing.crm import faults as kinds
from taskhub.testing.crm.faults import Faults

PATIENCE = "fake.patience"


class CutOff(Exception):
    """The connection breaks here."""


class TooLate(Exception):
    """The caller has gone before the answer came."""


class Gate:
    """``refuse(kind)`` gives the system's own answer to ``limited``, ``expired`` or ``broken``."""

    def __init__(self, app: ASGIApp, faults: Faults, clock: SetClock, refuse: Callable[[str], Response]) -> None:
        self._app, self._faults, self._clock, self._refuse = app, faults, clock, refuse
        self.calls: list[tuple[str, str, dict[str, str]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        self.calls.append((scope["method"], scope["path"], headers))
        kind = self._faults.strike()
        if kind in (kinds.LIMITED, kinds.EXPIRED, kinds.BROKEN):
            await self._refuse(kind)(scope, receive, send)
            return
        if kind == kinds.CUT_EARLY:
            await _break(send)
        held: list[Message] = []
        await self._app(scope, receive, _keeper(held))
        await self._late(scope)
        if kind == kinds.BROKEN_LATE:
            await self._refuse(kinds.BROKEN)(scope, receive, send)
            return
        if kind == kinds.CUT:
            await _break(send)
        held[0]["headers"] = [
            *held[0].get("headers", ()),
            (b"date", format_datetime(self._clock.now, usegmt=True).encode()),
        ]
        for message in held:
            await send(message)

    async def _late(self, scope: Scope) -> None:
        """Inside one process time is the fake's own; over a real wire it is real."""
        if not self._faults.latency:
            return
        self._faults.struck.add("latency")
        if PATIENCE not in scope:
            await asyncio.sleep(self._faults.latency)
            return
        self._clock.forward(seconds=self._faults.latency)
        if self._faults.latency > scope[PATIENCE]:
            raise TooLate


def _keeper(held: list[Message]) -> Any:
    async def keep(message: Message) -> None:
        held.append(message)

    return keep


async def _break(send: Send) -> None:
    """Half an answer and no more: the server closes the connection on it."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
    raise CutOff
