"""``doctor``: what a person on call asks first, each answer with what to do about it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json
from taskhub.errors import TaskhubError

if TYPE_CHECKING:
    from taskhub.db.tx import Tx
    from taskhub.settings import Settings

SKEW = 5.0
SWEPT = 30.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``state`` is ok, note or wrong."""

    name: str
    state: str
    said: str


def doctor(data: Data = None, json: Json = False) -> None:
    """Check environment, database, Redis, clock, policies and invariants; exit code 1 when something is wrong."""
    from taskhub.cli.output import as_json, as_table

    findings = list(_findings(data))
    wrong = any(one.state == "wrong" for one in findings)
    if json:
        as_json({"ok": not wrong, "findings": list(map(asdict, findings))})
    else:
        as_table(("looked at", "", "what was found"), [(one.name, one.state, one.said) for one in findings])
    raise typer.Exit(1 if wrong else 0)


def _findings(data: Path | None) -> Iterator[Finding]:
    from taskhub import __version__

    yield Finding("taskhub", "ok", f"{__version__} on Python {sys.version.partition(' ')[0]}")
    try:
        found = place.chosen(data)
    except TaskhubError as error:
        yield Finding("environment", "wrong", error.message)
        return
    yield Finding("environment", "ok", "every variable that is set can be read")
    yield from _database(found, data)
    yield _redis(found)


def _database(found: Settings, data: Path | None) -> Iterator[Finding]:
    from taskhub import server

    try:
        with place.existing(data) as db, db.read() as tx:
            yield Finding("database", "ok", f"{server.shown(found)}, the tables are those of this version")
            yield _clock(tx)
            yield _policies(tx)
            yield _ledger(tx)
            yield _workers(tx)
            yield _rules(tx)
            yield _plugins(tx)
    except TaskhubError as error:
        yield Finding("database", "wrong", error.message)


def _clock(tx: Tx) -> Finding:
    from taskhub.clock import real_now

    skew = abs((tx.real_now - real_now()).total_seconds())
    if skew > SKEW:
        return Finding("clock", "wrong", f"the database's clock differs by {skew:.0f} s from this machine's: use NTP")
    if tx.now < tx.real_now:
        return Finding("clock", "note", f"a demo's clock: it is {tx.now:%Y-%m-%d %H:%M}Z there")
    return Finding("clock", "ok", f"{skew:.1f} s apart from this machine's")


def _policies(tx: Tx) -> Finding:
    if not tx.policies.hash:
        return Finding("policies", "wrong", "none are active: run `taskhub config apply`")
    said = (
        f"{len(tx.policies.queues)} queues, {len(tx.policies.kinds)} kinds, {len(tx.policies.rules)} rules are active"
    )
    return Finding("policies", "ok", said)


def _ledger(tx: Tx) -> Finding:
    from taskhub.db import leftovers

    census = leftovers.census(tx.conn, tx.now)
    said = ", ".join(f"{count} {name}" for name, count in census.items())
    if census["dead"]:
        return Finding("ledger", "wrong", f"{said}: see `taskhub ledger dead`")
    return Finding("ledger", "ok", said)


def _workers(tx: Tx) -> Finding:
    from taskhub.cli import queries

    since = queries.last_sweep_s(tx)
    if since is None or since > SWEPT:
        when = "has ever looked" if since is None else f"has looked for {since:.0f} s"
        return Finding("workers", "note", f"none {when}: start `taskhub serve` or `taskhub worker`")
    return Finding("workers", "ok", f"one looked {max(since, 0):.0f} s ago")


def _rules(tx: Tx) -> Finding:
    from taskhub.cli import queries

    broken = queries.broken_rules(tx)
    return Finding("invariants", "wrong" if broken else "ok", "; ".join(broken) or "hold")


def _plugins(tx: Tx) -> Finding:
    from taskhub.assignment import passes
    from taskhub.assignment.foreign import service as foreign
    from taskhub.assignment.installed import plugins

    said = [f"{name} cannot be used: {why}" for name, why in plugins().broken.items()]
    failing = foreign.failing(tx)
    said += [
        f"{one.name} failed {one.failures} times in a row in {one.queue} ({one.error})"
        + (f" and is left out: `taskhub plugin reset {one.queue}`" if one.out else "")
        for one in failing
        if one.failures
    ]
    gone = [
        f"{name} is not installed, built-ins stand in for it in {key}: install it, or change queues.toml or the switch"
        for key, facts in passes.in_force_now(tx, tuple(tx.policies.queues)).queues.items()
        for name in facts.missing
    ]
    said += gone
    state = "wrong" if gone or any(one.out for one in failing) else "note" if said else "ok"
    return Finding("plug-ins", state, "; ".join(said) or "every one answers")


def _redis(found: Settings) -> Finding:
    if found.redis_url is None:
        return Finding("redis", "ok", "not used: the broker is inside the process")
    from taskhub.bell.broker import Wires, backlog

    try:
        waiting = backlog(Wires(found.redis_url).client(2.0))
    except Exception as error:  # noqa: BLE001
        said = f"does not answer ({type(error).__name__}); work goes on up to a second later"
        return Finding("redis", "wrong", said)
    return Finding("redis", "ok", f"answers, {waiting} hints wait")
