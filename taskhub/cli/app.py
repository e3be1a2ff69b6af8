"""The program: its groups of commands, in the order in which people meet them."""

from __future__ import annotations

from typing import Annotated

import typer

from taskhub import __version__
from taskhub.cli import (
    audit,
    configs,
    connections,
    databases,
    doctor,
    duplicates,
    events,
    exports,
    imports,
    keys,
    ledgers,
    notices,
    plugins,
    questions,
    queues,
    sales,
    search,
    serving,
    sla,
    tasks,
)
from taskhub.cli.guard import Guarded

app = typer.Typer(
    name="taskhub",
    cls=Guarded,
    help="A task queue for back offices: sales events become tasks, each with a deadline and the right person.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Options before the command."""


app.command()(serving.serve)
app.command()(serving.demo)
app.command()(serving.api)
app.command()(serving.worker)
app.add_typer(databases.app, name="db")
app.add_typer(configs.app, name="config")
app.add_typer(keys.app, name="key")
app.add_typer(events.app, name="events")
app.add_typer(connections.app, name="connections")
app.add_typer(queues.app, name="queue")
app.add_typer(sla.app, name="sla")
app.add_typer(sales.app, name="sales")
app.add_typer(duplicates.app, name="duplicates")
app.add_typer(imports.app, name="import")
app.command()(exports.export)
app.add_typer(questions.app, name="questions")
app.command()(search.search)
app.add_typer(search.index, name="search-index")
app.command()(tasks.why)
app.add_typer(plugins.app, name="plugin")
app.add_typer(ledgers.app, name="ledger")
app.add_typer(notices.notifications, name="notifications")
app.add_typer(notices.escalation, name="escalation")
app.add_typer(audit.app, name="audit")
app.command()(doctor.doctor)
