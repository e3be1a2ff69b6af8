"""rules.toml: what a move of the pipeline makes people do."""

from __future__ import annotations

import re
from datetime import timedelta

from taskhub.policy.reading.conditions import conditions
from taskhub.policy.reading.table import LONGEST_WAIT, Table, as_duration, keyed, shown
from taskhub.policy.reading.templates import task
from taskhub.policy.reading.vocabulary import COMPLETED, EVERY, EVERY_KIND, SLA_FROM
from taskhub.policy.reading.wording import has_paths, is_path, opt_local
from taskhub.policy.rule import Rule, TaskTemplate

_TIMED = ("after", "before", "every")
_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,199}")
_DAYS = re.compile(r"\s*(\d{1,4})\s*(?:calendar\s+)?days?\s*", re.ASCII | re.IGNORECASE)


def read(root: Table) -> tuple[Rule, ...]:
    """Every rule, in file order."""
    found = keyed(root, "rule", "rule", _rule)
    root.done()
    return tuple(found.values())


def _rule(entry: Table, key: str) -> Rule:
    before_field, before_by = _before(entry)
    rule = Rule(
        key=key,
        name=opt_local(entry, "name"),
        on=_on(entry),
        when=conditions(entry),
        after=entry.opt_duration("after"),
        before_field=before_field,
        before_by=before_by,
        every=entry.opt_choice("every", EVERY),
        calendar=entry.ref("calendar", "calendar"),
        tasks=tuple(task(one) for one in entry.tables("tasks")),
        wake=_kinds(entry, "wake"),
        complete=_kinds(entry, "complete"),
        close=_kinds(entry, "close"),
        close_reason=entry.opt_text("close_reason", most=200),
        once_per=entry.choice("once_per", ("change", "record"), "change"),
        sla_from=entry.choice("sla_from", SLA_FROM, SLA_FROM[0]),
    )
    _makes_sense(entry, rule)
    return rule


def _on(entry: Table) -> tuple[str, ...]:
    """A rule that fires by the clock may listen to everything."""
    types = entry.words("on", required=not any(map(entry.has, _TIMED)))
    for type_ in types:
        if not _TYPE.fullmatch(type_):
            entry.problem("on", f"{shown(type_)} is no event type; write one such as deal.won.")
    return types


def _kinds(entry: Table, key: str) -> tuple[str, ...]:
    """Kinds, or "*" for every kind."""
    names = entry.words(key)
    for index, name in enumerate(names):
        if name != EVERY_KIND:
            entry.findings.refer("kind", name, entry.place(key, index))
    return names


def _before(entry: Table) -> tuple[str | None, timedelta | None]:
    table = entry.table("before")
    if table is None:
        return None, None
    field = table.opt_text("field", required=True)
    by = table.take("by", required=True)
    table.done()
    days = _DAYS.fullmatch(by) if isinstance(by, str) else None
    wait = timedelta(days=int(days[1])) if days else as_duration(by)
    if by is not None and (wait is None or not timedelta(0) < wait <= LONGEST_WAIT):
        table.wrong("by", 'how long before, such as "60 days" or "36h"', by)
    if field is not None and not is_path(field):
        table.wrong("field", "a date field such as deal.renewal_on", field)
    return field, wait


def _makes_sense(entry: Table, rule: Rule) -> None:
    _trigger_makes_sense(entry, rule)
    if not any(entry.has(verb) for verb in ("tasks", "wake", "complete", "close")) and not entry.unknown():
        entry.problem((), "the rule does nothing; give it tasks, wake, complete or close.")
    if rule.close_reason and not rule.close:
        entry.problem("close_reason", "there is nothing to close; name the kinds in close, or remove close_reason.")
    if COMPLETED in rule.on:
        _checks_make_sense(entry, rule)
        return
    for number, made in enumerate(rule.tasks):
        if made.not_by == "completer" or made.blocking or made.check:
            which = "not_by" if made.not_by == "completer" else "blocking" if made.blocking else "check"
            message = f"{which} speaks of the task before; only a rule on {COMPLETED} has one."
            entry.problem(("tasks", number, which), message)


def _trigger_makes_sense(entry: Table, rule: Rule) -> None:
    if entry.has("after") and entry.has("before"):
        entry.problem("before", "a rule fires after silence or before a date, not both; make two rules.")
    if entry.has("calendar") and not (entry.has("before") or entry.has("every")):
        entry.problem("calendar", "nothing here asks for a calendar; only every and before do.")
    if entry.has("every"):
        _month_makes_sense(entry, rule)
    elif any(map(entry.has, _TIMED)) and COMPLETED in rule.on:
        entry.problem("on", f"{COMPLETED} fires at once; give its tasks a delay instead of after or before.")


def _month_makes_sense(entry: Table, rule: Rule) -> None:
    """A month has no record: nothing to listen to, to look at, to end or to belong to."""
    for key in ("on", "after", "before"):
        if entry.has(key):
            entry.problem(
                key, f"a rule with every fires once a month and by nothing else; make two rules of it, or remove {key}."
            )
    for key in ("when", "wake", "complete", "close", "once_per"):
        if entry.has(key):
            entry.problem(key, f"a rule with every is about no record; remove {key}.")
    for number, made in enumerate(rule.tasks):
        _asks_for_no_record(entry, number, made)


def _asks_for_no_record(entry: Table, number: int, made: TaskTemplate) -> None:
    asked = {
        "waits_for": made.waits_for, "raises": made.raises, "not_owner": made.not_owner,
        "not_by": made.not_by == "owner",
    }  # fmt: skip
    for key in (key for key, there in asked.items() if there):
        entry.problem(("tasks", number, key), f"a rule with every is about no record; remove {key}.")
    texts = [(["title"], made.title), *((["requires", name], text) for name, text in made.requires.items())]
    for keys in (keys for keys, text in texts if has_paths(text)):
        said = "a rule with every is about no record, so nothing can stand in for { }; write it out."
        entry.problem(("tasks", number, *keys), said)


def _checks_make_sense(entry: Table, rule: Rule) -> None:
    for number, made in enumerate(rule.tasks):
        if made.check is False and made.blocking:
            entry.problem(
                ("tasks", number, "blocking"), "only a check is waited for; remove check = false or blocking."
            )
        if made.is_check and made.waits_for:
            message = "a check looks at work that is done; nothing is left to wait for."
            entry.problem(("tasks", number, "waits_for"), message)
