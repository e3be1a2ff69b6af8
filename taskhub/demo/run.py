"""``taskhub demo`` from the first line to the last: clock, people, site, crowd, view, and an end in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from taskhub import bootstrap, server
from taskhub.db.tx import SYSTEM
from taskhub.demo import time, visitors
from taskhub.demo.crm import Crm, open_crm
from taskhub.demo.paths import paths_of
from taskhub.demo.play import Stage, Wishes, play
from taskhub.demo.settle import Staff, settle
from taskhub.settings import Settings

FURTHER_PORTS = 50

Tell = Callable[[str], None]


def run(chosen: Settings, wishes: Wishes, tell: Tell) -> None:
    """Runs the demo until Ctrl-C, SIGTERM or the end of ``wishes.seconds``."""
    with _signalled() as stop, ExitStack() as ends:
        door = server.listen(wishes.host, wishes.port, further=FURTHER_PORTS if wishes.port else 0)
        if wishes.port not in (0, door.getsockname()[1]):
            tell(f"Port {wishes.port} is taken; the demo uses {door.getsockname()[1]}.")
        crm = _crm(chosen, wishes, server.address(door), ends)
        if crm is not None:
            chosen = replace(chosen, config=crm.config(chosen.config, chosen.data / "config"))
        row = _start_clock(chosen, wishes.speed)
        db, bell = ends.enter_context(server.house(chosen))
        kept = visitors.kept(chosen, db)
        with db.begin(SYSTEM) as tx:
            staff = settle(tx, wishes.language, kept)
        visitors.keep(chosen, staff)
        ends.enter_context(server.Site(chosen, db, bell)).begin(door)
        if crm is not None:
            crm.connect(db)
        _greet(chosen, server.address(door), staff, crm, tell)
        play(Stage(db, server.address(door), staff, wishes, row, crm, stop), tell)
    tell(f"The demo has ended. Its database stays: {_again(chosen)}")


def _crm(chosen: Settings, wishes: Wishes, home: str, ends: ExitStack) -> Crm | None:
    if wishes.crm is None:
        return None
    set_ = bootstrap.policies(bootstrap.read_config(chosen.config or bootstrap.example_config()))
    return ends.enter_context(open_crm(wishes.crm, paths_of(set_), home))


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


def _greet(chosen: Settings, address: str, staff: Staff, crm: Crm | None, tell: Tell) -> None:
    tell(f"taskhub's demo runs at {address} (API: {address}/docs, database: {server.shown(chosen)})")
    if crm is not None:
        tell(f"Sales works in a fake {crm.system.name} at {crm.address}; connections.toml is {chosen.config}.")
    again = "they stay when it is started again" if visitors.stays(chosen) else "each start makes others"
    tell(f"Keys to look around with (`Authorization: Bearer KEY`); {again}.")
    tell("Who has one can use it: keep this off the network.")
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
