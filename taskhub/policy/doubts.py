"""Warnings: what is allowed and looks like a mistake."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from taskhub.errors import Problem
from taskhub.policy.policies import Policies
from taskhub.policy.reading.findings import Place
from taskhub.policy.reading.nearest import nearest
from taskhub.policy.reading.vocabulary import EVENT_TYPES, FIELDS, STATUSES
from taskhub.policy.rule import Rule

_CLOSE = 0.8


def check(policies: Policies) -> Iterator[Problem]:
    """Everything doubtful in the files themselves."""
    yield from _unused(policies)
    made = {task.kind for rule in policies.rules for task in rule.tasks}
    for rule in policies.rules:
        yield from _types(rule)
        yield from _statuses(rule)
        yield from _work(rule, policies, made)
    yield from _twice(policies)
    for queue in policies.queues.values():
        if queue.accept_for is not None and queue.mode == "pull":
            yield _doubt("queues.toml", f"queue.{queue.key}.accept_for", "nothing is offered in a pull queue.")


def absent(policies: Policies, teams: Collection[str] | None, agents: Collection[str] | None) -> Iterator[Problem]:
    """Teams and people the files name and the directory does not have; their work waits with pool_empty."""
    if teams is not None:
        yield from _no_team(policies, teams)
    if agents is not None:
        yield from _nobody(policies, agents)


def _no_team(policies: Policies, teams: Collection[str]) -> Iterator[Problem]:
    for queue in policies.queues.values():
        for team in sorted(set(queue.teams) - set(teams)):
            message = f"there is no team {team!r} yet; it is made empty, and its work waits until it has people."
            yield _doubt("queues.toml", f"queue.{queue.key}.teams", message, nearest(team, teams))


def _nobody(policies: Policies, agents: Collection[str]) -> Iterator[Problem]:
    ladders = policies.escalations.values()
    steps = [(ladder.key, number, step) for ladder in ladders for number, step in enumerate(ladder.steps, 1)]
    for ladder, number, step in steps:
        named = {asked.removeprefix("agent:") for asked in step.notify if asked.startswith("agent:")}
        for name in sorted(named - set(agents)):
            key = f"escalation.{ladder}.steps[{number}].notify"
            yield _doubt("escalation.toml", key, f"there is nobody called {name!r}.", nearest(name, agents))


def fields(policies: Policies, paths: Iterable[tuple[Place, str]]) -> Iterator[Problem]:
    """Fields that look like a misspelt one of ours. Own fields of a CRM are welcome."""
    own = {noun for one in policies.connections.values() for noun in one.fields}
    mapped = {
        noun: {ours for one in policies.connections.values() for ours in one.fields.get(noun, {})} for noun in own
    }
    for place, path in paths:
        noun, _, name = path.partition(".")
        known = FIELDS.get(noun, ())
        if known and name not in known and name not in mapped.get(noun, ()):
            hint = nearest(name, known, cutoff=_CLOSE)
            if hint:
                message = f"{path} is no field taskhub knows; it must come from a sender."
                yield Problem(*place, message, f"{noun}.{hint}")


def _unused(policies: Policies) -> Iterator[Problem]:
    kinds, queues, rules = policies.kinds.values(), policies.queues.values(), policies.rules
    made = {task.sla for rule in rules for task in rule.tasks}
    asked = {queue.calendar for queue in queues} | {rule.calendar for rule in rules}
    nouns = (
        ("queues.toml", "queue", policies.queues, {kind.queue for kind in kinds}, "no kind belongs to it"),
        ("calendars.toml", "calendar", policies.calendars, asked, "no queue and no rule uses it"),
        ("sla.toml", "sla", policies.sla, {kind.sla for kind in kinds} | made, "no kind and no rule uses it"),
        (
            "escalation.toml", "escalation", policies.escalations,
            {promise.escalation for promise in policies.sla.values()}, "no SLA policy uses it",
        ),
    )  # fmt: skip
    for file, noun, declared, used, why in nouns:
        for key in declared:
            if key not in used:
                yield _doubt(file, f"{noun}.{key}", f"{why}.")


def _types(rule: Rule) -> Iterator[Problem]:
    for type_ in rule.on:
        hint = nearest(type_, EVENT_TYPES, cutoff=0.85) if type_ not in EVENT_TYPES else None
        if hint:
            message = f"no event of taskhub or of a CRM has the type {type_!r}; it must come from a sender of yours."
            yield _doubt("rules.toml", f"rule.{rule.key}.on", message, hint)


def _statuses(rule: Rule) -> Iterator[Problem]:
    for condition in rule.when:
        noun, _, name = condition.path.partition(".")
        known = STATUSES.get(noun, ()) if name == "status" else ()
        values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
        for value in values if known and isinstance(condition.value, str | tuple) else ():
            if value not in known:
                message = f"{value!r} is no status of a {noun} unless a sender has such a word: {', '.join(known)}."
                key = f"rule.{rule.key}.when.{condition.path}"
                yield _doubt("rules.toml", key, message, nearest(str(value), known))


def _work(rule: Rule, policies: Policies, made: Collection[str]) -> Iterator[Problem]:
    for number, task in enumerate(rule.tasks, 1):
        queue = policies.queues[policies.kinds[task.kind].queue]
        if queue.closed:
            message = f"queue {queue.key!r} is closed: it takes no new work."
            yield _doubt("rules.toml", f"rule.{rule.key}.tasks[{number}].kind", message)
        for other in task.waits_for:
            if other not in made:
                message = f"no rule makes {other!r}; the task waits only where somebody makes one by hand."
                yield _doubt("rules.toml", f"rule.{rule.key}.tasks[{number}].waits_for", message)


def _twice(policies: Policies) -> Iterator[Problem]:
    """Two rules that make the same kind under the same conditions make it twice."""
    seen: dict[tuple[object, ...], str] = {}
    for rule in policies.rules:
        conditions = (
            frozenset(map(repr, rule.when)),
            rule.after,
            rule.before_field,
            rule.before_by,
            rule.every,
            rule.calendar,
        )
        for type_, kind in ((type_, task.kind) for type_ in rule.on or ("",) for task in rule.tasks):
            first = seen.setdefault((type_, kind, *conditions), rule.key)
            if first != rule.key:
                message = f"makes {kind!r} when rule {first!r} makes one too: two tasks for one change."
                yield _doubt("rules.toml", f"rule.{rule.key}.tasks", message)


def _doubt(file: str, key: str, message: str, hint: str | None = None) -> Problem:
    return Problem(file, 0, key, message, hint)
