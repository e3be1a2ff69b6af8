"""Whether our webhooks still exist over there: systems drop those that fail for long. Made again if wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import cast

from taskhub import settings
from taskhub.connectors.clients import can_log_in
from taskhub.connectors.hooks import address_of, home_of, is_ours, missing
from taskhub.connectors.looking import store
from taskhub.connectors.looking.service import Connect, Secret, connect, secrets_of
from taskhub.connectors.outbound import Client, Subscriber
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.events.service import LOOK_TOPIC
from taskhub.failpoints import failpoint
from taskhub.policy.policies import Connection

TOPIC, LOST_TOPIC = "webhooks.due", "webhooks.lost"


@dataclass(frozen=True, slots=True)
class Health:
    """``lacks`` is what nothing sends, ``made`` what was made again; ``home``: where taskhub is reached, if known."""

    lacks: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    home: str | None = None


def ask(tx: Tx, secret: Secret = settings.secret) -> None:
    """Asks every connection that taskhub can log in to. For a calendar job."""
    for connection in tx.policies.connections.values():
        if can_log_in(connection, secrets_of(connection, secret)):
            tx.emit(TOPIC, connection.key)


def examined(client: Client, connection: Connection, secrets: Mapping[str, str], home: str | None) -> Health | None:
    """None where a system does not list its webhooks, or none was ever seen: then nobody has set them up.

    ``home`` is what an earlier look has seen. Safe to repeat: whatever is made is looked for first.
    """
    if not hasattr(client, "hooks"):
        return None
    there, path = cast("Subscriber", client), secrets.get("path", "")
    ours = [hook for hook in there.hooks() if hook.live and is_ours(hook, connection.key, path)]
    if not ours and home is None:
        return None
    url = address_of(home or "", connection.key, path)
    lacks, url = missing(there, ours) if ours else (there.missing(url), url)
    made = there.subscribe(url, secrets) if lacks and connection.renew_webhooks else []
    return Health(tuple(lacks), tuple(made), home_of(url, connection.key))


class Examine:
    """Handles ``webhooks.due``."""

    def __init__(self, connect: Connect = connect, secret: Secret = settings.secret) -> None:
        self._connect, self._secret = connect, secret

    def prepare(self, tx: Tx, row: Taken) -> Callable[[], Health | None] | None:
        """None where the connection has gone, or nobody can log in."""
        connection = tx.policies.connections.get(row.key)
        client = self._connect(connection) if connection is not None else None
        if connection is None or client is None:
            return None
        home = store.watched(tx, row.key).get("address")
        return partial(
            _closing, client, partial(examined, client, connection, secrets_of(connection, self._secret), home)
        )

    def finish(self, tx: Tx, row: Taken, result: Health | None) -> None:
        """Notes it. What was lost meanwhile is looked for at once; managers hear once of what stays lost."""
        if result is None:
            store.watch_with(tx, row.key, looked_at=tx.now)
            return
        before = store.watched(tx, row.key)
        left = ", ".join(one for one in result.lacks if one not in result.made)
        store.watch_with(
            tx, row.key, looked_at=tx.now, address=result.home, missing=left or None, told=bool(left),
            **({"asked_at": tx.now} if result.lacks else {}),
        )  # fmt: skip
        failpoint("webhooks.noted")
        if result.lacks:
            tx.emit(LOOK_TOPIC, row.key, {"asked": tx.now.isoformat()})
        if left and not before.get("told"):
            tx.emit(LOST_TOPIC, row.key, {"missing": left})


def _closing(client: Client, work: Callable[[], Health | None]) -> Health | None:
    try:
        return work()
    finally:
        client.close()
