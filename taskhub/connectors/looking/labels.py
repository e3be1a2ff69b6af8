"""Labels of what people choose from over there: learnt on looks, kept for every process that reads events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import cast

from taskhub.clock import real_now
from taskhub.connectors.looking import store
from taskhub.connectors.outbound import Chooser, Client, Record
from taskhub.connectors.reading import OPTIONS_REST
from taskhub.connectors.states import tells_ids, unlabelled
from taskhub.db.tx import Tx
from taskhub.errors import Conflict, Forbidden, InvalidInput, NotFound
from taskhub.policy.policies import Connection, Options

REFUSALS = (Conflict, Forbidden, InvalidInput, NotFound)
FRESH = timedelta(days=1)  # options are renamed, too


@dataclass(frozen=True, slots=True)
class Knowing:
    """A connection with the labels of today. ``learnt``: what was asked for just now; ``refused``: why it was not."""

    connection: Connection
    learnt: Mapping[str, Options | None] | None = None
    refused: str | None = None


def labelled(tx: Tx, connection: Connection) -> Connection:
    """``connection`` with what is known of its options."""
    known = _known(tx, connection)
    if not known:
        return connection
    options = {noun: one.offered for noun, one in known.items()}
    return replace(connection, options=options, asked_options={noun: one.asked_at for noun, one in known.items()})


def stale(tx: Tx, connection: Connection) -> frozenset[str]:
    """The nouns whose options were read too long ago, or not all of them."""
    if not tells_ids(connection):
        return frozenset()
    since, known = tx.now - FRESH, _known(tx, connection).items()
    whole = {noun for noun, one in known if one.read_at >= since and _covers(one.offered, connection, noun)}
    return frozenset(connection.fields.keys() - whole)


def knowing(client: Client, connection: Connection, noun: str, rows: Sequence[Record], *, anew: bool) -> Knowing:
    """Asks what the mapped fields of ``noun`` offer: ``anew``, or where ``rows`` show something nobody knows.

    The latter not again within the hour, and while it is refused ids stay ids: the records themselves are told.
    """
    keys = sorted(set(connection.fields.get(noun, {}).values()))
    if not keys or not hasattr(client, "options"):
        return Knowing(connection)
    if not anew and not _in_want(client, connection, noun, rows):
        return Knowing(connection)
    try:
        learnt = cast("Chooser", client).options(noun, keys)
    except REFUSALS as error:
        return Knowing(connection, refused=error.message)
    return Knowing(with_options(connection, noun, learnt), learnt)


def with_options(connection: Connection, noun: str, options: Mapping[str, Options | None] | None) -> Connection:
    """``connection``, with what was learnt of ``noun``."""
    return connection if options is None else replace(connection, options={**connection.options, noun: options})


def _in_want(client: Client, connection: Connection, noun: str, rows: Sequence[Record]) -> bool:
    asked = connection.asked_options.get(noun)
    if asked is not None and (client.clock() or real_now()) < asked + OPTIONS_REST:
        return False
    known = connection.options.get(noun, {})
    return not _covers(known, connection, noun) or any(unlabelled(noun, row, connection) for row in rows)


def _covers(known: store.Offered, connection: Connection, noun: str) -> bool:
    """Whether every mapped field of ``noun`` was read."""
    return known.keys() >= set(connection.fields.get(noun, {}).values())


def _known(tx: Tx, connection: Connection) -> Mapping[str, store.Known]:
    return store.options(tx, connection.key) if connection.fields and tells_ids(connection) else {}
