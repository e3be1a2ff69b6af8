"""The life of worker processes: an end in order on SIGTERM, and a supervisor that replaces those that died."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkProcess

from taskhub.workers.worker import Worker

SIGNALS = (signal.SIGTERM, signal.SIGINT)
# A copy of a process that has read the program works at once; a new one reads it for seconds while its rows wait.
COPIES = multiprocessing.get_context("fork")
Work = Callable[[], int]
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0
# Who was killed had nothing wrong at its start, and its rows wait.
LONGEST_AFTER_KILL = 1.5
SETTLED = 30.0
LAST_GRACE = 20.0
TICK = 0.1

log = logging.getLogger(__name__)


def run_until_stopped(worker: Worker) -> int:
    """Runs ``worker`` in this process until SIGTERM, SIGINT or the end of its parent. Returns the exit code.

    1: it is worn, and a fresh process should follow; that is for whoever watches over this one.
    """
    parent = os.getppid()
    with _signalled() as stop:
        worker.start()
        while not stop.wait(1.0):
            if os.getppid() != parent:
                log.warning("the supervisor is gone; this worker ends too")
                break
            if worker.worn:
                log.error(
                    "too many threads of this worker hang, or some are gone; it ends, so that another takes its place"
                )
                worker.stop()
                return 1
        worker.stop()
        return 0


@contextmanager
def _signalled() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set, instead of what they did before."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class _Place:
    """One of the processes: who is in it, and how soon the next may follow."""

    number: int
    work: Work
    child: ForkProcess | None = None
    started_at: float = field(default=0.0)
    not_before: float = field(default=0.0)
    pause: float = FIRST_PAUSE

    def look(self, now: float) -> None:
        """Starts a child when there is none, and notes one that died."""
        if self.child is not None and (code := self.child.exitcode) is not None:
            longest = LONGEST_AFTER_KILL if code < 0 else LONGEST_PAUSE
            self.pause = FIRST_PAUSE if now - self.started_at > SETTLED else min(self.pause * 2, longest)
            self.not_before = now + self.pause
            log.error("worker process %d ended with %s; another follows in %.1f s", self.number, code, self.pause)
            self.child = None
        if self.child is None and now >= self.not_before:
            self.child, self.started_at = _copy(self.work), now


def supervise(work: Work, processes: int) -> int:
    """Keeps ``processes`` copies of this process at ``work`` until SIGTERM or SIGINT, which they get too.

    ``work`` returns an exit code. It opens what it needs by itself: this process must have no thread, no connection.
    Returns 0 when all of them ended by themselves afterwards.
    """
    places = [_Place(number, work) for number in range(1, processes + 1)]
    with _signalled() as stop:
        while not stop.wait(TICK):
            for place in places:
                place.look(time.monotonic())
        return _end([place.child for place in places if place.child is not None])


def _copy(work: Work) -> ForkProcess:
    """A copy of this process, at work; a signal that comes while it is made is the copy's own."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        child = COPIES.Process(target=_begin, args=(work, before))
        child.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return child


def _begin(work: Work, mask: set[signal.Signals]) -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    sys.exit(work())


def _end(children: Sequence[ForkProcess]) -> int:
    for child in children:
        child.terminate()
    deadline = time.monotonic() + LAST_GRACE
    for child in children:
        child.join(max(0.0, deadline - time.monotonic()))
        if child.exitcode is None:
            log.warning("worker process %d does not end; it is killed, its rows run again", child.pid)
            child.kill()
            child.join()
    return 0 if all(child.exitcode == 0 for child in children) else 1
