"""Named places at which a test lets a process die, stall or fail. In production nobody arms them."""

from __future__ import annotations

from collections.abc import Callable

_armed: Callable[[str], None] | None = None


def failpoint(name: str) -> None:
    """A place a fault may strike, such as ``tx.before_commit``: an armed one may raise, stall or end the process."""
    if _armed is not None:
        _armed(name)


def arm(strike: Callable[[str], None] | None) -> None:
    """Calls ``strike`` with the name of every place that is passed, in this process; None: nobody is called."""
    global _armed  # noqa: PLW0603
    _armed = strike
