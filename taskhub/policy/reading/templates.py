"""The tasks a rule makes, and what raises their level or requirements."""

from __future__ import annotations

from taskhub.policy.reading.conditions import conditions
from taskhub.policy.reading.kinds import LEVELS
from taskhub.policy.reading.table import Table
from taskhub.policy.reading.values import requirements
from taskhub.policy.reading.vocabulary import NOT_BY
from taskhub.policy.reading.wording import template
from taskhub.policy.rule import Raise, TaskTemplate
from taskhub.policy.work import PRIORITIES


def task(entry: Table) -> TaskTemplate:
    """One ``[[rule.tasks]]`` entry."""
    made = TaskTemplate(
        kind=entry.ref("kind", "kind", required=True) or "",
        title=template(entry, "title"),
        priority=entry.choice("priority", PRIORITIES, "normal"),
        sla=entry.ref("sla", "SLA policy"),
        delay=entry.opt_duration("delay"),
        waits_for=entry.refs("waits_for", "kind"),
        requires=requirements(entry),
        level=_level(entry),
        raises=tuple(_raise(one) for one in entry.tables("raises")),
        share=entry.number("share", 1.0, most=1.0),
        not_by=entry.opt_choice("not_by", NOT_BY),
        not_owner=entry.flag("not_owner"),
        blocking=entry.flag("blocking"),
        check=entry.flag("check") if entry.has("check") else None,
    )
    entry.done()
    return made


def _raise(entry: Table) -> Raise:
    raised = Raise(when=conditions(entry), requires=requirements(entry), level=_level(entry))
    entry.done()
    if entry.unknown():
        return raised
    if not (entry.has("level") or entry.has("requires")):
        entry.problem((), "raises nothing; give it a level or requires.")
    if not entry.has("when"):
        entry.problem((), "when is missing; what always holds belongs into the task itself.")
    return raised


def _level(entry: Table) -> int | None:
    return entry.opt_whole("level", least=LEVELS[0], most=LEVELS[1])
