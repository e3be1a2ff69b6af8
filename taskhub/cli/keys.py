"""``key create``, ``list``, ``revoke``: the first key of a new database, and keys for programs."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json

app = typer.Typer(help="API keys.", no_args_is_help=True, rich_markup_mode=None)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
COLUMNS = ("id", "name", "role", "agent", "created_at", "expires_at", "revoked_at")


@app.callback()
def keys() -> None:
    """API keys."""


@app.command()
def create(
    role: Annotated[str, typer.Option(help="agent, rep, manager, director, admin, integration or auditor.")],
    name: Annotated[str, typer.Option(help="What it is for; shown in lists.")],
    agent: Annotated[str | None, typer.Option(help="The person it belongs to, by key.")] = None,
    expires: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="When it ends: 90d, 2027-01-31T18:00:00Z, or the begin of a day in UTC."),
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make an API key and print it, once: it is stored as a hash."""
    from taskhub.access import service as access
    from taskhub.cli.output import as_json
    from taskhub.db.tx import By

    with place.made(data) as db, db.begin(By("command line"), act="key.create") as tx:
        expires_at = _end(expires, tx.real_now) if expires is not None else None
        id_, key = access.issue_key(tx, role, name, agent, expires_at=expires_at)
    if json:
        as_json({"id": id_, "key": key, "role": role, "name": name, "agent": agent, "expires_at": expires_at})
    else:
        typer.echo(key)


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 100,
    data: Data = None,
    json: Json = False,
) -> None:
    """List API keys without their secrets, newest first: those of people and those of programs."""
    from taskhub.access import service as access
    from taskhub.cli.output import as_json, as_table

    with place.existing(data) as db, db.read() as tx:
        found = access.seen_keys(tx, None, limit + 1)
    listed = found[:limit]
    if json:
        as_json({"items": listed})
    elif listed:
        as_table(("id", "name", "role", "person", "created", "expires", "revoked"), map(_row, listed))
    else:
        typer.echo("There are no keys.")
    if len(found) > limit:
        typer.echo(f"There are older ones; ask for more than {limit}.", err=True)


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="The id that `key list` shows; it stands in the key too.")],
    data: Data = None,
    json: Json = False,
) -> None:
    """End an API key at once."""
    from taskhub.access import service as access
    from taskhub.cli.output import as_json
    from taskhub.errors import NotFound

    with place.acting(data, "key.revoke") as tx:
        try:
            access.revoke_key(tx, key)
        except NotFound:
            raise NotFound(f"There is no key {key}. `taskhub key list` shows them.") from None
    if json:
        as_json({"id": key})
        return
    typer.echo(f"The key {key} is revoked.")


def _row(key: dict[str, Any]) -> list[Any]:
    return [key[column] for column in COLUMNS]


def _end(text: str, real_now: datetime) -> datetime:
    from taskhub.calendars import parse_duration
    from taskhub.errors import InvalidInput
    from taskhub.events.times import LAST_YEAR, read_instant

    try:
        if _DAY.fullmatch(text):
            at = datetime.fromisoformat(f"{text}T00:00:00+00:00")
        else:
            at = read_instant(text) if "-" in text else real_now + parse_duration(text)
    except (ValueError, OverflowError):
        form = f"{text[:40]!r} is neither a duration such as 90d nor a time such as 2027-01-31 or 2027-01-31T18:00:00Z"
        raise InvalidInput(f"--expires: {form}.") from None
    if at.year > LAST_YEAR:
        raise InvalidInput(f"--expires: must end by the year {LAST_YEAR}; leave it out for a key without an end.")
    return at
