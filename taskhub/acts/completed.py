"""A completed task leads on: chained rules."""

from __future__ import annotations

from taskhub.acts.carry_out import carry_out
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.events.model import RecordRef
from taskhub.policy.work import PRIORITIES
from taskhub.rules.model import TaskFacts
from taskhub.rules.plan import plan_for_completion
from taskhub.sales import service as sales
from taskhub.tasks import service as tasks


def task_completed(tx: Tx, row: Taken) -> None:
    """Runs the rules that listen to ``task.completed``."""
    task = tasks.get(tx, row.key)
    if task.completed_at is None:
        return
    ref = RecordRef(*task.record.split(":", 1)) if task.record else None
    facts = TaskFacts(
        id=task.id, kind=task.kind, completed_at=task.completed_at, completed_by=task.completed_by,
        outcome=task.outcome, priority=PRIORITIES[task.priority], level=task.level, record=ref, file=task.file,
        lead=task.lead, deal=task.deal, data=task.data, depth=task.depth,
    )  # fmt: skip
    known = sales.known_of(tx, ref)
    carry_out(
        tx, plan_for_completion(facts, known, tx.policies.rules, tx.policies.kinds), occurred_at=task.completed_at
    )
