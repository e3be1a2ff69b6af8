"""``db upgrade``, ``db check``: the tables."""

from __future__ import annotations

import typer

from taskhub.cli import place
from taskhub.cli.guard import fail
from taskhub.cli.options import Data, Json

app = typer.Typer(help="The tables of the database.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def upgrade(data: Data = None) -> None:
    """Create the tables, or bring them to this version. May run in several places at once."""
    from taskhub import bootstrap, server

    found = place.chosen(data)
    bootstrap.make_tables(found)
    typer.echo(f"The tables in {server.shown(found)} are up to date.")


@app.command()
def check(data: Data = None, json: Json = False) -> None:
    """Say whether this version can use the tables; exit code 1 when not."""
    from taskhub.cli.output import as_json
    from taskhub.db import migrate

    found = place.chosen(data)
    place.check_file(found)
    problems = migrate.check(found.url)
    if json:
        as_json({"ok": not problems, "problems": problems})
        raise typer.Exit(1 if problems else 0)
    if problems:
        fail(*problems)
    typer.echo("The tables are those of this version.")
