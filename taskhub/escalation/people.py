"""Loads the people a task may concern, and whoever may take their place, round by round until nobody is new."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from taskhub.agents import availability
from taskhub.db.tx import Tx
from taskhub.escalation import store
from taskhub.escalation.addressing import Concern, Directory
from taskhub.escalation.whereabouts import House, Known
from taskhub.tasks.model import Task

MOST_ROUNDS = 8


def concern_of(tx: Tx, task: Task) -> Concern:
    """Whose task it is now."""
    queue = tx.policies.queues.get(task.queue)
    own = [row.team for row in store.people(tx, [task.agent])] if task.agent else []
    return Concern(task.agent, tuple(own or [*(queue.teams if queue else ()), *task.extra_teams]))


def directory_of(tx: Tx, concern: Concern, notify: Sequence[str]) -> Directory:
    """Everybody the task may concern, as they stand now."""
    return house_of(tx, [concern.holder] if concern.holder else [], concern.teams, notify).at(tx.now)


def house_of(
    tx: Tx, holders: Iterable[str], teams: Iterable[str], notify: Iterable[str], *, ahead: bool = False
) -> House:
    """Everybody whom holders, teams and addressees come to. ``ahead``: with every absence planned, not of now alone."""
    named = _named(notify)
    people = _known(tx, store.people_of(tx, named["team"], named["role"]) if named["team"] or named["role"] else [])
    found: dict[str, Any] = {}
    wanted, asked = {*named["agent"], *holders}, {*teams, *named["team"]}
    for _ in range(MOST_ROUNDS):
        near = {one.team for one in people.values()} | asked
        found |= {row.key: row for row in store.teams(tx, near - found.keys())}
        wanted |= {key for row in found.values() for key in (row.leader, *row.managers) if key}
        wanted |= {one.stand_in for one in people.values() if one.stand_in}
        fresh = _known(tx, store.people(tx, wanted - people.keys()))
        people |= fresh
        if not fresh:
            break
    if ahead:
        people = _planned(tx, people)
    return House(people, {k: t.leader for k, t in found.items()}, {k: tuple(t.managers) for k, t in found.items()})


def _named(notify: Iterable[str]) -> dict[str, list[str]]:
    asked = list(notify)
    return {
        kind: [to.partition(":")[2] for to in asked if to.startswith(f"{kind}:")] for kind in ("agent", "team", "role")
    }


def _known(tx: Tx, rows: Collection[Any]) -> dict[str, Known]:
    return {row.key: _person(tx, row) for row in rows}


def _person(tx: Tx, row: Any) -> Known:
    return Known(
        row.key, row.name, row.email, row.language, row.time_zone, row.team, row.stand_in, tuple(row.roles),
        row.active, row.presence, row.presence_until, availability.weekly(row.shifts or {}),
        ((tx.now, None),) if row.absence else (),
    )  # fmt: skip


def _planned(tx: Tx, people: dict[str, Known]) -> dict[str, Known]:
    away = store.absences(tx, people.keys())
    return {key: replace(person, absences=tuple(away.get(key, ()))) for key, person in people.items()}
