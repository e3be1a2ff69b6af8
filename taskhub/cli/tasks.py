"""``why``, ``sla explain``: how a task came to its person, and how its time was counted."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json

if TYPE_CHECKING:
    from taskhub.db.tx import Tx
    from taskhub.tasks.model import Task

sla = typer.Typer(help="Promised times.", no_args_is_help=True, rich_markup_mode=None)


class Language(StrEnum):
    """The languages of sentences."""

    en = "en"
    fr = "fr"


TaskId = Annotated[str, typer.Argument(metavar="TASK", help="The id of a task.")]


@sla.callback()
def promised() -> None:
    """Promised times."""


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


@sla.command()
def explain(task: TaskId, data: Data = None, json: Json = False) -> None:
    """Show each stretch of a task's time: whether it counted, and why."""
    from taskhub.cli.output import as_facts, as_json, as_table
    from taskhub.tasks import service as tasks

    with place.existing(data) as db, db.read() as tx:
        found = tasks.get(tx, task)
        shown = _clocks(tx, found)
        said: dict[str, Any] = {"task": found.id, "title": found.title, "state": found.state, "clocks": shown}
    if json:
        as_json(said)
        return
    as_facts((name, said[name]) for name in ("task", "title", "state"))
    for clock in shown:
        typer.echo("")
        as_facts((name.replace("_", " "), clock[name]) for name in ("target", "state", "due_at", "counted"))
        columns = ("from", "to", "counted", "why")
        rows = [[one["from"], one["to"], "yes" if one["counted"] else "no", one["why"]] for one in clock["intervals"]]
        as_table(columns, rows)


def _candidate(one: dict[str, Any]) -> tuple[Any, ...]:
    return one["agent"], one["rank"], ", ".join(one["reasons"]) or "-"


def _clocks(tx: Tx, task: Task) -> list[dict[str, Any]]:
    from taskhub.tasks import clocks

    calendar = tx.policies.calendar_of(task.queue)
    return [_clock(clock, calendar, tx) for clock in clocks.of(tx, task)]


def _clock(clock: Any, calendar: Any, tx: Tx) -> dict[str, Any]:
    from taskhub.sla import times
    from taskhub.sla.ledger import counted_time, ledger

    entries = ledger(clock, calendar, tx.now)
    counted = counted_time(entries)
    return {
        "target": clock.name, "state": times.state(clock, calendar, tx.now), "due_at": times.due_at(clock, calendar),
        "counted_s": counted.total_seconds(), "counted": str(counted).partition(".")[0],
        "intervals": [
            {"from": one.starts_at, "to": one.ends_at, "counted": one.counted, "why": one.text} for one in entries
        ],
    }  # fmt: skip
