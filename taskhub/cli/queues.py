"""``queue list``, ``show``, ``staffing``, ``lend``, ``period``: how queues are served, by the same acts as the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json

if TYPE_CHECKING:
    from datetime import datetime, timedelta


app = typer.Typer(
    help="How queues are served now, and from when on otherwise.", no_args_is_help=True, rich_markup_mode=None
)
Queue = Annotated[str, typer.Argument(metavar="QUEUE", help="The key of a queue.")]
From = Annotated[str | None, typer.Option("--from", metavar="TIME", help="When it begins; default: now.")]
Until = Annotated[str, typer.Option(metavar="TIME", help="When it ends, such as 2026-01-31T18:00:00Z.")]


@app.command("list")
def list_(data: Data = None, json: Json = False) -> None:
    """Say how each queue is served, and where that comes from."""
    from taskhub.api import queue_view
    from taskhub.cli.output import as_json, as_table

    with place.existing(data) as db, db.read() as tx:
        said = queue_view.lines(tx, list(tx.policies.queues), {})
    for line in said:
        for name in ("counts", "breached", "next_start_by"):
            del line[name]
    if json:
        as_json({"items": said})
        return
    head = ("queue", "model", "strategy", "from", "state", "planned", "lent", "ahead")
    as_table(head, map(_row, said))


def _row(line: dict[str, Any]) -> tuple[Any, ...]:
    state = "closed" if line["closed"] else "paused" if line["paused"] else "-"
    counts = [len(line[name]) or "-" for name in ("planned", "loans", "periods")]
    return line["key"], line["model"], line["strategy"], line["staffing"]["source"], state, *counts


@app.command()
def show(key: Queue, data: Data = None, json: Json = False) -> None:
    """Show one queue: the file's staffing, the switch that holds, what is planned, how long its work waits at most."""
    from taskhub.api import queue_view
    from taskhub.cli.output import as_facts, as_json, as_table
    from taskhub.queues import service as queues

    with place.existing(data) as db, db.read() as tx:
        file = queues.known(tx, key)
        said = {**queue_view.lines(tx, [key], {})[0], **queue_view.depth(tx, file)}
    del said["counts"]
    if json:
        as_json(said)
        return
    names = ("key", "model", "strategy", "closed", "paused", "people_on_shift")
    as_facts([*((name.replace("_", " "), said[name]) for name in names), ("from", said["staffing"]["source"])])
    for name in ("planned", "loans", "periods"):
        for one in said[name]:
            typer.echo(f"{name}: " + ", ".join(f"{k} {v}" for k, v in one.items() if v not in (None, {})))
    typer.echo("")
    bounds = [
        (name, _hours(one["max_wait_s"]), one["ahead"], _hours(one["wait_s"])) for name, one in said["bound"].items()
    ]
    as_table(("priority", "longest wait", "tasks ahead", "at this pace"), bounds)


def _hours(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds / 3600:.1f} h"


@app.command()
def staffing(
    key: Queue,
    model: Annotated[str, typer.Argument(metavar="MODEL", help='A staffing model, or "file" to return to the file.')],
    params: Annotated[str, typer.Option(help='Its parameters as JSON, such as {"teams": ["front-line"]}.')] = "{}",
    strategy: Annotated[str | None, typer.Option(help="A strategy; default: the file's.")] = None,
    at: Annotated[str, typer.Option(metavar="WHEN", help="now, next_shift or a time.")] = "now",
    data: Data = None,
    json: Json = False,
) -> None:
    """Switch a queue to another model, now or from a time on; unstarted pushed work returns to the queue then."""
    from taskhub.acts import staffing as acts
    from taskhub.api import staffing_shown
    from taskhub.cli.output import as_json
    from taskhub.queues import service as queues

    asked = {"model": None if model == "file" else model, "params": _object(params), "strategy": strategy}
    when: Any = at if at in ("now", "next_shift") else _time("--at", at)
    with place.acting(data, "queue.switch") as tx:
        made, returned = acts.switch(tx, queues.known(tx, key), asked, when)
    if json:
        as_json({"switch": staffing_shown.switch(made), "returned": returned})
        return
    typer.echo(
        f"{key} is served as {model} from {made.effective_at:%Y-%m-%d %H:%M}Z on; {len(returned)} tasks returned."
    )


@app.command()
def lend(
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="Who is lent, by key.")],
    key: Queue,
    until: Until,
    begin: From = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Lend a person to a queue until a time; it ends by itself."""
    from taskhub.acts import lending
    from taskhub.api import staffing_shown, staffing_words
    from taskhub.cli.output import as_json
    from taskhub.queues import service as queues

    with place.acting(data, "agent.lend") as tx:
        since = _time("--from", begin) if begin else None
        made, warned = lending.lend(tx, agent, queues.named(tx, key), since, _time("--until", until))
    warnings = staffing_words.warnings([(one.code, one.facts) for one in warned], "en")
    if json:
        as_json({**staffing_shown.lending(made), "warnings": warnings})
        return
    typer.echo(f"{agent} helps in {key} until {made.until_at:%Y-%m-%d %H:%M}Z.")
    for one in warnings:
        typer.echo(f"warning: {one['message']}", err=True)


@app.command()
def period(
    key: Queue,
    until: Until,
    ahead_by: Annotated[str, typer.Option(metavar="SPAN", help="How far ahead, in open time: 8h.")],
    begin: From = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Put a queue ahead of others for a time: month-end."""
    from taskhub.acts import month_end
    from taskhub.api import staffing_shown
    from taskhub.cli.output import as_json
    from taskhub.queues import service as queues

    with place.acting(data, "queue.period") as tx:
        since = _time("--from", begin) if begin else None
        made = month_end.put(tx, queues.known(tx, key), since, _time("--until", until), _span(ahead_by))
    if json:
        as_json(staffing_shown.period(made))
        return
    typer.echo(f"{key} goes {ahead_by} ahead until {made.until_at:%Y-%m-%d %H:%M}Z.")


def _time(option: str, text: str) -> datetime:
    from taskhub.errors import InvalidInput
    from taskhub.events.times import read_instant

    try:
        return read_instant(text)
    except ValueError as error:
        raise InvalidInput(f"{option}: {text[:40]!r} {error}; write 2026-01-31T18:00:00Z.") from None


def _span(text: str) -> timedelta:
    from taskhub.calendars import parse_duration
    from taskhub.errors import InvalidInput

    try:
        return parse_duration(text)
    except ValueError as error:
        raise InvalidInput(f"--ahead-by: {error}.") from None


def _object(text: str) -> dict[str, Any]:
    from taskhub.errors import InvalidInput
    from taskhub.events.reading import read_json

    found = read_json(text.encode())
    if not isinstance(found, dict):
        raise InvalidInput('--params is a JSON object such as {"teams": ["front-line"]}.')
    return found
