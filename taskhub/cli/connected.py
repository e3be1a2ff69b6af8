"""What the doctor looks at in connections: whether taskhub still hears of everything, and has looked by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from taskhub.cli.findings import NOTE, OK, WRONG, Finding

if TYPE_CHECKING:
    from taskhub.db.tx import Tx
    from taskhub.policy.policies import Connection

MISSED = 4  # looks


def of_connections(tx: Tx) -> Iterator[Finding]:
    """One finding for each connection taskhub has begun to look at, and each that is sent nothing any more."""
    from taskhub.cli import queries

    seen = queries.looks(tx)
    yield from _stopped(tx)
    for connection in tx.policies.connections.values():
        if connection.key in seen:
            yield _of(tx, connection, seen[connection.key])


def _stopped(tx: Tx) -> Iterator[Finding]:
    """Who has wanted no more events, at the address that is set."""
    from taskhub.connectors.sending import stops

    for key, at in stops.switched_off(tx).items():
        said = f"sends nothing since {at:%Y-%m-%d %H:%M}Z: it has answered 410"
        todo = f"`taskhub connections resume {key}`, once its receiver takes events again"
        yield Finding(f"events to {key}", WRONG, said, todo)


def _of(tx: Tx, connection: Connection, seen: Mapping[str, Any]) -> Finding:
    from taskhub.connectors.looking.service import UNREADABLE

    name = f"connection {connection.key}"
    if seen["missing"]:
        todo = f"`taskhub connections subscribe {connection.key} https://…` makes what is missing"
        return Finding(name, WRONG, f"nothing over there sends {seen['missing']}", todo)
    refused = seen["refused"] or ""
    if refused.startswith(UNREADABLE):
        todo = "write it under another name and `mv` it into place; taskhub goes on by itself"
        return Finding(name, WRONG, f"nobody logs in: {refused.removeprefix(UNREADABLE)}", todo)
    last = seen["read_at"] or seen["asked_at"]
    if connection.poll and last is not None and tx.now - last > MISSED * connection.poll:
        said = f"taskhub has not looked since {last:%Y-%m-%d %H:%M}Z"
        return Finding(name, WRONG, said, f"see `taskhub connections check {connection.key}`")
    if seen["refused"]:
        return Finding(name, NOTE, f"is not told of {seen['refused']}", "give the user of the key the right to read it")
    told = f"looked at {seen['read_at']:%Y-%m-%d %H:%M}Z" if seen["read_at"] else "not looked at yet"
    return Finding(name, OK, told)
