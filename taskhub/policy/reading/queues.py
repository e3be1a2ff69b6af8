"""queues.toml: where tasks wait and who serves them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from taskhub.policy.reading.table import KEY, Table, keyed, shown
from taskhub.policy.reading.values import free, word
from taskhub.policy.reading.wording import local, named
from taskhub.policy.work import DEFAULT_MAX_WAIT, PRIORITIES, Queue, Staffing

_TEAM_PARAMS = ("teams", "overflow_teams")


@dataclass(frozen=True, slots=True)
class Installed:
    """Names of what can serve a queue: strategies, staffing models, orders.

    ``gone``: strategies and models of other names were installed when the set was accepted, and will do.
    """

    strategies: Collection[str]
    models: Collection[str]
    orders: Collection[str]
    gone: bool = False


def read(root: Table, installed: Installed) -> dict[str, Queue]:
    """Every queue by its key."""
    found = keyed(root, "queue", "queue", lambda entry, key: _queue(entry, key, installed))
    root.done()
    return found


def _queue(entry: Table, key: str, installed: Installed) -> Queue:
    return Queue(
        key=key,
        name=local(entry, "name"),
        teams=_teams(entry),
        calendar=entry.ref("calendar", "calendar", required=True) or "",
        staffing=_staffing(entry, installed),
        mode=entry.choice("mode", ("push", "pull"), "pull"),
        lease_for=entry.duration("lease_for", timedelta(minutes=15)),
        rotation=word(entry, "rotation"),
        order=entry.choice("order", sorted(installed.orders), "urgency"),
        max_wait=_max_wait(entry),
        accept_for=entry.opt_duration("accept_for"),
        max_misses=entry.opt_whole("max_misses", least=1, most=100),
        pick=entry.choice("pick", ("never", "reason", "free"), "reason"),
        skip_budget=entry.opt_whole("skip_budget", least=0, most=1_000),
        skip_reasons=named(entry, "skip_reasons"),
        on_idle=entry.choice("on_idle", ("hold", "return"), "hold"),
        hold_for=entry.duration("hold_for", timedelta(hours=4)),
        cool_down=entry.duration("cool_down", timedelta(hours=1)),
        front_line=entry.flag("front_line"),
        paused_counts=entry.flag("paused_counts"),
        closed=entry.flag("closed"),
        paused=entry.flag("paused"),
    )


def _teams(entry: Table) -> tuple[str, ...]:
    teams = entry.words("teams", required=True)
    for index, team in enumerate(teams):
        if not KEY.fullmatch(team):
            entry.problem(("teams", index), f"{shown(team)} is no team key; use lower-case letters, digits, - and _.")
    return teams


def _staffing(entry: Table, installed: Installed) -> Staffing:
    table = entry.table("staffing", required=True)
    if table is None:
        return Staffing("")
    staffing = Staffing(
        model=_plugin(table, "model", installed.models, installed, required=True) or "",
        params=_params(table),
        strategy=_plugin(table, "strategy", installed.strategies, installed) or "least_loaded",
        strategy_params=free(table, "strategy_params"),
    )
    table.done()
    return staffing


def _plugin(
    table: Table, key: str, known: Collection[str], installed: Installed, *, required: bool = False
) -> str | None:
    if installed.gone:
        return table.opt_text(key, required=required)
    return table.opt_choice(key, sorted(known), required=required)


def _params(table: Table) -> Mapping[str, object]:
    """The models judge their own parameters; here only the form of what names teams is looked at."""
    params = free(table, "params")
    below = table.table("params")
    for key in _TEAM_PARAMS if below else ():
        value = params.get(key, [])
        if below and not (isinstance(value, list) and all(isinstance(team, str) for team in value)):
            below.wrong(key, 'a list of teams such as ["front-line"]', value)
    if below and not isinstance(params.get("team", ""), str):
        below.wrong("team", "the key of one team in quotes", params["team"])
    return params


def _max_wait(entry: Table) -> dict[str, timedelta]:
    waits = dict(DEFAULT_MAX_WAIT)
    table = entry.table("max_wait")
    if table is None:
        return waits
    for priority in PRIORITIES:
        waits[priority] = table.duration(priority, waits[priority])
    table.done()
    for lower, higher in pairwise(PRIORITIES):
        if waits[higher] > waits[lower]:
            key = higher if table.has(higher) else lower
            table.problem(key, f"{higher} would wait longer than {lower}; a higher priority must not wait longer.")
    return waits
