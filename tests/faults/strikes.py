"""What an armed failpoint does: it counts who passes, and at the chosen pass it ends, stalls or fails the process."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from taskhub.db.interruption import Interrupted

NOTES = "TASKHUB_FAULT_NOTES"
EXIT_CODE = 77
STRUCK = "!"


class Struck(RuntimeError):
    """What the action ``raise`` raises: work that fails at this very place."""


@dataclass(frozen=True, slots=True)
class Strike:
    """``action``: kill (SIGKILL), exit (no clean-up), raise, busy (as a database that cannot now), or
    stall=SECONDS; at pass number ``nth``, from 1."""

    name: str
    nth: int = 1
    action: str = "kill"

    @classmethod
    def parse(cls, text: str) -> Strike:
        """Reads ``NAME:nth[:action]``.

        >>> Strike.parse("tx.rung:3:exit")
        Strike(name='tx.rung', nth=3, action='exit')
        """
        name, _, rest = text.partition(":")
        nth, _, action = rest.partition(":")
        verb = (action or "kill").partition("=")[0]
        if "." not in name or not nth.isdigit() or int(nth) < 1 or verb not in _ACTIONS:
            raise ValueError(f"{text!r}: write NAME:nth[:action], action one of {', '.join(_ACTIONS)}")
        return cls(name, int(nth), action or "kill")


class Armed:
    """Given to ``failpoints.arm``. Notes each place on its first pass, and again, marked, right before it strikes."""

    def __init__(self, strikes: Sequence[Strike], notes: Path | None = None) -> None:
        self._strikes = {(one.name, one.nth): one for one in strikes}
        self._notes = notes
        self._passed: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, name: str) -> None:
        """Somebody passes ``name``."""
        with self._lock:
            self._passed[name] += 1
            passes = self._passed[name]
        strike = self._strikes.get((name, passes))
        if passes == 1:
            self._note(name)
        if strike is not None:
            self._note(STRUCK + name)
            verb, _, value = strike.action.partition("=")
            _ACTIONS[verb](value or name)

    @property
    def passed(self) -> Counter[str]:
        """How often each place was passed so far."""
        with self._lock:
            return Counter(self._passed)

    def _note(self, name: str) -> None:
        if self._notes is not None:
            with self._notes.open("a") as file:
                file.write(f"{name}\n")


def _kill(_value: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # the signal is on its way


def _exit(_value: str) -> None:
    os._exit(EXIT_CODE)


def _raise(value: str) -> None:
    raise Struck(f"struck at {value}")


def _busy(_value: str) -> None:
    raise Interrupted("The database was made to be busy.", lost=True)


def _stall(value: str) -> None:
    time.sleep(float(value))


_ACTIONS: dict[str, Callable[[str], None]] = {"kill": _kill, "exit": _exit, "raise": _raise, "busy": _busy,
                                              "stall": _stall}  # fmt: skip


def struck(file: Path) -> Counter[str]:
    """How often each place struck."""
    return Counter(line.removeprefix(STRUCK) for line in _lines(file) if line.startswith(STRUCK))


def passed(file: Path) -> set[str]:
    """The places that were passed by anybody."""
    return {line for line in _lines(file) if not line.startswith(STRUCK)}


def _lines(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []
