"""``db upgrade``, ``db check``, ``db forget``: the tables and what is kept in them."""

from __future__ import annotations

from typing import Annotated

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
def forget(
    data: Data = None,
    json: Json = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many of what would go.")] = False,
) -> None:
    """Delete now what is older than TASKHUB_KEEP_… says; workers do so by themselves, a little every ten minutes."""
    from taskhub.acts import forget as forgetting
    from taskhub.cli.output import as_json, as_table

    keep = place.chosen(data).keep
    counts, more = dict.fromkeys((part.name for part in forgetting.PARTS), 0), True
    with place.existing(data) as db:
        while more:
            with db.begin(write=not dry_run) as tx:
                some, more = (forgetting.census(tx, keep), False) if dry_run else forgetting.forget(tx, keep)
            counts = {name: counts[name] + some[name] for name in counts}
    if json:
        as_json({"dry_run": dry_run, "forgotten": counts})
    else:
        as_table(("what", "would go" if dry_run else "went"), [(name, str(count)) for name, count in counts.items()])


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
