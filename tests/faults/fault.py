"""A fault: its name, what it does, and one run of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.ground import Ground
from tests.faults.result import Result


@dataclass(frozen=True, slots=True)
class Fault:
    """``run(ground, seed)`` does the harm and judges what came of it."""

    name: str
    about: str
    run: Callable[[Ground, int], Result]
