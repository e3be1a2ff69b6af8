"""``plugin list``, ``plugin reset``: strategies and staffing models of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json
from taskhub.errors import InvalidInput

if TYPE_CHECKING:
    from taskhub.assignment.foreign.service import Failing

app = typer.Typer(help="Strategies and staffing models.", no_args_is_help=True, rich_markup_mode=None)
QueueKey = Annotated[str, typer.Argument(metavar="QUEUE", help="The key of a queue.")]


@app.command(name="list")
def list_(json: Json = False) -> None:
    """Show what is installed, and what could not be loaded; exit code 1 when anything could not."""
    from taskhub.assignment.installed import plugins
    from taskhub.assignment.registry import built_ins
    from taskhub.cli.output import as_json, as_table

    found, own = plugins(), built_ins()
    rows = [
        {"what": what, "name": name, "version": version, "built_in": (name, version) in mine}
        for what, known, mine in (
            ("strategy", found.strategies, own.strategies), ("staffing model", found.models, own.models),
        )
        for name, version in known
    ]  # fmt: skip
    if json:
        as_json({"plugins": rows, "broken": dict(found.broken)})
    else:
        as_table(
            ("what", "name", "version", "from"),
            [[row["what"], row["name"], row["version"], "taskhub" if row["built_in"] else "a plug-in"] for row in rows],
        )
        for name, why in found.broken.items():
            typer.echo(f"{name} cannot be used: {why}", err=True)
    raise typer.Exit(1 if found.broken else 0)


@app.command()
def reset(queue: QueueKey, data: Data = None, json: Json = False) -> None:
    """Ask a queue's plug-ins again that were left out after three failures in a row."""
    from taskhub.assignment.foreign import service as foreign
    from taskhub.cli.output import as_json

    with place.existing(data) as db, db.begin() as tx:
        if queue not in tx.policies.queues:
            raise InvalidInput(f"There is no queue {queue!r}. Queues: {', '.join(sorted(tx.policies.queues))}.")
        before = [_failing(one) for one in foreign.failing(tx, queue)]
        foreign.reset(tx, queue)
    if json:
        as_json({"queue": queue, "reset": before})
        return
    for one in before:
        typer.echo(f"{one['plugin']} is asked again; it had failed {one['failures']} times in a row: {one['error']}")
    if not before:
        typer.echo(f"No plug-in had failed in {queue}.")


def _failing(one: Failing) -> dict[str, Any]:
    return {"plugin": one.name, "failures": one.failures, "error": one.error, "at": one.at, "out": one.out}
