"""Labels of what people choose from over there: learnt on looks, kept for every process that reads events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import cast

from taskhub.connectors.looking import store
from taskhub.connectors.outbound import Chooser, Client, Record
from taskhub.connectors.pipedrive.options import unlabelled
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
    known = {noun: options for noun, (options, _) in _known(tx, connection).items()}
    return replace(connection, options=known) if known else connection


def stale(tx: Tx, connection: Connection) -> frozenset[str]:
    """The nouns whose options were read too long ago."""
    return frozenset(noun for noun, (_, at) in _known(tx, connection).items() if at < tx.now - FRESH)


def knowing(client: Client, connection: Connection, noun: str, rows: Sequence[Record], *, anew: bool) -> Knowing:
    """Asks what the mapped fields of ``noun`` offer, where ``rows`` show something nobody knows, or ``anew``.

    While that is refused, ids stay ids: the records themselves are told.
    """
    keys = sorted(set(connection.fields.get(noun, {}).values()))
    if not keys or not hasattr(client, "options"):
        return Knowing(connection)
    known = connection.options.get(noun, {})
    if not anew and known.keys() >= set(keys) and not any(unlabelled(noun, row, connection) for row in rows):
        return Knowing(connection)
    try:
        learnt = cast("Chooser", client).options(noun, keys)
    except REFUSALS as error:
        return Knowing(connection, refused=error.message)
    return Knowing(with_options(connection, noun, learnt), learnt)


def with_options(connection: Connection, noun: str, options: Mapping[str, Options | None] | None) -> Connection:
    """``connection``, with what was learnt of ``noun``."""
    return connection if options is None else replace(connection, options={**connection.options, noun: options})


def _known(tx: Tx, connection: Connection) -> store.Known:
    return store.options(tx, connection.key) if connection.fields and connection.system == "pipedrive" else {}
