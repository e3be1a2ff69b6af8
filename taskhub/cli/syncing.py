"""``connections sync``: everything a CRM has, taken in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from taskhub.cli import place

if TYPE_CHECKING:
    from taskhub.acts.first_sync import Stock
    from taskhub.connectors.checking import Given
    from taskhub.connectors.looking.model import Found, Step
    from taskhub.db.database import Database

AT_ONCE = 500


def read(given: Given, *, quiet: bool) -> Found:
    """Everything over there, object by object, with a line for each."""
    from taskhub.connectors.clients import client_for
    from taskhub.connectors.looking.looks import take_stock
    from taskhub.connectors.looking.model import NOUNS, Found

    client = client_for(given.connection, given.secrets)
    steps: list[Step] = []
    refused: dict[str, str] = {}
    try:
        for noun in NOUNS[given.connection.system]:
            one = take_stock(client, given.connection, [noun], quiet=quiet)
            steps += one.steps
            refused |= one.refused
            said = refused.get(noun) or f"{len(one.deliveries)} read"
            typer.echo(f"{noun}: {said}", err=True)
    finally:
        client.close()
    return Found(steps, refused)


def take(db: Database, connection: str, found: Found) -> int:
    """Stores it piece by piece, and at the end where looks begin. Begun again, it goes on: nothing is stored twice."""
    from dataclasses import replace

    from taskhub.connectors.looking import service as looking
    from taskhub.connectors.looking.model import Found
    from taskhub.db.tx import By

    by = By("sync", "integration")
    deliveries, fresh = found.deliveries, 0
    for start in range(0, len(deliveries), AT_ONCE):
        with db.begin(by) as tx:
            fresh += looking.keep(tx, connection, deliveries[start : start + AT_ONCE])
        typer.echo(f"{min(start + AT_ONCE, len(deliveries))} of {len(deliveries)} stored", err=True)
    with db.begin(by) as tx:
        looking.store_found(
            tx, connection, Found([replace(step, deliveries=()) for step in found.steps], found.refused)
        )
    return fresh


def run(data: Path | None, given: Given, *, create_tasks: bool, yes: bool) -> dict[str, Any]:
    """What was found, and what was done about it."""
    from taskhub.acts.first_sync import preview

    found = read(given, quiet=not create_tasks)
    with place.existing(data) as db:
        with db.read() as tx:
            stock = preview(tx, found.deliveries)
        done = yes or not create_tasks
        stored = take(db, given.connection.key, found) if done else 0
    return {
        "connection": given.connection.key,
        **_told(stock),
        "refused": dict(found.refused),
        "done": done,
        "stored": stored,
    }


def words(told: Mapping[str, Any]) -> list[str]:
    """The same for people."""
    parts = [
        f"{count} {noun}{'' if count == 1 else 's'} ({told['new'].get(noun, 0)} unknown here)"
        for noun, count in told["records"].items()
    ]
    lines = [f"Over there: {', '.join(parts)}." if parts else "There is nothing over there."]
    tasks = ", ".join(f"{count} {kind}" for kind, count in told["tasks"].items())
    if tasks:
        lines.append(f"Tasks {'made of it' if told['done'] else 'that would be made'}: {tasks}.")
    if told["unread"]:
        kept = "GET /api/v1/events?state=quarantined lists them"
        lines.append(f"{told['unread']} make no sense under the maps; they are kept: {kept}.")
    for noun, why in told["refused"].items():
        lines.append(f"Not told of {noun}: {why}")
    if told["done"]:
        lines.append(f"{told['stored']} were new and are taken in; workers apply them.")
    else:
        lines.append("Nothing was written. Run it again with --yes to go on.")
    return lines


def _told(stock: Stock) -> dict[str, Any]:
    return {
        "records": dict(stock.records), "new": {noun: n for noun, n in stock.new.items() if n},
        "tasks": dict(stock.tasks), "unread": stock.unread,
    }  # fmt: skip
