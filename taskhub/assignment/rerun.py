"""Stored decisions run again: same, different, or not re-runnable and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from taskhub.assignment.model import Candidate, Decision
from taskhub.assignment.redecide import NotRerunnable, at_moment, redecide
from taskhub.assignment.registry import NotInstalled, Plugins

__all__ = ["DIFFERENT", "NOT_RERUNNABLE", "SAME", "NotRerunnable", "Rerun", "at_moment", "rerun"]

SAME: Literal["same"] = "same"
DIFFERENT: Literal["different"] = "different"
NOT_RERUNNABLE: Literal["not_rerunnable"] = "not_rerunnable"


@dataclass(frozen=True, slots=True)
class Rerun:
    """What came out. ``why``: what differs, or why it cannot be run; ``now``: the decision as it comes out today."""

    status: Literal["same", "different", "not_rerunnable"]
    why: str = ""
    now: Decision | None = None
    candidates: tuple[Candidate, ...] = ()


def rerun(head: str, block: str, decision: Decision, plugins: Plugins) -> Rerun:
    """Decide one task again on the head of its pass and its own block; compare with the decision as it was written."""
    try:
        again = redecide(head, block, decision.task, plugins)
    except NotRerunnable as reason:
        return Rerun(NOT_RERUNNABLE, str(reason))
    except NotInstalled as missing:
        return Rerun(NOT_RERUNNABLE, missing.message)
    if again.decision == decision:
        return Rerun(SAME, now=again.decision, candidates=again.candidates)
    return Rerun(DIFFERENT, f"was {decision}, is {again.decision}", again.decision, again.candidates)
