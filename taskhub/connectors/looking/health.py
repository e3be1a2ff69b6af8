"""Whether our webhooks still exist over there: systems drop those that fail for long. Made again if wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from taskhub import settings
from taskhub.connectors.hooks import address_of, is_ours, missing
from taskhub.connectors.looking import store
from taskhub.connectors.looking.service import Connect, Secret, lets_in, secrets_of
from taskhub.connectors.outbound import Client, Subscriber
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.events.service import LOOK_TOPIC
from taskhub.failpoints import failpoint
from taskhub.policy.policies import Connection

TOPIC, LOST_TOPIC = "webhooks.due", "webhooks.lost"


@dataclass(frozen=True, slots=True)
class Health:
    """``lacks`` is what nothing sends, ``made`` what of it was made again; ``seen``: something sends to us, or did."""

    lacks: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    seen: bool = True


def ask(tx: Tx, secret: Secret = settings.secret) -> None:
    """Asks every connection that taskhub can log in to. For a calendar job."""
    for connection in tx.policies.connections.values():
        if lets_in(tx, connection, store.watched(tx, connection.key), secret):
            tx.emit(TOPIC, connection.key)


def reached_at(tx: Tx, connection: str, home: str) -> None:
    """An operator has said where taskhub is reached: there missing webhooks are made again."""
    store.watch_with(tx, connection, address=home.rstrip("/"), missing=None, told=False, seen_at=tx.now)


def examined(client: Client, connection: Connection, secrets: Mapping[str, str], watched: Mapping[str, Any]) -> Health:
    """Looks, and makes again what is missing where an operator has said that taskhub is reached.

    An address that somebody over there has written is never sent our secrets: then it is only told what is missing.
    Safe to repeat: whatever is made is looked for first.
    """
    if not hasattr(client, "hooks"):
        return Health(seen=False)
    there, path = cast("Subscriber", client), secrets.get("path", "")
    if watched.get("address"):
        url = address_of(str(watched["address"]), connection.key, path)
        lacks = there.missing(url)
        return Health(tuple(lacks), tuple(there.subscribe(url, secrets) if lacks and connection.renew_webhooks else ()))
    ours = [hook for hook in there.hooks() if hook.live and is_ours(hook, connection.key, path)]
    if not ours and watched.get("seen_at") is None:
        return Health(seen=False)
    return Health(tuple(missing(there, ours) if ours else there.missing("")))


class Examine:
    """Handles ``webhooks.due``."""

    def __init__(self, connect: Connect, secret: Secret = settings.secret) -> None:
        self._connect, self._secret = connect, secret

    def prepare(self, tx: Tx, row: Taken) -> Callable[[], Health] | None:
        """None where the connection has gone, or nobody can log in."""
        connection = tx.policies.connections.get(row.key)
        client = self._connect(connection) if connection is not None else None
        if connection is None or client is None:
            return None
        secrets, watched = secrets_of(connection, self._secret), store.watched(tx, row.key)
        return partial(examined, client, connection, secrets, watched)

    def finish(self, tx: Tx, row: Taken, result: Health) -> None:
        """Notes it. What was lost meanwhile is looked for at once; managers hear once of what stays lost."""
        if not result.seen:
            store.watch_with(tx, row.key, looked_at=tx.now)
            return
        before = store.watched(tx, row.key)
        left = ", ".join(one for one in result.lacks if one not in result.made)
        store.watch_with(
            tx, row.key, looked_at=tx.now, seen_at=tx.now, missing=left or None, told=bool(left),
            **({"asked_at": tx.now} if result.lacks else {}),
        )  # fmt: skip
        failpoint("webhooks.noted")
        if result.lacks:
            tx.emit(LOOK_TOPIC, row.key, {"asked": tx.now.isoformat()})
        if left and not before.get("told"):
            tx.emit(LOST_TOPIC, row.key, {"missing": left})
