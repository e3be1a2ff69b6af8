"""``doctor``: what a person on call asks first, each answer with what to do about it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taskhub.cli import findings, place
from taskhub.cli.findings import NOTE, OK, WRONG, Finding
from taskhub.cli.options import Data, Json
from taskhub.errors import TaskhubError

if TYPE_CHECKING:
    from taskhub.db.tx import Tx
    from taskhub.settings import Settings


def doctor(
    data: Data = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also what reads whole tables, the chain of history among it: minutes.")
    ] = False,
    json: Json = False,
) -> None:
    """Check environment, database, Redis, clock, policies, work and upkeep; exit code 1 when something is wrong.

    Each finding is ok, a note (look at it in office hours) or wrong (look at it now), and says what to do.
    """
    from taskhub.cli.output import as_json, as_table

    found = list(_findings(data, deep=deep))
    wrong = any(one.state == WRONG for one in found)
    if json:
        as_json({"ok": not wrong, "findings": list(map(asdict, found))})
    else:
        rows = [(one.name, one.state, one.said + (f" → {one.todo}" if one.todo else "")) for one in found]
        as_table(("looked at", "", "what was found → what to do"), rows)
    raise typer.Exit(1 if wrong else 0)


def _findings(data: Path | None, *, deep: bool) -> Iterator[Finding]:
    from taskhub import __version__

    yield Finding("taskhub", OK, f"{__version__} on Python {sys.version.partition(' ')[0]}")
    try:
        found = place.chosen(data)
    except TaskhubError as error:
        yield Finding("environment", WRONG, error.message)
        return
    yield _letters()
    for one in _database(found, data, deep=deep):
        yield replace(one, said=place.aimed(one.said, found), todo=place.aimed(one.todo, found) if one.todo else None)
    yield _redis(found)


def _letters() -> Finding:
    from taskhub.escalation.notifications import channels

    if faults := channels.faults():
        todo = "mend it and start the workers anew with it; letters that go this way wait meanwhile"
        return Finding("environment", WRONG, " ".join(faults), todo)
    return Finding("environment", OK, "every variable that is set can be read")


def _database(found: Settings, data: Path | None, *, deep: bool) -> Iterator[Finding]:
    from taskhub import server
    from taskhub.cli import upkeep

    try:
        with place.existing(data) as db, db.read() as tx:
            said = f"{upkeep.version(tx)} at {server.shown(found)}, the tables are those of this version"
            yield Finding("database", OK, said)
            yield from findings.of_house(tx, deep=deep)
            yield from upkeep.of_database(tx, found.url)
            if deep:
                yield _chain(tx)
    except TaskhubError as error:
        away = error.message.startswith("The database does not answer")
        yield Finding("database", WRONG, error.message, "is its address right, is it running?" if away else None)


def _chain(tx: Tx) -> Finding:
    from taskhub.db import audit

    report = audit.verify(tx.conn)
    if report.ok:
        return Finding("chain", OK, f"{report.rows} rows under {report.seals} seals are as they were written")
    first = report.broken[0]
    return Finding("chain", WRONG, f"seal {first.seal}, row {first.row}: {first.said}", "see `taskhub audit verify`")


def _redis(found: Settings) -> Finding:
    if found.redis_url is None:
        return Finding("redis", OK, "not used: the broker is inside the process")
    from taskhub.bell.broker import Wires, backlog

    try:
        waiting = backlog(Wires(found.redis_url).client(2.0))
    except Exception as error:  # noqa: BLE001
        said = f"does not answer ({type(error).__name__}); work goes on up to a second later"
        return Finding("redis", WRONG, said, "start it again; nothing in it is missed")
    if waiting > 1_000:
        return Finding("redis", NOTE, f"answers, {waiting} hints wait", "nobody fetches them: is a worker running?")
    return Finding("redis", OK, f"answers, {waiting} hints wait")
