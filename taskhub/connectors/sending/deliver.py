"""Sends one event to one receiver, between two transactions, until it is taken: the same text under the same id."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from taskhub import settings
from taskhub.clock import real_now
from taskhub.connectors.sending import stops
from taskhub.connectors.sending.lanes import Lanes
from taskhub.connectors.sending.posting import GONE, Post, Poster
from taskhub.connectors.sending.telling import TOLD
from taskhub.db.handler import NotYet
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.failpoints import failpoint
from taskhub.policy.reading.vocabulary import SEND_KEY

LOOK_AGAIN = timedelta(minutes=5)  # whether somebody has switched it on again


class Deliver:
    """The handler of ``event.leaves``; the key of a row is the id of the event."""

    def __init__(
        self, poster: Poster | None = None, environ: Mapping[str, str] | None = None,
        clock: Callable[[], datetime] = real_now,
    ) -> None:  # fmt: skip
        self._poster, self._environ, self._clock = poster or Poster(), environ, clock
        self._lanes = Lanes()

    def prepare(self, tx: Tx, row: Taken) -> functools.partial[str] | None:
        """The post; None once its connection sends nothing any more. While it is stopped the row waits, uncounted."""
        connection = tx.policies.connections.get(row.payload["connection"])
        if connection is None or connection.send is None:
            return None
        address = connection.send.address
        if connection.key in stops.switched_off(tx):
            raise NotYet(LOOK_AGAIN)
        secrets = settings.secret(connection.secrets.get(SEND_KEY, ""), self._environ) or ""
        return functools.partial(self._send, Post(connection.key, address, secrets, row.key, row.payload["body"]))

    def _send(self, post: Post) -> str:
        with self._lanes.of(post.connection):
            answer = self._poster.post(post, self._clock())
        failpoint("sending.sent")
        return f"{answer} {post.address}"

    def finish(self, tx: Tx, row: Taken, result: str) -> None:
        """Taken; or they want nothing any more: managers are told once, and this waits for whoever switches it on."""
        answer, _, address = result.partition(" ")
        if answer != GONE:
            return
        stops.stop(tx, row.payload["connection"], address)
        tx.emit(TOLD, row.key, row.payload, due_at=tx.after(LOOK_AGAIN))
        failpoint("sending.stopped")
