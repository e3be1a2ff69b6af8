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
    from taskhub.cli import words
    from taskhub.cli.output import as_facts, as_json
    from taskhub.tasks.explained import explain as explained

    with place.existing(data) as db, db.read() as tx:
        said = explained(tx, task, lang.value)
    zone = ZoneInfo(said["time_zone"])
    if json:
        as_json(_local(said, zone))
        return
    names = ("task", "title", "state", "queue", "time_zone")
    said["state"] = words.value(said["state"], lang.value)
    as_facts(words.facts([(name, said[name]) for name in names], lang.value))
    for clock in said["clocks"]:
        _show(clock, zone, lang.value)
    if not said["clocks"]:
        none = "Nothing is promised for this task, or it has not become ready yet."
        typer.echo(f"\n{words.value(none, lang.value)}")


def _show(clock: dict[str, Any], zone: ZoneInfo, lang: str) -> None:
    from taskhub.cli import words
    from taskhub.cli.output import as_facts, as_table

    typer.echo("")
    due = _moment(clock["due_at"], zone) if clock["due_at"] else words.value("when its pause has ended", lang)
    told = [
        ("target", words.value(clock["target"], lang)),
        ("promise", clock["promise"] or words.value("a date given by hand", lang)),
        ("state", clock["state_text"]), ("due", due), ("counted", _length(clock["counted_s"])),
        ("paused", _length(clock["paused_s"])), ("closed", _length(clock["closed_s"])),
        ("together", _length(clock["total_s"])), ("left", _length(clock["remaining_s"])),
    ]  # fmt: skip
    as_facts(words.facts(told, lang))
    rows = [
        (_moment(one["from"], zone), _moment(one["to"], zone), _length((one["to"] - one["from"]).total_seconds()),
         words.value("yes" if one["counted"] else "no", lang), one["text"])
        for one in clock["intervals"]
    ]  # fmt: skip
    as_table(words.head(("from", "to", "length", "counted", "why"), lang), rows)
    if clock["left_off"]:
        typer.echo(words.value("{} more", lang).format(clock["left_off"]))


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
