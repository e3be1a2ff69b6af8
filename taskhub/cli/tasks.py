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
    from taskhub.cli.output import as_json
    from taskhub.tasks import service as tasks

    with place.existing(data) as db, db.read() as tx:
        said = explained(tx, task, lang.value, table=asked(), every=every)
        queue = tx.policies.queues.get(tasks.get(tx, task).queue)
    if json:
        as_json(said)
    else:
        _show(said, queue.mode if queue else "pull", lang.value)


def _show(said: dict[str, Any], mode: str, lang: str) -> None:
    from taskhub.cli import words
    from taskhub.cli.output import as_facts, as_table

    shown = {name: words.value(said[name], lang) for name in ("outcome", "rerun")} | {
        "way": words.way(said, mode, lang)
    }
    names = ("outcome", "agent", "reason", "way", "model", "strategy", "decided_at", "rerun", "rerun_detail")
    as_facts(words.facts([(name, shown.get(name, said[name])) for name in names], lang))
    if said["candidates"]:
        typer.echo("")
        head = words.head(("person", "rank", "why not"), lang)
        as_table(head, [_candidate(one, lang) for one in said["candidates"]])
    if said.get("history"):
        typer.echo("")
        as_table(
            words.head(("before", "agent", "reason"), lang),
            [(one["decided_at"], one["agent"], one["reason"]) for one in said["history"]],
        )


def _candidate(one: dict[str, Any], lang: str) -> tuple[Any, ...]:
    from taskhub.assignment.decision_words import why_not

    return one["agent"], one["rank"], "; ".join(why_not(code, lang) for code in one["reasons"]) or "-"
