"""Shows the demo until it ends: a live view on a terminal, plain lines everywhere else."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from rich.console import Console
from rich.live import Live

from taskhub.clock import real_now
from taskhub.db.database import Database
from taskhub.db.interruption import Interrupted
from taskhub.db.tx import Tx
from taskhub.demo import queries, view
from taskhub.demo.client import Line
from taskhub.demo.crm import Crm
from taskhub.demo.crowd import Crowd
from taskhub.demo.queries import Picture
from taskhub.demo.watch import Moment, Watch
from taskhub.demo.words import WORDS

EVERY = 0.5
MOMENTS, ALARMS = 40, 12
LINES = 12

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Show:
    """What the view needs of the running demo."""

    db: Database
    crowd: Crowd
    line: Line
    watch: Watch
    workers: tuple[str, ...]
    queues: Mapping[str, str]
    address: str
    speed: float
    zone: str
    language: str
    stop: threading.Event
    crm: Crm | None = None


def run(show: Show, tell: Callable[[str], None], seconds: float | None) -> None:
    """Until ``stop`` is set or ``seconds`` have passed."""
    end = time.monotonic() + seconds if seconds is not None else float("inf")
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI"):
        _live(show, end)
    else:
        _plain(show, tell, end)


def _plain(show: Show, tell: Callable[[str], None], end: float) -> None:
    while not show.stop.wait(EVERY) and time.monotonic() < end:
        _, moments = _look(show)
        for one in _chosen(moments):
            tell(f"{view.clock_time(one.at, show.zone)} {one.text}")
        if len(moments) > LINES:
            tell(WORDS[show.language]["more"].format(len(moments) - LINES))
    if said := _of_crm(show):
        tell(said)


def _of_crm(show: Show) -> str:
    """What stands in the CRM; nothing where there is none."""
    if show.crm is None:
        return ""
    return WORDS[show.language]["crm"].format(name=show.crm.system.name, **asdict(show.crm.counts()))


def _chosen(moments: list[Moment]) -> list[Moment]:
    """What was completed first of all: it is what people look for."""
    if len(moments) <= LINES:
        return moments
    done = [one for one in moments if one.act == "complete"][:LINES]
    rest = [one for one in moments if one.act != "complete"][: LINES - len(done)]
    return sorted([*done, *rest], key=lambda one: one.at)


def _live(show: Show, end: float) -> None:
    moments: deque[Moment] = deque(maxlen=MOMENTS)
    alarms: deque[Moment] = deque(maxlen=ALARMS)
    with Live(console=Console(), auto_refresh=False, transient=True) as screen:
        while not show.stop.wait(EVERY) and time.monotonic() < end:
            picture, new = _look(show)
            moments.extend(one for one in new if not one.alarm)
            alarms.extend(one for one in new if one.alarm)
            if picture is not None:
                screen.update(view.draw(_frame(show, picture, moments, alarms)), refresh=True)


def _look(show: Show) -> tuple[Picture | None, list[Moment]]:
    try:
        with show.db.read() as tx:
            picture = queries.picture(tx, show.workers)
            moments = show.watch.look(tx)
    except Interrupted as cut:
        log.info("the view waits: %s", cut.message)
        return None, []
    show.crowd.waiting = picture.waiting
    return picture, moments


def _frame(show: Show, picture: Picture, moments: deque[Moment], alarms: deque[Moment]) -> view.Frame:
    now: datetime = real_now()
    return view.Frame(
        picture, show.address, show.speed, show.crowd.events_per_minute(now), show.line.failures, show.zone,
        WORDS[show.language], show.queues, tuple(moments), tuple(alarms), _of_crm(show),
    )  # fmt: skip


def names_of(tx: Tx, language: str) -> dict[str, str]:
    """Queues by key, in the words of ``language``."""
    return {key: queue.name.in_(language) for key, queue in tx.policies.queues.items()}
