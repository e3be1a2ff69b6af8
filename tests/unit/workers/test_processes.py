"""How soon the next process follows one that ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from taskhub.workers.processes import FIRST_PAUSE, LONGEST_AFTER_KILL, LONGEST_PAUSE, SETTLED, _Place


def gives_up() -> int:
    """Ends by itself."""
    return 3


def is_killed() -> int:
    """Never returns."""
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def pauses(work: Callable[[], int], times: int, lives: float) -> list[float]:
    """The pauses after each of ``times`` copies that live for so many seconds and end like that."""
    place = _Place(1, work)
    now, found = 0.0, []
    for _ in range(times):
        place.look(now)
        assert place.child is not None
        place.child.join()
        now += lives
        place.look(now)
        found.append(place.not_before - now)
        now = place.not_before
    return found


def test_what_ends_at_once_again_and_again_is_tried_less_and_less() -> None:
    found = pauses(gives_up, 12, lives=1.0)
    assert found[0] == pytest.approx(2 * FIRST_PAUSE)
    assert found[3] == pytest.approx(2 * found[2])
    assert found[-1] == pytest.approx(LONGEST_PAUSE)


def test_what_is_killed_again_and_again_follows_soon_for_its_rows_wait() -> None:
    found = pauses(is_killed, 12, lives=1.0)
    assert max(found) == pytest.approx(LONGEST_AFTER_KILL)


@pytest.mark.parametrize("work", [gives_up, is_killed])
def test_what_lived_for_a_while_follows_at_once(work: Callable[[], int]) -> None:
    assert pauses(work, 12, lives=SETTLED + 1)[-1] == pytest.approx(FIRST_PAUSE)
