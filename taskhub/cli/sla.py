"""``sla explain``: how the time of a task was counted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json, Language, TaskId

app = typer.Typer(help="Promised times.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def promised() -> None:
    """Promised times."""


@app.command()
def explain(
    task: TaskId,
    lang: Annotated[Language, typer.Option(help="Language of the sentences.")] = Language.en,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show each stretch of a task's time: whether it counted, and why. Times are those of the queue's zone."""
    from taskhub.cli.output import as_facts, as_json
    from taskhub.tasks.explained import explain as explained

    with place.existing(data) as db, db.read() as tx:
        said = explained(tx, task, lang.value)
    zone = ZoneInfo(said["time_zone"])
    if json:
        as_json(_local(said, zone))
        return
    as_facts((name.replace("_", " "), said[name]) for name in ("task", "title", "state", "queue", "time_zone"))
    for clock in said["clocks"]:
        _show(clock, zone)
    if not said["clocks"]:
        typer.echo("\nNothing is promised for this task, or it has not become ready yet.")


def _show(clock: dict[str, Any], zone: ZoneInfo) -> None:
    from taskhub.cli.output import as_facts, as_table

    typer.echo("")
    due = _moment(clock["due_at"], zone) if clock["due_at"] else "when its pause has ended"
    as_facts(
        (("target", clock["target"]), ("promise", clock["promise"] or "a date given by hand"),
         ("state", clock["state_text"]), ("due", due), ("counted", _length(clock["counted_s"])),
         ("paused", _length(clock["paused_s"])), ("closed", _length(clock["closed_s"])),
         ("together", _length(clock["total_s"])), ("left", _length(clock["remaining_s"])))
    )  # fmt: skip
    rows = [
        (_moment(one["from"], zone), _moment(one["to"], zone), _length((one["to"] - one["from"]).total_seconds()),
         "yes" if one["counted"] else "no", one["text"])
        for one in clock["intervals"]
    ]  # fmt: skip
    as_table(("from", "to", "length", "counted", "why"), rows)
    if clock["left_off"]:
        typer.echo(f"{clock['left_off']} more")


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def _length(seconds: float) -> str:
    from taskhub.calendars import format_duration

    return format_duration(timedelta(seconds=seconds), days=False)


def _local(value: Any, zone: ZoneInfo) -> Any:
    """The same with every instant as text in that zone, its offset beside it."""
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat()
    if isinstance(value, dict):
        return {name: _local(one, zone) for name, one in value.items()}
    return [_local(one, zone) for one in value] if isinstance(value, list) else value
