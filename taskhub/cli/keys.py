"""``key create``: the first key of a new database, and keys for programs."""

from __future__ import annotations

from typing import Annotated

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json

app = typer.Typer(help="API keys.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def keys() -> None:
    """API keys."""


@app.command()
def create(
    role: Annotated[str, typer.Option(help="agent, rep, manager, director, admin, integration or auditor.")],
    name: Annotated[str, typer.Option(help="What it is for; shown in lists.")],
    agent: Annotated[str | None, typer.Option(help="The person it belongs to, by key.")] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make an API key and print it, once: it is stored as a hash."""
    from taskhub.access import service as access
    from taskhub.cli.output import as_json
    from taskhub.db.tx import By

    with place.made(data) as db, db.begin(By("command line"), act="key.create") as tx:
        id_, key = access.issue_key(tx, role, name, agent)
    if json:
        as_json({"id": id_, "key": key, "role": role, "name": name, "agent": agent})
    else:
        typer.echo(key)
