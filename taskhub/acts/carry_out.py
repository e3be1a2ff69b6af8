"""A plan of the rules becomes work: drafts are made, endings done and remembered, watches armed."""

from __future__ import annotations

from datetime import datetime

from taskhub.agents import directory
from taskhub.db.tx import Tx
from taskhub.failpoints import failpoint
from taskhub.policy.work import PRIORITIES
from taskhub.rules.model import Effect, Plan, TaskDraft
from taskhub.sales.customers import Known, customer
from taskhub.tasks import endings, making
from taskhub.tasks.endings import Ending
from taskhub.tasks.model import NewTask


def carry_out(
    tx: Tx, plan: Plan, *, event: str | None = None, occurred_at: datetime | None = None, known: Known | None = None
) -> list[str]:
    """Does what ``plan`` asks. Returns the ids of the tasks made and touched.

    ``known``: what is known of the plan's record and those linked to it, where the caller has read it.
    """
    drafts = [draft for draft in plan.drafts if draft.kind in tx.policies.kinds]
    owners = directory.keys_of(tx, {name for draft in drafts for name in draft.excluded if name != draft.completer})
    news = [_new(draft, owners, event, occurred_at, known or {}) for draft in drafts]
    made = making.bring_about(tx, news)
    failpoint("plan.made")
    effects = (*plan.wakes, *plan.completions, *plan.closings)
    touched = endings.apply(tx, [_ending(effect, event) for effect in effects])
    failpoint("plan.ended")
    endings.settle_late(tx, news, made)
    for watch in plan.watch:
        tx.emit("record.watched", f"{watch.rule}|{watch.record}", due_at=max(watch.due_at, tx.now))
    return [*made.ids, *touched]


def _new(
    draft: TaskDraft, owners: dict[str, str], event: str | None, occurred_at: datetime | None, known: Known
) -> NewTask:
    why = "not_by" if draft.not_by else "conflict_of_interest"
    excluded = {owners[name]: why for name in draft.excluded if name in owners and name != draft.completer}
    return NewTask(
        kind=draft.kind, title=draft.title, priority=PRIORITIES.index(draft.priority), level=draft.level,
        requires=draft.requires, sla=draft.sla, sla_from=draft.sla_from, delay=draft.delay, waits_for=draft.waits_for,
        excluded=excluded | ({draft.completer: "not_by"} if draft.completer else {}),
        checks=draft.checks, blocking=draft.blocking,
        record=str(draft.record) if draft.record else None,
        file=draft.file, lead=draft.lead, deal=draft.deal,
        customer=_customer(draft, known),
        event=event, rule=draft.rule, parent=draft.parent, depth=draft.depth, origin=draft.origin,
        version=(draft.version.at, draft.version.tie), occurred_at=occurred_at, data=draft.data,
        checklist=draft.checklist,
    )  # fmt: skip


def _customer(draft: TaskDraft, known: Known) -> str | None:
    """Of the record that was read; another's is looked up when the task is made."""
    record = draft.record
    read = record is not None and known.get(record.noun, {}).get("id") == record.id
    return customer(str(record), known) if read else None


def _ending(effect: Effect, event: str | None) -> Ending:
    version = (effect.version.at, effect.version.tie)
    return Ending(effect.verb, str(effect.record), effect.kinds, version, effect.rule, effect.reason, event)
