"""``taskhub demo`` from the first line to the last: clock, people, site, crowd, view, and an end in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from taskhub import bootstrap, server
from taskhub.agents import service as agents
from taskhub.clock import Clock, real_now
from taskhub.db.database import Database
from taskhub.db.tx import SYSTEM, Tx
from taskhub.demo import show, time
from taskhub.demo.client import Api, Line
from taskhub.demo.crowd import Crowd, Person
from taskhub.demo.rep import Rep
from taskhub.demo.settle import Staff, settle
from taskhub.demo.story import Scene, Story
from taskhub.demo.watch import Watch
from taskhub.demo.worker import House, Worker
from taskhub.policy.policies import Policies
from taskhub.settings import Settings

FURTHER_PORTS = 50
PATIENCE = 3.0
CALL_TAKES = 5.0

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for on the command line."""

    host: str
    port: int
    speed: float
    language: str
    seconds: float | None
    seed: int


def run(chosen: Settings, wishes: Wishes, tell: Tell) -> None:
    """Runs the demo until Ctrl-C, SIGTERM or the end of ``wishes.seconds``."""
    with _signalled() as stop:
        door = server.listen(wishes.host, wishes.port, further=FURTHER_PORTS if wishes.port else 0)
        if wishes.port not in (0, door.getsockname()[1]):
            tell(f"Port {wishes.port} is taken; the demo uses {door.getsockname()[1]}.")
        row = _start_clock(chosen, wishes.speed)
        with server.house(chosen) as (db, bell):
            with db.begin(SYSTEM) as tx:
                staff = settle(tx, wishes.language)
            with server.Site(chosen, db, bell) as site:
                site.begin(door)
                _greet(chosen, server.address(door), staff, tell)
                _play(db, server.address(door), staff, wishes, row, stop, tell)
    tell(f"The demo has ended. Its database stays: {_again(chosen)}")


def _start_clock(chosen: Settings, speed: float) -> int:
    """Before anything is written: the first history row already bears the demo's time."""
    bootstrap.make_tables(chosen)
    set_ = bootstrap.policies(bootstrap.read_config(chosen.config or bootstrap.example_config()))
    db = bootstrap.database(chosen)
    try:
        with db.begin(SYSTEM) as tx:
            return time.start_clock(tx, time.calendars_in_use(set_), speed)
    finally:
        db.close()


def _play(
    db: Database, address: str, staff: Staff, wishes: Wishes, row: int, stop: threading.Event, tell: Tell
) -> None:  # fmt: skip
    line = Line(address, stop)
    with db.read() as tx:
        crowd = _crowd(tx, staff, wishes, row, line, stop)
        names = {one.key: one.name for one in agents.list_agents(tx, limit=1000)}
        watch = Watch(tx, wishes.language, names, row=row)
        queues, zone = show.names_of(tx, wishes.language), time.calendars_in_use(tx.policies)[0].tz
    crowd.start()
    try:
        seen = show.Show(
            db, crowd, line, watch, staff.workers, queues, address, wishes.speed, zone, wishes.language, stop
        )
        show.run(seen, tell, wishes.seconds)
    finally:
        stop.set()
        crowd.join(PATIENCE)
        line.close()
    if line.failures:
        tell(f"{line.failures} calls were answered as they should not be; the last: {line.last_failure}")


def _crowd(tx: Tx, staff: Staff, wishes: Wishes, row: int, line: Line, stop: threading.Event) -> Crowd:
    house = _house(tx, staff, tx.clock, wishes.speed)
    people: list[Person] = [
        Worker(key, Api(line, staff.keys[key]), house, Random(f"{wishes.seed}:{row}:{key}")) for key in staff.workers
    ]
    asked = sorted(house.minutes, key=lambda kind: house.minutes[kind], reverse=True)[:4]
    people += [
        Rep(key, Api(line, staff.keys[key]), asked, wishes.language, house.now, Random(f"{wishes.seed}:{row}:{key}"))
        for key in staff.reps
    ]
    story = Story(_scene(tx.policies, staff), Random(f"{wishes.seed}:{row}"), f"{row:x}", tx.now)
    return Crowd(people, story, Api(line, staff.feed), wishes.speed, house.now, stop)


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
        now=lambda: clock.at(real_now()),
        soonest=speed * CALL_TAKES / 60,
    )


def _scene(policies: Policies, staff: Staff) -> Scene:
    calendars = time.calendars_in_use(policies)
    paths = {noun: [one for one in policies.pipelines.values() if one.noun == noun] for noun in ("lead", "deal")}
    stages = {noun: [stage.key for one in found[:1] for stage in one.stages] for noun, found in paths.items()}
    reasons = {noun: [reason for one in found[:1] for reason in one.lost_reasons] for noun, found in paths.items()}
    return Scene(
        lead_stages=stages["lead"] or ["new", "qualified"], deal_stages=stages["deal"] or ["proposal", "signature"],
        lead_reasons=reasons["lead"] or ["other"], deal_reasons=reasons["deal"] or ["other"], reps=staff.reps,
        customers=calendars[0], office=calendars[-1],
    )  # fmt: skip


def _greet(chosen: Settings, address: str, staff: Staff, tell: Tell) -> None:
    tell(f"taskhub's demo runs at {address} (API: {address}/docs, database: {server.shown(chosen)})")
    tell("Keys to look around with (`Authorization: Bearer KEY`). Who has one can use it: keep this off the network.")
    width = max(len(f"{role} ({name})") for role, name, _ in staff.personas)
    for role, name, key in staff.personas:
        tell(f"  {f'{role} ({name})':<{width}}  {key}")


def _again(chosen: Settings) -> str:
    if chosen.database_url is not None:
        return "`taskhub serve` goes on with it."
    return f"`taskhub serve --data {chosen.data}` goes on with it."


@contextmanager
def _signalled() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set; a second Ctrl-C ends at once."""
    stop = threading.Event()

    def end(number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
