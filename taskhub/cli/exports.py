"""``taskhub export``: everything the house knows, as files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json


class Format(StrEnum):
    """How rows are written."""

    csv = "csv"
    jsonl = "jsonl"


def export(
    to: Annotated[Path, typer.Argument(metavar="DIR|FILE.zip", help="A folder, made when missing, or one archive.")],
    only: Annotated[str | None, typer.Option(help="Some of it, such as leads,deals,tasks.")] = None,
    format: Annotated[Format, typer.Option(help="csv, or one JSON object a line.")] = Format.csv,
    data: Data = None,
    json: Json = False,
) -> None:
    """Write leads, deals, accounts, contacts, tasks, notes, questions, history, people, queues and events to files.

    All of it as it was at one moment. Leads, deals and open tasks can be brought in again with `taskhub import`.
    """
    from taskhub.cli.output import as_facts, as_json
    from taskhub.exporting import service

    wanted = service.chosen(filter(None, (only or "").replace(" ", "").split(",")))
    with place.existing(data) as db, db.begin(write=False, snapshot=True) as tx:
        if to.suffix == ".zip":
            with to.open("wb") as file:
                counts = service.to_zip(tx, file, wanted, format.value)
        else:
            counts = service.to_folder(tx, to, wanted, format.value)
    if json:
        as_json({"to": str(to), "rows": counts})
    else:
        as_facts(counts.items())
