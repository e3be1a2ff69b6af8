"""``connections list``, ``check``, ``subscribe``, ``sync``, ``waiting``, ``replay``, ``resume``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json
from taskhub.errors import InvalidInput

if TYPE_CHECKING:
    from taskhub.connectors.checking import Given
    from taskhub.connectors.outbound import Client, Subscriber
    from taskhub.connectors.write_back.queries import Delivery
    from taskhub.db.tx import Tx
    from taskhub.policy.policies import Connection

app = typer.Typer(help="CRMs that send events and are written to.", no_args_is_help=True, rich_markup_mode=None)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The key of a connection.")]
Url = Annotated[str, typer.Argument(metavar="URL", help="Where the CRM reaches taskhub: https://taskhub.example.com")]


@app.command(name="list")
def list_(data: Data = None, json: Json = False) -> None:
    """Show the connections of the active policies, what is on its way to each, and what was given up."""
    from taskhub.cli.output import as_json, as_table
    from taskhub.connectors.write_back import waiting as deliveries
    from taskhub.connectors.write_back.queries import Load

    with place.existing(data) as db, db.read() as tx:
        loads = deliveries.loads(tx)
        rows = [
            {
                "name": one.key, "system": one.system, "tasks": one.write_back.tasks, "acts": one.write_back.acts,
                "sends": one.send is not None, **asdict(loads.get(one.key, Load())),
            }
            for one in tx.policies.connections.values()
        ]  # fmt: skip
    if json:
        as_json({"connections": rows})
        return
    titles = ("name", "system", "tasks", "acts", "sends", "waiting", "failing", "failed")
    as_table(titles, [[row[title] for title in titles] for row in rows])


@app.command()
def waiting(name: Name, data: Data = None, json: Json = False) -> None:
    """Show what is on its way: tasks to be written, acts asked for and events to be sent, with the last reason.

    What was given up stays until `taskhub connections replay NAME` tries it again.
    """
    from taskhub.cli.output import as_json, as_table
    from taskhub.connectors.write_back import waiting as deliveries

    with place.existing(data) as db, db.read() as tx:
        _known(tx, name)
        found = deliveries.of(tx, name)
    if json:
        as_json({"connection": name, "deliveries": list(map(asdict, found))})
        return
    rows = [(one.what, one.about, one.tries, _next(one), one.reason) for one in found]
    as_table(("what", "id", "tries", "next try", "last reason"), rows)


def _next(one: Delivery) -> str:
    return "given up" if one.dead_at else f"{one.due_at:%Y-%m-%d %H:%M:%S}Z"


@app.command()
def replay(name: Name, data: Data = None, json: Json = False) -> None:
    """Try again what was given up: once its cause is gone. Nothing is written twice; events keep their ids."""
    from taskhub.cli.output import as_json
    from taskhub.connectors.write_back import waiting as deliveries

    with place.existing(data) as db, db.begin() as tx:
        _known(tx, name)
        count = deliveries.replay(tx, name)
    if json:
        as_json({"connection": name, "replayed": count})
    else:
        typer.echo(f"{count} to be tried again." if count else "Nothing was given up.")


@app.command()
def resume(name: Name, data: Data = None, json: Json = False) -> None:
    """Send events again to a receiver that had answered 410; what waited leaves within five minutes."""
    from taskhub.cli.output import as_json
    from taskhub.connectors.sending import stops
    from taskhub.db.tx import By

    with place.existing(data) as db, db.begin(By("resume", "integration")) as tx:
        _known(tx, name)
        done = stops.resume(tx, name)
    if json:
        as_json({"connection": name, "resumed": done})
    else:
        typer.echo("Events are sent again." if done else "Nothing was switched off.")


@app.command()
def check(name: Name, data: Data = None, json: Json = False) -> None:
    """Log in and look: credentials, reach, clock, webhooks, maps; exit code 1 when something is wrong.

    Who is sent events gets a signed taskhub.ping. Nothing is changed over there. Each finding is ok, a note or wrong,
    and says what to do.
    """
    from taskhub.cli.output import as_json, as_table
    from taskhub.connectors.checking import WRONG, look
    from taskhub.connectors.clients import client_for, has_client

    given = _given(data, name)
    call = (lambda: client_for(given.connection, given.secrets)) if has_client(given.connection.system) else None
    with _quiet():
        found = list(look(given, call))
    wrong = any(one.state == WRONG for one in found)
    if json:
        as_json({"connection": name, "ok": not wrong, "findings": list(map(asdict, found))})
    else:
        rows = [(one.name, one.state, one.said + (f" → {one.todo}" if one.todo else "")) for one in found]
        as_table(("looked at", "", "what was found → what to do"), rows)
    raise typer.Exit(1 if wrong else 0)


@app.command()
def subscribe(name: Name, url: Url, data: Data = None, json: Json = False) -> None:
    """Make the webhooks that are missing over there; run again, it makes nothing twice."""
    from taskhub.cli.output import as_json
    from taskhub.connectors.clients import client_for
    from taskhub.connectors.looking.health import reached_at
    from taskhub.db.tx import By

    given = _given(data, name)
    address = _address(url, given.connection, given.secrets.get("path"))
    client = client_for(given.connection, given.secrets)
    try:
        with _quiet():
            made = _subscriber(client, given.connection).subscribe(address, given.secrets)
    finally:
        client.close()
    with place.existing(data) as db, db.begin(By("subscribe", "integration")) as tx:
        reached_at(tx, name, url)
    if json:
        as_json({"connection": name, "made": made})
    else:
        typer.echo(f"Made: {', '.join(made)}." if made else "Nothing was missing.")


@app.command()
def sync(
    name: Name,
    data: Data = None,
    create_tasks: Annotated[
        bool, typer.Option("--create-tasks", help="Let rules make work of it, as if all of it were made now.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Make the tasks; without it they are only counted.")] = False,
    json: Json = False,
) -> None:
    """Take in everything the CRM has; from then on taskhub looks by itself. No work is made unless you ask for it."""
    from taskhub.cli import syncing
    from taskhub.cli.output import as_json

    given = _given(data, name)
    with _quiet():
        told = syncing.run(data, given, create_tasks=create_tasks, yes=yes)
    if json:
        as_json(told)
    else:
        typer.echo("\n".join(syncing.words(told)))


def _given(data: Path | None, name: str) -> Given:
    from taskhub import settings
    from taskhub.agents import directory
    from taskhub.clock import real_now
    from taskhub.connectors.checking import Given
    from taskhub.connectors.sending import stops

    with place.existing(data) as db, db.read() as tx:
        found = _known(tx, name)
        _, people = directory.keys(tx)
        secrets = {key: settings.secret(variable) or "" for key, variable in found.secrets.items()}
        return Given(found, secrets, tx.policies, people, real_now, name in stops.switched_off(tx))


def _known(tx: Tx, name: str) -> Connection:
    from taskhub.policy.reading.nearest import nearest

    known = tx.policies.connections
    if name not in known:
        hint = nearest(name, known)
        there = f"There are: {', '.join(sorted(known))}." if known else "connections.toml has none."
        raise InvalidInput(f"There is no connection {name!r}. {f'Did you mean {hint!r}? ' if hint else ''}{there}")
    return known[name]


def _address(url: str, connection: Connection, path: str | None) -> str:
    from taskhub.connectors.hooks import address_of

    if not url.startswith("https://"):
        raise InvalidInput("The address must begin with https://: CRMs send to nothing else.")
    return address_of(url, connection.key, path or "")


def _subscriber(client: Client, connection: Connection) -> Subscriber:
    if not hasattr(client, "subscribe"):
        said = f"{connection.system} has no API for this: set up outbound messages by hand, as the how-to says."
        raise InvalidInput(said)
    return cast("Subscriber", client)


@contextmanager
def _quiet() -> Iterator[None]:
    """The HTTP library's log shows addresses."""
    import logging

    log = logging.getLogger("httpx")
    before = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(before)
