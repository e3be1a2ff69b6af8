"""Rules that wait, asked again: where a record fell silent or a date came near, under two sets of files. Pure.

Between two events of a record nothing about it changes, so what a waiting rule asks for then follows from the record as
it stood. A rule waits for a record from the event on that arms it; for a record that was there before, it waits if it
listens to events of such records at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from taskhub.events.model import NOUNS, RecordRef
from taskhub.policy.policies import Policies
from taskhub.policy.rule import Rule
from taskhub.rules.model import Plan, TaskDraft, TimerCheck
from taskhub.rules.plan import plan_for_timer
from taskhub.rules.timers import before_due, is_timed, silence_due
from taskhub.sales.model import RecordState

Known = Mapping[str, Mapping[str, Any]]
YEAR = timedelta(days=366)


class WaitingRules:
    """The waiting rules of two policy sets, and the records each of them waits for; ``since`` begins the window."""

    def __init__(self, sides: Sequence[Policies], since: datetime) -> None:
        self._sides = sides
        self._since = since
        self._rules = [{rule.key: rule for rule in side.rules if is_timed(rule)} for side in sides]
        self._armed: list[dict[RecordRef, set[str]]] = [{} for _ in sides]

    @property
    def longest(self) -> timedelta | None:
        """How long ago something may have been said that matters in the window; None: there is no waiting rule."""
        waits = [rule.after or YEAR for rules in self._rules for rule in rules.values()]
        return max(waits, default=None)

    @property
    def nouns(self) -> list[str]:
        """Of which records they wait for something."""
        return [noun for noun in NOUNS if any(_waits_for(rule, noun) for side in self._rules for rule in side.values())]

    @property
    def refs(self) -> list[RecordRef]:
        """The records some rule still waits for."""
        return sorted({ref for armed in self._armed for ref in armed})

    def were_there(self, refs: Iterable[RecordRef]) -> None:
        """Records that were known before the window."""
        for ref in refs:
            for rules, armed in zip(self._rules, self._armed, strict=True):
                keys = {key for key, rule in rules.items() if _waits_for(rule, ref.noun)}
                if keys:
                    armed[ref] = keys

    def arm(self, plans: Sequence[Plan]) -> None:
        """An event lets rules of each side wait for its record."""
        for plan, armed in zip(plans, self._armed, strict=True):
            for watch in plan.watch:
                armed.setdefault(watch.record, set()).add(watch.rule)

    def until(self, state: RecordState, known: Known, at: datetime) -> list[list[TaskDraft]]:
        """What each side asks for by ``at``, the record having stood so since its last change."""
        return [self._fired(side, state, known, at) for side in range(len(self._sides))]

    def _fired(self, side: int, state: RecordState, known: Known, at: datetime) -> list[TaskDraft]:
        found: list[TaskDraft] = []
        armed = self._armed[side].get(state.ref, set())
        for key in sorted(armed):
            rule = self._rules[side][key]
            check = _looked(self._sides[side], rule, state, known, max(self._since, state.last_changed), at)
            old = check.at is not None and check.at < self._since and state.last_changed < self._since
            if check.due and check.at is not None and not old:
                found += plan_for_timer(rule, state, check.at, known, self._sides[side].kinds).drafts
            if check.due or (check.at is None and rule.after is not None):
                armed.discard(key)
        return found


def _looked(
    files: Policies, rule: Rule, state: RecordState, known: Known, since: datetime, until: datetime
) -> TimerCheck:
    """What the rule's timer finds in that time: it looks when it begins, and again when it was told to."""
    ask = silence_due if rule.after is not None else partial(before_due, tz=files.zone_for(rule))
    check = ask(rule, state, since, known)
    again = not check.due and check.at is not None and check.at <= until
    return ask(rule, state, check.at or until, known) if again else check


def _waits_for(rule: Rule, noun: str) -> bool:
    return not rule.on or any(type_.partition(".")[0] == noun for type_ in rule.on)
