"""Looks at connections: asked for by the clock or a doubt, done between two transactions, stored with their place."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from taskhub import settings
from taskhub.connectors.clients import can_log_in
from taskhub.connectors.looking import labels, store
from taskhub.connectors.looking.looks import look, read_again
from taskhub.connectors.looking.model import Again, Found, Place, Step, is_due
from taskhub.connectors.outbound import Client
from taskhub.connectors.reading import MEDIA_TYPE, Seen
from taskhub.connectors.states import delivery_of, theirs
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.events import service as events
from taskhub.events.model import Delivery
from taskhub.events.service import LOOK_TOPIC
from taskhub.failpoints import failpoint
from taskhub.policy.policies import Connection

POLL = "connection.look"
SOON = timedelta(hours=2)  # a failed look that is tried again within this time is left to itself
NEAR = timedelta(minutes=1)  # what is put off for longer answers nothing that is asked now
AT_ONCE = 500
UNREADABLE = "secrets: "  # how a note begins of a secret that cannot be read
Secret = Callable[[str], str | None]
Connect = Callable[[Connection], Client | None]
"""A client, where taskhub can log in. Whoever gives it keeps it: it serves others, and nobody here closes it."""

log = logging.getLogger(__name__)


def ask(tx: Tx, secret: Secret = settings.secret) -> None:
    """Asks for every look that is due at a connection taskhub can log in to. For a calendar job.

    While an earlier one waits to be tried again soon, or as long as the other side has asked for, there is no other.
    """
    for connection in tx.policies.connections.values():
        seen = store.watched(tx, connection.key)
        if not is_due(connection, seen.get("asked_at"), tx.now) or not lets_in(tx, connection, seen, secret):
            continue
        waits = store.next_try(tx, POLL, connection.key)
        if waits is None or waits > tx.now + SOON:
            store.watch_with(tx, connection.key, asked_at=tx.now)
            tx.emit(LOOK_TOPIC, connection.key, {"asked": tx.now.isoformat()})


def lets_in(tx: Tx, connection: Connection, seen: Mapping[str, Any], secret: Secret) -> bool:
    """Whether taskhub can log in. A secret that cannot be read keeps its own connection only, and that is told once.

    ``seen`` is what is known of the looks at it.
    """
    before = seen.get("refused") or ""
    try:
        known = secrets_of(connection, secret)
    except InvalidInput as error:
        said = UNREADABLE + error.message
        if before != said:
            log.warning("connection %s is left out: %s", connection.key, error.message)
            store.watch_with(tx, connection.key, refused=said)
        return False
    if before.startswith(UNREADABLE):
        store.watch_with(tx, connection.key, refused=None)
    return can_log_in(connection, known)


class Look:
    """Handles ``connection.due``: a poll of everything that is followed, or of one noun since a moment."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    def prepare(self, tx: Tx, row: Taken) -> Callable[[], Found] | None:
        """None where another look has taken its place, or the connection has gone."""
        connection = tx.policies.connections.get(row.key)
        asked = row.payload.get("asked")
        overtaken = asked is not None and _instant(store.watched(tx, row.key).get("asked_at")) != asked
        client = None if connection is None or overtaken else self._connect(connection)
        if connection is None or client is None:
            return None
        places, known = store.places(tx, row.key), labels.labelled(tx, connection)
        if asked is not None:
            stale = labels.stale(tx, connection)
            return partial(look, client, known, places, stale=stale)
        noun, since = str(row.payload["noun"]), datetime.fromisoformat(row.payload["since"])
        begun = {noun: places.get(noun) or Place(noun, since, since.isoformat())}
        return partial(look, client, known, begun, [noun])

    def finish(self, tx: Tx, row: Taken, result: Found) -> None:
        """What was found and how far that is, together or not at all."""
        store_found(tx, row.key, result)


class Reread:
    """Handles ``record.dirty``: one record as it is now. Key: noun:OUR-ID."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    def prepare(self, tx: Tx, row: Taken) -> Callable[[], Again] | None:
        """None where the same record is asked for once more, or nobody can be asked."""
        connection = tx.policies.connections.get(row.payload["connection"])
        if connection is None or _asked_again(tx, row):
            return None
        noun, _, id_ = row.key.partition(":")
        client = self._connect(connection)
        if client is None:
            # Nobody can be asked, so what the sender said holds.
            told = Again(Seen(noun, theirs(id_, connection), tx.now))
            return (lambda: told) if row.payload.get("gone") else None
        place = store.places(tx, connection.key).get(noun)
        known = labels.labelled(tx, connection)
        return partial(read_again, client, known, noun, theirs(id_, connection), place, born=row.payload["born"])

    def finish(self, tx: Tx, row: Taken, result: Again) -> None:
        """The state goes the way of every event."""
        connection = tx.policies.connections.get(row.payload["connection"])
        if connection is None:
            return
        failpoint("reread.asked")
        _learn(tx, connection.key, result.seen.noun, result)
        keep(tx, connection.key, [delivery_of(result.seen, labels.labelled(tx, connection))])


def store_found(tx: Tx, connection: str, found: Found) -> int:
    """Stores a look; places that somebody else has moved on meanwhile stay. Returns how many records were new."""
    fresh = keep(tx, connection, found.deliveries)
    failpoint("look.stored")
    known = store.places(tx, connection, locked=True)
    for step in found.steps:
        _learn(tx, connection, step.after.noun, step)
        now = known.get(step.after.noun)
        if now is None:
            store.add_place(tx, connection, step.after)
        elif step.before is None or now.cursor == step.before.cursor:
            store.move_place(tx, connection, replace(step.after, begun_at=min(now.begun_at, step.after.begun_at)))
    refused = "; ".join(f"{noun}: {why}" for noun, why in found.refused.items()) or None
    store.watch_with(tx, connection, read_at=tx.now, found=fresh, refused=refused)
    return fresh


def keep(tx: Tx, connection: str, deliveries: Sequence[Delivery]) -> int:
    """Takes what was read into the inbox. Returns how much of it was new."""
    fresh = 0
    for start in range(0, len(deliveries), AT_ONCE):
        some = deliveries[start : start + AT_ONCE]
        told = events.ingest(tx, some, b"", {}, MEDIA_TYPE, connection=connection, quarantine_clash=True)
        fresh += sum(one.status == "accepted" for one in told)
    return fresh


def _learn(tx: Tx, connection: str, noun: str, said: Step | Again) -> None:
    if said.options is not None:
        store.keep_options(tx, connection, noun, said.options)
    elif said.mute:
        store.keep_refusal(tx, connection, noun)


def _asked_again(tx: Tx, row: Taken) -> bool:
    urgent = row.payload["born"] or row.payload.get("gone")
    return not urgent and store.later_one(tx, row, tx.after(NEAR))


def secrets_of(connection: Connection, secret: Secret) -> dict[str, str]:
    """The values of its secrets, "" where a variable is not set."""
    return {name: secret(variable) or "" for name, variable in connection.secrets.items()}


def _instant(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
