"""The demo while it runs: crowd, story and view on one stage."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from random import Random

from taskhub.agents import service as agents
from taskhub.clock import Clock, real_now
from taskhub.db.database import Database
from taskhub.db.tx import Tx
from taskhub.demo import show, time
from taskhub.demo.client import Api, Line
from taskhub.demo.crm import Crm
from taskhub.demo.crowd import Crowd, Person
from taskhub.demo.feed import NativeFeed
from taskhub.demo.paths import paths_of
from taskhub.demo.rep import Rep
from taskhub.demo.settle import Staff
from taskhub.demo.story import Scene, Story
from taskhub.demo.watch import Watch
from taskhub.demo.worker import House, Worker
from taskhub.policy.policies import Policies

PATIENCE = 3.0
CALL_TAKES = 5.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for on the command line."""

    host: str
    port: int
    speed: float
    language: str
    seconds: float | None
    seed: int
    crm: str | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """What everybody stands on. ``row`` is the newest history row at the start: it keeps two runs apart."""

    db: Database
    address: str
    staff: Staff
    wishes: Wishes
    row: int
    crm: Crm | None
    stop: threading.Event

    def chance(self, who: str = "") -> Random:
        """Somebody's luck: the same for the same seed and start."""
        return Random(":".join(filter(None, (str(self.wishes.seed), str(self.row), who))))


def play(stage: Stage, tell: Callable[[str], None]) -> None:
    """Until the stage's ``stop`` is set or the wished time is over."""
    wishes, staff, line = stage.wishes, stage.staff, Line(stage.address, stage.stop)
    with stage.db.read() as tx:
        crowd = _crowd(tx, stage, line)
        names = {one.key: one.name for one in agents.list_agents(tx, limit=1000)}
        watch = Watch(tx, wishes.language, names, row=stage.row)
        queues, zone = show.names_of(tx, wishes.language), time.calendars_in_use(tx.policies)[0].tz
    crowd.start()
    try:
        seen = show.Show(
            stage.db, crowd, line, watch, staff.workers, queues, stage.address, wishes.speed, zone, wishes.language,
            stage.stop, stage.crm,
        )  # fmt: skip
        show.run(seen, tell, wishes.seconds)
    finally:
        stage.stop.set()
        crowd.join(PATIENCE)
        line.close()
    if line.failures:
        one = line.failures == 1
        said = "1 call was answered as it" if one else f"{line.failures} calls were answered as they"
        tell(f"{said} should not be{':' if one else '; the last:'} {line.last_failure}")


def _crowd(tx: Tx, stage: Stage, line: Line) -> Crowd:
    staff, crm, now = stage.staff, stage.crm, partial(_now, tx.clock)
    people = _people(tx, stage, line)
    story = Story(_scene(tx.policies, staff), stage.chance(), f"{stage.row:x}", tx.now)
    if crm is None:
        return Crowd(people, NativeFeed(story, Api(line, staff.feed)), stage.wishes.speed, now, stage.stop)
    crm.turns.now = now
    feed = crm.feed(story, _asking(line, staff, crm.key), stage.chance("asked"), stage.stop)
    people.append(crm.colleague(stage.chance("colleague")))
    return Crowd(people, feed, stage.wishes.speed, now, stage.stop)


def _now(clock: Clock) -> datetime:
    return clock.at(real_now())


def _asking(line: Line, staff: Staff, connection: str) -> Callable[[str, str], object]:
    """How a rep asks for the conversion of a lead that the CRM owns."""

    def ask(rep: str, lead: str) -> object:
        return Api(line, staff.keys[rep]).call("POST", f"/leads/{connection}:{lead}/convert", {"deal": {}})

    return ask


def _people(tx: Tx, stage: Stage, line: Line) -> list[Person]:
    staff, house = stage.staff, _house(tx, stage.staff, tx.clock, stage.wishes.speed)
    people: list[Person] = [Worker(key, Api(line, staff.keys[key]), house, stage.chance(key)) for key in staff.workers]
    asked = sorted(house.minutes, key=lambda kind: house.minutes[kind], reverse=True)[:4]
    people += [
        Rep(key, Api(line, staff.keys[key]), asked, stage.wishes.language, house.later, stage.chance(key))
        for key in staff.reps
    ]
    return people


def _house(tx: Tx, staff: Staff, clock: Clock, speed: float) -> House:
    people = {one.key: one.team for one in agents.list_agents(tx, limit=1000) if one.key in staff.workers}
    stopping = [one.key for one in tx.policies.pause_reasons.values() if one.stops_clock]
    return House(
        minutes={key: kind.expected_minutes for key, kind in tx.policies.kinds.items()},
        pause_reasons=stopping or sorted(tx.policies.pause_reasons),
        skip_reasons=tx.policies.skip_reasons,
        colleagues={
            me: [key for key, team in people.items() if team == mine and key != me] for me, mine in people.items()
        },
        later=partial(time.later, clock, speed),
        soonest=speed * CALL_TAKES / 60,
    )


def _scene(policies: Policies, staff: Staff) -> Scene:
    calendars, paths = time.calendars_in_use(policies), paths_of(policies)
    return Scene(
        lead_stages=paths.stages["lead"], deal_stages=paths.stages["deal"], lead_reasons=paths.reasons["lead"],
        deal_reasons=paths.reasons["deal"], reps=staff.reps, customers=calendars[0], office=calendars[-1],
    )  # fmt: skip
