"""What an event, a completed task or a timer makes people do: the one place where rules fire. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

from taskhub.events.model import Event, Version
from taskhub.ids import digest
from taskhub.policy.rule import Rule
from taskhub.policy.work import Kind
from taskhub.rules.drafts import Cause, drafts_of
from taskhub.rules.effects import CLOSE, COMPLETE, WAKE, effects_of
from taskhub.rules.file import File, file_of, file_of_record
from taskhub.rules.match import all_hold
from taskhub.rules.model import COMPLETED, MAX_DEPTH, Plan, TaskFacts
from taskhub.rules.scope import Known, Scope, scope_of, scope_of_record, scope_of_task
from taskhub.rules.timers import ZoneOf, is_timed, name_of, watches_of
from taskhub.sales.model import Changes, RecordState
from taskhub.sales.stated import change_key


def plan(
    event: Event,
    changes: Changes,
    known: Known,
    rules: Iterable[Rule],
    kinds: Mapping[str, Kind],
    *,
    depth: int = 0,
    zone_of: ZoneOf = lambda _rule: UTC,
) -> Plan:
    """Everything ``rules`` ask for because of ``changes``.

    ``known`` is the projection after the event (noun -> field -> value) of its record and those linked to it.
    ``zone_of`` says in which zone date fields begin for a rule.
    """
    rules = tuple(rules)
    if changes.reason is not None:
        return Plan(reason=changes.reason)
    scope = scope_of(event, changes, known)
    cause = Cause(scope, change_key(event, changes), changes.version, file_of(event), depth=depth)
    firing = [
        rule
        for rule in rules
        if not is_timed(rule) and set(rule.on) & set(changes.types) and all_hold(rule.when, scope)
    ]
    watch = watches_of(event, changes, scope, rules, zone_of)
    result = _fired(firing, cause, kinds)
    reason = None if firing or watch else "no_rule"
    return Plan(result.drafts, result.closings, result.completions, result.wakes, watch, result.matched, reason)


def plan_for_completion(task: TaskFacts, known: Known, rules: Iterable[Rule], kinds: Mapping[str, Kind]) -> Plan:
    """What a completed task leads to. Chains end after MAX_DEPTH links, whatever the rules say.

    All of a chain carries the version of the change that began it, so that it does not matter which of two changes was
    worked off first: what a newer change closes is closed, whether the chain had come that far or not.
    """
    if task.depth >= MAX_DEPTH:
        return Plan(reason="too_deep")
    scope = scope_of_task(task, known)
    cause = Cause(
        scope=scope,
        key=digest(COMPLETED, task.id, task.completed_at.isoformat()),
        version=_next_link(task),
        file=File(task.record, task.file, task.lead, task.deal),
        parent=task.id,
        completer=task.completed_by,
        depth=task.depth + 1,
        share_all=task.learning,
        is_check=task.is_check,
    )
    return _fired([rule for rule in rules if COMPLETED in rule.on and all_hold(rule.when, scope)], cause, kinds)


def _next_link(task: TaskFacts) -> Version:
    return Version(task.completed_at, task.id) if task.version is None else task.version.linked


def plan_for_timer(rule: Rule, state: RecordState, at: datetime, known: Known, kinds: Mapping[str, Kind]) -> Plan:
    """What ``rule`` asks for once its timer was found due since ``at``: the same instant never asks twice."""
    own = {**known, state.ref.noun: {**state.fields, "id": state.ref.id}}
    cause = Cause(
        scope=scope_of_record(state.ref, own),
        key=digest("timer", rule.key, str(state.ref), name_of(rule, state, at)),
        version=Version(at, rule.key),
        file=file_of_record(state.ref, own),
    )
    return _fired([rule], cause, kinds)


def plan_for_month(rule: Rule, month: date, at: datetime, kinds: Mapping[str, Kind]) -> Plan:
    """What ``rule`` asks for in the month that begins on ``month``, whose first working day opened at ``at``."""
    cause = Cause(
        scope=Scope(),
        key=digest("month", rule.key, month.isoformat()),
        version=Version(at, rule.key),
        file=File(None, None, None, None),
    )
    return _fired([rule], cause, kinds)


def _fired(rules: Iterable[Rule], cause: Cause, kinds: Mapping[str, Kind]) -> Plan:
    rules = tuple(rules)
    effects = [effect for rule in rules for effect in effects_of(rule, cause.file.record, cause.version)]
    return Plan(
        drafts=tuple(draft for rule in rules for draft in drafts_of(rule, cause, kinds)),
        closings=tuple(effect for effect in effects if effect.verb == CLOSE),
        completions=tuple(effect for effect in effects if effect.verb == COMPLETE),
        wakes=tuple(effect for effect in effects if effect.verb == WAKE),
        matched=tuple(rule.key for rule in rules),
        reason=None if rules else "no_rule",
    )
