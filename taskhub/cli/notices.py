"""``notifications dead``, ``replay``, ``discard``, ``escalation rehearse``: who was not reached, who will be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json, Why
from taskhub.errors import InvalidInput

if TYPE_CHECKING:
    from taskhub.escalation.notifications.dead import Refused

notifications = typer.Typer(help="Messages nobody took.", no_args_is_help=True, rich_markup_mode=None)
escalation = typer.Typer(help="Late work finds somebody.", no_args_is_help=True, rich_markup_mode=None)
COLUMNS = ("id", "channel", "addressee", "tries", "dead_at", "subject", "reason")


@notifications.command()
def dead(
    failing: Annotated[bool, typer.Option("--failing", help="What is still being tried, instead.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 100,
    data: Data = None,
    json: Json = False,
) -> None:
    """List messages that could not be sent, newest first, each with the reason."""
    from taskhub.cli.output import as_json, as_table
    from taskhub.escalation.notifications import dead as letters

    with place.existing(data) as db, db.read() as tx:
        found, more = letters.refused(tx, dead=not failing, limit=limit)
    if json:
        as_json({"items": list(map(_facts, found))})
    elif found:
        as_table(COLUMNS, [[str(_facts(one)[name] or "-")[:80] for name in COLUMNS] for one in found])
    else:
        typer.echo("Every message was taken.")
    if more is not None:
        typer.echo(f"There are older ones; ask for more than {limit}.", err=True)


@notifications.command()
def replay(
    letter: Annotated[str | None, typer.Argument(metavar="ID", help="The id that `notifications dead` shows.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every dead message.")] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Send dead messages again, under their own ids; workers take them at once."""
    from taskhub.cli.output import as_json
    from taskhub.escalation.notifications import dead as letters

    if (letter is None) != all_:
        raise InvalidInput("Name one message by its id, or say --all.")
    with place.acting(data, "notification.replay") as tx:
        again = letters.replay(tx, None, letter)
    if json:
        as_json({"replayed": list(map(_facts, again))})
        return
    typer.echo(f"{len(again)} {'message is' if len(again) == 1 else 'messages are'} due again.")


@notifications.command()
def discard(
    letter: Annotated[str, typer.Argument(metavar="ID", help="The id that `notifications dead` shows.")],
    reason: Why,
    data: Data = None,
    json: Json = False,
) -> None:
    """Give a dead message up: it is never sent."""
    from taskhub.cli.output import as_json
    from taskhub.escalation.notifications import dead as letters

    with place.acting(data, "notification.discard") as tx:
        gone = letters.discard(tx, None, letter, reason)
    if json:
        as_json({"discarded": list(map(_facts, gone))})
        return
    typer.echo("The message is given up.")


@escalation.callback()
def late() -> None:
    """Late work finds somebody."""


@escalation.command()
def rehearse(
    hours: Annotated[float, typer.Option(min=0.01, max=336, help="How far ahead.")] = 8.0,
    queue: Annotated[str | None, typer.Option(help="Only this queue.")] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Say what will escalate if nobody does anything, to whom, and whether they will be at work."""
    from taskhub.cli.output import as_json, as_table
    from taskhub.escalation import upcoming
    from taskhub.queues import service as queues

    with place.existing(data) as db, db.read() as tx:
        wanted = [queues.known(tx, queue).key] if queue else None
        found = upcoming.rehearsal(tx, hours, wanted)
        items = found.items()
    if json:
        as_json({"now": found.now, "until": found.until, "more": found.more, "items": items})
        return
    if items:
        as_table(("due", "task", "queue", "step", "does", "tells"), [_line(one) for one in items])
    else:
        of = f" of the {upcoming.MOST_TASKS} tasks looked at" if found.more else ""
        typer.echo(f"Nothing{of} escalates until {found.until:%Y-%m-%d %H:%M}Z.")
    if found.more:
        typer.echo("Further tasks fall due later; ask for fewer hours, or for one queue.", err=True)


def _facts(one: Refused) -> dict[str, Any]:
    from dataclasses import asdict

    return {name: value for name, value in asdict(one).items() if name != "row"}


def _line(one: dict[str, Any]) -> tuple[Any, ...]:
    does = ", ".join(f"{name} {value}" for name, value in one["does"].items()) or "-"
    number = f"{one['escalation']} {one['step']}" + (f" ({one['repetition'] + 1}.)" if one["repetition"] else "")
    number += " to start" if one["target"] == "first_start" else ""
    tells = "; ".join(dict.fromkeys(map(_told, one["tells"]))) or "-"
    return one["due_at"], one["title"], one["queue"], number, does, tells


def _told(one: dict[str, Any]) -> str:
    name = one["name"] or one["agent"] or one["asked"]
    instead = f" instead of {one['instead_of']} ({one['because']})" if one["instead_of"] else ""
    there = f", not at work: {one['why_not']}" if one["at_work"] is False else ""
    return f"{name}{instead}{there}"
