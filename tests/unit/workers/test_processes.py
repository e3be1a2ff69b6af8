"""How soon the next process follows one that ended."""

from __future__ import annotations

import subprocess
import sys

import pytest

from taskhub.workers.processes import FIRST_PAUSE, LONGEST_AFTER_KILL, LONGEST_PAUSE, SETTLED, _Place


def ended(how: str) -> subprocess.Popen[bytes]:
    child = subprocess.Popen([sys.executable, "-c", f"import os, signal; {how}"])
    child.wait()
    return child


def pauses(how: str, times: int, lives: float) -> list[float]:
    """The pauses after each of ``times`` processes that live for so many seconds and end like that."""
    child = ended(how)
    place = _Place(1, lambda: child)
    now, found = 0.0, []
    for _ in range(times):
        place.look(now)
        now += lives
        place.look(now)
        found.append(place.not_before - now)
        now = place.not_before
    return found


def test_what_ends_at_once_again_and_again_is_tried_less_and_less() -> None:
    found = pauses("os._exit(3)", 12, lives=1.0)
    assert found[0] == pytest.approx(2 * FIRST_PAUSE)
    assert found[3] == pytest.approx(2 * found[2])
    assert found[-1] == pytest.approx(LONGEST_PAUSE)


def test_what_is_killed_again_and_again_follows_soon_for_its_rows_wait() -> None:
    found = pauses("os.kill(os.getpid(), signal.SIGKILL)", 12, lives=1.0)
    assert max(found) == pytest.approx(LONGEST_AFTER_KILL)


@pytest.mark.parametrize("how", ["os._exit(3)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_what_lived_for_a_while_follows_at_once(how: str) -> None:
    assert pauses(how, 12, lives=SETTLED + 1)[-1] == pytest.approx(FIRST_PAUSE)
