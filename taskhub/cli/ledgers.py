"""``ledger dead``, ``ledger replay``, ``ledger discard``: work that failed for good, another try, and its giving up."""

from __future__ import annotations

from typing import Annotated

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json, Why
from taskhub.errors import NotFound

app = typer.Typer(help="The ledger of work to do: what failed for good.", no_args_is_help=True, rich_markup_mode=None)
Id = Annotated[int, typer.Argument(metavar="ID", help="The id that `ledger dead` shows.")]
COLUMNS = ("id", "handler", "key", "attempts", "dead_at", "error")


@app.command()
def dead(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    handler: Annotated[str | None, typer.Option(help="Only of this handler.")] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """List what failed on its last try, newest first."""
    from taskhub.cli.output import as_json, as_table
    from taskhub.db import leftovers

    with place.existing(data) as db, db.read() as tx:
        rows = leftovers.dead(tx.conn, limit=limit, handler=handler)
    if json:
        as_json({"items": [{**{name: row[name] for name in COLUMNS}, "payload": row["payload"]} for row in rows]})
    elif rows:
        as_table(COLUMNS, [[str(row[name] or "").partition("\n")[0][:80] for name in COLUMNS] for row in rows])
    else:
        typer.echo("Nothing has failed for good.")


@app.command()
def replay(
    row: Id,
    data: Data = None,
    json: Json = False,
) -> None:
    """Let a dead row be tried again from the start; workers take it at once."""
    from taskhub.cli.output import as_json
    from taskhub.db import deaths

    with place.acting(data, "message.replay") as tx:
        _found(row, deaths.replay(tx, row))
    if json:
        as_json({"id": row, "due_at": tx.now})
    else:
        typer.echo(f"Row {row} is due again.")


@app.command()
def discard(
    row: Id,
    reason: Why,
    data: Data = None,
    json: Json = False,
) -> None:
    """Give a dead row up: it is never tried again. What it was about stays as its failure left it."""
    from taskhub.cli.output import as_json
    from taskhub.db import deaths

    with place.acting(data, "message.discard") as tx:
        _found(row, deaths.discard(tx, row, reason))
    if json:
        as_json({"id": row, "discarded_at": tx.now})
    else:
        typer.echo(f"Row {row} is given up.")


def _found(row: int, dead: object) -> None:
    if dead is None:
        raise NotFound(f"No dead row has the id {row}. `taskhub ledger dead` lists them.")
