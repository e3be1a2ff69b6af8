"""A rehearsal of the next hours says exactly what fires, to whom and who was meant, when nobody does anything."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from taskhub.calendars import OpenTime
from taskhub.db.tables import absence, escalation
from taskhub.escalation import upcoming
from taskhub.policy.policies import Policies
from taskhub.policy.promise import COMPLETION, FIRST_START, EscalationPolicy, SlaPolicy, Step
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind
from taskhub.tasks import service as tasks
from tests.service.climb import HOUR, MONDAY, Desk, person, policies

LADDERS = 5
TASKS = 12
AHEAD = 30.0
TARGETS = ("agent", "leader", "manager", "role:manager", "agent:ben", "team:office", "url:OPS")
SHIFTS = (None, {"mon": ["09:00-12:00"]}, {"tue": ["08:00-18:00"]}, {"mon": ["22:00-06:00"], "wed": ["09:00-17:00"]})


def ladder(dice: random.Random) -> tuple[Step, ...]:
    return tuple(step(dice) for _ in range(dice.randint(2, 6)))


def step(dice: random.Random) -> Step:
    when: dict[str, Any] = dice.choice(
        [
            {"at_fraction": dice.choice((0.25, 0.5, 0.75, 1.0, 1.5))},
            {"overdue_for": dice.choice((0, 1, 2, 4, 8)) * HOUR},
            {"paused_for": dice.choice((1, 2, 5)) * HOUR},
        ]
    )
    does = {"notify": tuple(dice.sample(TARGETS, dice.randint(0, 3)))}
    moves = dice.choice(({}, {}, {"reassign": "queue"}, {"reassign": "leader"}, {"raise_priority": 1}))
    again = {"repeat_every": dice.choice((3, 7)) * HOUR} if not moves and dice.random() < 0.4 else {}
    widen = {"widen": ("office",)} if dice.random() < 0.2 else {}
    target = FIRST_START if "paused_for" not in when and dice.random() < 0.25 else COMPLETION
    return Step(**when, business_time=dice.random() < 0.6, **does, **moves, **again, **widen, target=target)


def set_of(dice: random.Random) -> Policies:
    numbers = range(LADDERS)
    kinds = {f"k{n}": Kind(f"k{n}", LocalText(f"K{n}"), "contracts", sla=f"s{n}") for n in numbers}
    steps = {f"l{n}": EscalationPolicy(f"l{n}", ladder(dice)) for n in numbers}
    sla = {f"s{n}": promise(f"s{n}", steps[f"l{n}"], dice) for n in numbers}
    return replace(policies((), timedelta(days=90)), kinds=kinds, sla=sla, escalations=steps)


def promise(key: str, climbs: EscalationPolicy, dice: random.Random) -> SlaPolicy:
    """Of a start as well where the ladder speaks of one, and now and then where it does not."""
    hours = dice.choice((2, 4, 8, 12))
    asked = any(step.target == FIRST_START for step in climbs.steps)
    start = OpenTime(dice.choice((1, hours / 2)) * HOUR) if asked or dice.random() < 0.3 else None
    return SlaPolicy(key, OpenTime(hours * HOUR), first_start=start, escalation=climbs.key)


def furnish(desk: Desk, dice: random.Random) -> None:
    for key in ("ana", "ben", "lea", "leo", "max"):
        desk.change(key, capacity=100, shifts=dice.choice(SHIFTS))
        if dice.random() < 0.5:
            begin = MONDAY + dice.randint(0, 60) * HOUR
            with desk.at() as tx:
                row = {"id": f"a-{key}", "agent": key, "from_at": begin, "until_at": begin + dice.randint(1, 40) * HOUR}
                tx.conn.execute(insert(absence).values(row))
    desk.change("ben", presence="away", presence_until=MONDAY + dice.randint(0, 50) * HOUR)


def one_task(desk: Desk, dice: random.Random) -> None:
    kind, holder = f"k{dice.randrange(LADDERS)}", dice.choice((None, "ana", "lea", "max"))
    made = desk.new(holder, started=holder is not None and dice.random() < 0.7, kind=kind)
    task = desk.task(made)
    if task.state == "in_progress" and dice.random() < 0.6:
        with desk.at(by=person(str(holder))) as tx:
            token = tasks.leases(tx, [tasks.get(tx, made)])[made].token
            until = desk.now + dice.randint(1, 30) * HOUR
            tasks.pause(tx, made, dice.choice(("customer", "set_aside")), until, token)
    elif holder is not None and dice.random() < 0.2:
        with desk.at(by=person(holder)) as tx:
            tasks.acknowledge(tx, made)


@pytest.fixture
def desk(database_url: str, seed: int) -> Iterator[Desk]:
    one = Desk(database_url, set_of(random.Random(seed)))
    yield one
    one.db.close()


def fired_since(desk: Desk, since: datetime) -> set[tuple[Any, ...]]:
    with desk.at() as tx:
        rows = tx.conn.execute(select(escalation).where(escalation.c.at > since)).all()
    return {
        (row.task, row.step, row.repetition, row.due_at, told(row.effects["notified"])) for row in rows if row.step >= 0
    }


def told(entries: list[dict[str, Any]]) -> frozenset[tuple[Any, ...]]:
    names = ("asked", "agent", "instead_of", "because")
    return frozenset(tuple(one.get(name) for name in names) for one in entries)


@pytest.mark.parametrize("seed", range(8))
def test_what_is_rehearsed_is_what_happens(desk: Desk, seed: int) -> None:
    dice = random.Random(1000 + seed)
    furnish(desk, dice)
    for _ in range(TASKS):
        desk.pass_to(desk.now + dice.randint(0, 3) * HOUR)
        one_task(desk, dice)
    start = desk.now + timedelta(minutes=dice.randint(1, 59))
    desk.pass_to(start)
    with desk.at() as tx:
        found = upcoming.rehearsal(tx, AHEAD)
    assert not found.more
    foreseen = {
        (one.task, one.rung.step, one.rung.repetition, one.rung.due_at,
         frozenset((r.told.asked, r.told.agent, r.told.instead_of, r.told.because) for r in one.reached))
        for one in found.foreseen
    }  # fmt: skip
    desk.pass_to(start + AHEAD * HOUR)
    happened = fired_since(desk, start)
    assert foreseen == happened
    assert len(foreseen) == len(found.foreseen)


@pytest.mark.parametrize("seed", [2])
def test_the_seeds_try_what_matters(desk: Desk, seed: int) -> None:
    """The stories above are worth something: steps of every kind fire in them, people are stood in for, pauses end."""
    dice = random.Random(1000 + seed)
    furnish(desk, dice)
    for _ in range(TASKS):
        desk.pass_to(desk.now + dice.randint(0, 3) * HOUR)
        one_task(desk, dice)
    desk.pass_to(desk.now + 60 * HOUR)
    happened = fired_since(desk, MONDAY)
    assert len(happened) > 20
    assert any(to[2] for row in happened for to in row[4])
    assert any(row[2] > 0 for row in happened)
    set_, kinds = set_of(random.Random(seed)), {row[0]: desk.task(row[0]).kind for row in happened}
    ladders = {task: set_.escalations[f"l{kind[1:]}"] for task, kind in kinds.items()}
    assert {ladders[row[0]].steps[row[1]].target for row in happened} == {COMPLETION, FIRST_START}
