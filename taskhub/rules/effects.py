"""Closings, completions and wakes: what a change does to tasks of older changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from taskhub.events.model import RecordRef, Version
from taskhub.policy.rule import Rule
from taskhub.rules.model import Effect, TaskDraft

CLOSE, COMPLETE, WAKE = "close", "complete", "wake"
REMEMBERED = (CLOSE, COMPLETE)
ANY_KIND = "*"


def effects_of(rule: Rule, record: RecordRef | None, version: Version) -> tuple[Effect, ...]:
    """What ``rule`` does to existing tasks of ``record``, wakes first."""
    if record is None:
        return ()
    verbs = ((WAKE, rule.wake), (COMPLETE, rule.complete), (CLOSE, rule.close))
    return tuple(
        Effect(verb, record, kinds, version, rule.key, (rule.close_reason or rule.key) if verb == CLOSE else None)
        for verb, kinds in verbs
        if kinds
    )


def hits(effect: Effect, draft: TaskDraft) -> bool:
    """Whether ``effect`` is for the task of ``draft``: of a named kind, of that record, made by an older change.

    A lead's or deal's effects reach all tasks that belong to it, those about its contact or activity included.
    """
    if effect.version <= draft.version or not (ANY_KIND in effect.kinds or draft.kind in effect.kinds):
        return False
    noun, id_ = effect.record
    mine = {"lead": draft.lead, "deal": draft.deal}.get(noun)
    return effect.record == draft.record or (mine is not None and mine == id_)


def applies_to(remembered: Iterable[Effect], draft: TaskDraft) -> Effect | None:
    """The closing or completion that ends a late ``draft`` at once: the first that would have met it in time."""
    meeting = [effect for effect in remembered if effect.verb in REMEMBERED and hits(effect, draft)]
    return min(meeting, key=lambda effect: effect.version, default=None)


def older(one: TaskDraft, other: TaskDraft) -> TaskDraft:
    """Of two drafts of one origin the one that counts: its change came first, whichever was delivered first.

    When the older one arrives late, the task takes over its version, and remembered closings are asked again.
    """
    return other if other.version < one.version else one
