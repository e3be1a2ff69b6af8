"""``db upgrade``, ``db check``, ``db forget``, ``db copy``: the tables, what is kept in them, moving them elsewhere."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from taskhub import settings
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
        fail(*(place.aimed(one, found) for one in problems))
    typer.echo("The tables are those of this version.")


Address = Annotated[str, typer.Argument(help="postgresql://…, sqlite:///FILE, or the folder of a SQLite database.")]


@app.command()
def copy(source: Address, target: Address, json: Json = False) -> None:
    """Copy everything from one database to another, empty one, and check it: counts, contents, the chain of history.

    Stop taskhub first: what is written to the source afterwards stays behind. The source is not changed.
    """
    from taskhub import bootstrap
    from taskhub.cli.output import as_json, as_table
    from taskhub.db import audit, copying, engine

    origin, goal = _address(source), _address(target)
    if origin.startswith("sqlite:///") and not Path(origin.removeprefix("sqlite:///")).is_file():
        fail(f"There is no database at {source}.")
    if "://" not in target:
        bootstrap.make_folder(Path(target))
    done = copying.copy(origin, goal, _progress)
    looker = engine.writer(goal, 1)
    try:
        with looker.connect() as conn:
            report = audit.verify(conn)
    finally:
        looker.dispose()
    if json:
        as_json({"tables": list(map(asdict, done)), "chain": {"ok": report.ok, "rows": report.rows}})
    else:
        as_table(("table", "rows"), [(one.table, one.rows) for one in done if one.rows])
        typer.echo(f"{sum(one.rows for one in done)} rows are there and the same.")
    if not report.ok:
        fail(f"But the chain of history is broken, as it was in the source: {report.broken[0].said}.")


def _address(given: str) -> str:
    if "://" not in given:
        return f"sqlite:///{Path(given) / 'taskhub.db'}"
    if not given.startswith(settings.ADDRESSES):
        scheme = given.partition("://")[0]
        fail(f"{scheme}:// is no database taskhub knows; use postgresql://…, sqlite:///FILE or a folder.")
    return given


def _progress(table: str, rows: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{table}: {rows:,}")
        sys.stderr.flush()
