"""The connection before a request is one: a head has a size and a time, so that nobody holds a place by dawdling."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_HEAD = 64 * 1024
HEAD_WITHIN = 10.0


class Guarded(HttpToolsProtocol):
    """uvicorn's own protocol with a limit on the head of a request: bytes 431, seconds: closed."""

    head: int = 0
    reading_head: bool = True
    ended_a_head: bool = False
    patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new connection has a little time to say what it wants."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Counts what belongs to an unfinished head."""
        self.ended_a_head = False
        in_a_head = self.reading_head  # else the end of a body would count as the beginning of the next head
        super().data_received(data)
        if self.ended_a_head or not in_a_head or not self.reading_head:
            return
        self.head += len(data)
        if self.head > LONGEST_HEAD and not self.transport.is_closing():
            self._refuse()
        elif self.patience is None:
            self._wait()

    def on_headers_complete(self) -> None:
        """The head is there: from here on the body guard watches."""
        self.reading_head, self.ended_a_head, self.head = False, True, 0
        self._rest()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next request on this connection begins with a head again."""
        super().on_message_complete()
        self.reading_head = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for any more."""
        self._rest()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self.patience = self.loop.call_later(HEAD_WITHIN, self.transport.close)

    def _rest(self) -> None:
        if self.patience is not None:
            self.patience.cancel()
            self.patience = None

    def _refuse(self) -> None:
        problem: dict[str, Any] = {
            "type": "urn:taskhub:problem:head_too_large", "title": "Request Header Fields Too Large", "status": 431,
            "code": "head_too_large", "detail": f"The head of a request may have {LONGEST_HEAD} bytes.",
        }  # fmt: skip
        body = orjson.dumps(problem)
        head = (
            b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/problem+json\r\n"
            b"connection: close\r\ncontent-length: " + str(len(body)).encode() + b"\r\n\r\n"
        )
        self.transport.write(head + body)
        self.transport.close()
