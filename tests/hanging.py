"""A server that hangs: every process of it is stopped, connections are taken by the kernel and nobody answers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def hung(pid: int) -> Iterator[None]:
    """Stops the process and all it has started; at the end they go on as if nothing had been."""
    os.kill(pid, signal.SIGSTOP)  # first, so that it starts no more of them
    stopped = [pid, *_children(pid)]
    try:
        for one in stopped[1:]:
            _send(one, signal.SIGSTOP)
        yield
    finally:
        for one in reversed(stopped):
            _send(one, signal.SIGCONT)


def _children(pid: int) -> list[int]:
    found = []
    for each in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # "1234 (a name) S 1233 …": the name may hold anything, even a bracket.
            if int(each.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(each.parent.name))
    return found


def _send(pid: int, what: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, what)
