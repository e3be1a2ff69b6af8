"""``why``: how a task came to its person."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json, Language, TaskId


def why(
    task: TaskId,
    lang: Annotated[Language, typer.Option(help="Language of the sentences.")] = Language.en,
    every: Annotated[bool, typer.Option("--all", help="Show the decisions before it as well.")] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Say why a task is where it is: the decision, everybody who was looked at, and what a re-run says."""
    from taskhub.assignment.installed import asked
    from taskhub.assignment.why import why as explained
    from taskhub.cli.output import as_facts, as_json, as_table

    with place.existing(data) as db, db.read() as tx:
        said = explained(tx, task, lang.value, table=asked(), every=every)
    if json:
        as_json(said)
        return
    names = ("outcome", "agent", "reason", "way", "model", "strategy", "decided_at", "rerun", "rerun_detail")
    as_facts((name.replace("_", " "), said[name]) for name in names)
    if said["candidates"]:
        typer.echo("")
        as_table(("person", "rank", "why not"), [_candidate(one) for one in said["candidates"]])
    if said.get("history"):
        typer.echo("")
        as_table(
            ("before", "agent", "reason"), [(one["decided_at"], one["agent"], one["reason"]) for one in said["history"]]
        )


def _candidate(one: dict[str, Any]) -> tuple[Any, ...]:
    return one["agent"], one["rank"], ", ".join(one["reasons"]) or "-"
