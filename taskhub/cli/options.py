"""Options that many commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Language(StrEnum):
    """The languages of sentences."""

    en = "en"
    fr = "fr"


Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="Folder of the SQLite database. Default: ./data, or TASKHUB_DATABASE_URL."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes any free one.")]
TaskId = Annotated[str, typer.Argument(metavar="TASK", help="The id of a task.")]
