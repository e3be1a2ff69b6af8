"""Options that many commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

LONGEST = 500


class Language(StrEnum):
    """The languages of sentences."""

    en = "en"
    fr = "fr"


def _line(told: str) -> str:
    if not told.strip() or len(told) > LONGEST:
        raise typer.BadParameter(f"say why, in at most {LONGEST} characters")
    return told.strip()


Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="Folder of the SQLite database. Default: ./data, or TASKHUB_DATABASE_URL."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes any free one.")]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in history.", callback=_line)]
TaskId = Annotated[str, typer.Argument(metavar="TASK", help="The id of a task.")]
