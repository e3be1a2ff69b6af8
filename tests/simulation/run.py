"""Runs one seed: who acts next is drawn, each step from a chance of its own, so that steps can be left out."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from taskhub.acts.activate import activate
from taskhub.db.tx import SYSTEM
from taskhub.db.types import instant_of, text_of
from tests.simulation import claims, people, recount, repetitions, sender
from tests.simulation.house import SETS, policies
from tests.simulation.ledger_watch import GIVE_BACK, PROLONG, Deed, Wrong
from tests.simulation.task_watch import Doing
from tests.simulation.world import Ground, World

STEPS = 500
NEXT = "select min(due_at) from message where done_at is null and dead_at is null and due_at > ?"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run: ``wrong`` is empty where everything held, ``digest`` names the trace byte for byte.

    deaths: of processes, at a statement or a failpoint · events: in the inbox at the end.
    """

    seed: int
    steps: int
    wrong: str
    digest: str
    deaths: int
    events: int
    log: list[str] = field(repr=False, default_factory=list)


# ── the clock ────────────────────────────────────────────────────────────────────────────────────────────────────────
def tick(world: World) -> str:
    world.pass_(timedelta(milliseconds=world.chance.randint(50, 1500)))
    return "time passes"


def next_due(world: World) -> str:
    (at,) = world.raw.execute(NEXT, (text_of(world.now),)).fetchone()
    span = instant_of(at) - world.now if at else timedelta(minutes=1)
    world.pass_(min(span, timedelta(hours=3)))
    return f"on to what is due next, {span}"


def minutes(world: World) -> str:
    world.pass_(timedelta(minutes=world.chance.choice((2, 10, 16, 45))))
    return "minutes pass"


def outage(world: World) -> str:
    world.pass_(timedelta(seconds=world.chance.choice((15, 60, 600, 4000))), looked=False)
    return "nobody looked meanwhile"


def step_back(world: World) -> str:
    world.pass_(-timedelta(milliseconds=world.chance.randint(100, 3000)))
    return "the clock goes back"


# ── workers ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def work(world: World) -> str:
    """A worker that has rows runs one; one that has none looks."""
    worker = world.chance.choice(world.workers)
    if worker.frozen:
        worker.frozen = world.chance.random() > 0.1
        return f"{worker.name} is frozen"
    if worker.waiting and worker.fresh(world.now):
        return f"{worker.name} runs {world.run(worker, world.chance.randrange(len(worker.waiting)))}"
    return f"{worker.name} takes {world.look(worker)}"


def take(world: World) -> str:
    """A worker looks although it has rows in hand."""
    worker = world.chance.choice(world.workers)
    return f"{worker.name} takes {world.look(worker)}"


def prolong(world: World) -> str:
    worker = world.chance.choice(world.workers)
    with world.mortal(worker):
        worker.prolong()
    world.after(Deed(PROLONG, frozenset(worker.tokens)), Doing(world.now))
    return f"{worker.name} prolongs {len(worker.waiting)}"


def give_back(world: World) -> str:
    worker = world.chance.choice(world.workers)
    if not worker.waiting:
        return f"{worker.name} has nothing to give back"
    with world.mortal(worker):
        worker.give_back(world.chance.randrange(len(worker.waiting)))
    world.after(Deed(GIVE_BACK, frozenset(worker.tokens)), Doing(world.now))
    return f"{worker.name} gives one back"


def trouble(world: World) -> str:
    """A worker dies, freezes, or a dead row is replayed."""
    worker, way = world.chance.choice(world.workers), world.chance.random()
    if way < 0.4:
        world.replace(worker)
        return f"{worker.name} is killed"
    if way < 0.8:
        worker.frozen = True
        return f"{worker.name} freezes"
    dead = world.raw.execute("select id from message where dead_at is not null").fetchone()
    if dead is not None:
        recount.revive(world, dead[0])
    return f"dead row {dead} is replayed"


def beat(world: World) -> str:
    worker = world.chance.choice(world.workers)
    world.beat(worker)
    return f"{worker.name} beats"


def wake(world: World) -> str:
    """A frozen worker goes on with what it had, dead tokens and all, without looking first."""
    worker = next((one for one in world.workers if one.waiting), None)
    if worker is None:
        return "nobody has anything in hand"
    worker.frozen = False
    return f"{worker.name} goes on with {world.run(worker, world.chance.randrange(len(worker.waiting)))}"


def accept(world: World) -> str:
    """A manager activates the other set of policies."""
    new = policies(world.chance.choice(SETS))
    with world.workers[0].db.begin(SYSTEM) as tx:
        changed = activate(tx, new, {"name": new.hash})
    world.after(Deed(), Doing(world.now))
    return f"policies {new.hash}: {changed}"


ACTIONS: dict[Callable[[World], str], int] = {
    tick: 7, next_due: 6, minutes: 2, outage: 1, step_back: 1,
    work: 44, take: 5, prolong: 4, give_back: 2, trouble: 2, beat: 3, wake: 2, accept: 1,
    sender.tell: 8, sender.again: 5,
    claims.claim: 9, people.start: 8, people.complete: 9, people.renew: 4, people.release: 4, people.pause: 5,
    people.resume: 5, people.reopen: 3, claims.pick: 2, people.manage: 6, people.pass_on: 2, people.change: 4,
    people.make: 2, people.presence: 4, people.absence: 1, people.staff: 1, people.lend: 1, repetitions.undo: 6,
    repetitions.retry: 4, repetitions.repeat: 5,
}  # fmt: skip
WHAT, WEIGHTS = list(ACTIONS), list(ACTIONS.values())


def step(world: World, number: int) -> None:
    """One step: time goes on a little, somebody acts, everything is checked."""
    world.chance = random.Random(f"{world.seed}:{number}")
    world.pass_(timedelta(milliseconds=world.chance.randint(0, 120)))
    (what,) = world.chance.choices(WHAT, WEIGHTS)
    world.say(f"{number} {what.__name__}: {what(world)}")


def _between(world: World) -> None:
    """While outside work is under way."""
    world.between = None
    try:
        world.pass_(timedelta(seconds=world.chance.choice((1, 6))))
        others = [worker for worker in world.workers if worker.waiting or world.chance.random() < 0.7]
        worker = world.chance.choice(others or world.workers)
        told = world.run(worker, 0) if worker.waiting else world.look(worker)
        world.say(f"meanwhile {worker.name}: {told}")
    finally:
        world.between = lambda: _between(world)


def run(ground: Ground, seed: int, steps: int = STEPS, *, without: Collection[int] = ()) -> Result:
    """The whole run of ``seed``; steps in ``without`` are left out."""
    world = World(ground, seed)
    before = world.fate.deaths
    world.between = lambda: _between(world)
    wrong, number = "", 0
    try:
        for number in range(steps):
            if number not in without:
                step(world, number)
        world.chance = random.Random(f"{seed}:end")
        recount.settle(world)
    except Wrong as found:
        wrong = str(found)
    except Exception as error:  # noqa: BLE001  whatever comes out of the product is a finding
        wrong = f"raised: {type(error).__name__}: {_where(error)} {error}"[:600]
    world.say(wrong or "all holds")
    (events,) = world.raw.execute("select count(*) from event").fetchone()
    return Result(seed, number + 1, wrong, world.digest(), world.fate.deaths - before, events, world.log)


def _where(error: BaseException) -> str:
    trace: Any = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
