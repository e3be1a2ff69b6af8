"""``events replay``: recorded deliveries through the real intake, and the tasks they make."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json

app = typer.Typer(help="Events from outside.", no_args_is_help=True, rich_markup_mode=None)
SILENCE = 2.0


@app.callback()
def events() -> None:
    """Events from outside."""


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="File or folder: JSON, one JSON a line, XML, or headers with a body.")],
    source: Annotated[
        str, typer.Option(help="pipedrive, salesforce, dynamics, hubspot, cloudevents, or the key of a connection.")
    ],
    data: Data = None,
    json: Json = False,
) -> None:
    """Feed recorded payloads through the intake and apply them; print what became of them."""
    from taskhub import bootstrap, logs, settings
    from taskhub.cli import intake
    from taskhub.cli.output import as_facts, as_json
    from taskhub.cli.pieces import pieces

    logs.set_up(settings.read().log_format, level="WARNING")
    with place.made(data) as db:
        bootstrap.make_policies(db, settings.read().config)
        with db.read() as tx:
            chosen = intake.source_of(tx.policies, source)
        count = intake.replay(db, chosen, pieces(file), _refused, _progress())
    names = ("accepted", "duplicate", "ignored", "quarantined", "refused", "tasks")
    said = {name: getattr(count, name) for name in names}
    if json:
        as_json(said)
    else:
        as_facts(said.items())


def _refused(line: str) -> None:
    typer.echo(f"refused: {line}", err=True)


class _progress:  # noqa: N801  used as a function that remembers when it last spoke
    """Says how far it is, every two seconds."""

    def __init__(self) -> None:
        self._at = time.monotonic()

    def __call__(self, line: str) -> None:
        if time.monotonic() - self._at > SILENCE:
            self._at = time.monotonic()
            sys.stderr.write(f"{line} …\n")
