"""A completed task leads on: checks of it first, in the same transaction, then chained rules.

What follows waits while a blocking check is open: chained rules here, ``waits_for`` in the file, and whoever listens to
``task.approved`` (writing back does). It is emitted once for a completion, when nothing holds it back any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from taskhub.acts.carry_out import carry_out
from taskhub.agents import directory
from taskhub.assignment import service as assignment
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.events.model import RecordRef, Version
from taskhub.failpoints import failpoint
from taskhub.policy.policies import Policies
from taskhub.policy.work import PRIORITIES
from taskhub.rules.model import COMPLETED, Plan, TaskDraft, TaskFacts
from taskhub.rules.plan import plan_for_completion
from taskhub.sales import service as sales
from taskhub.tasks import mirrored, second_look
from taskhub.tasks import service as tasks
from taskhub.tasks.model import Task


def complete(
    tx: Tx, task_id: str, token: int | None, outcome: str | None = None, note: str | None = None,
    data: Mapping[str, Any] | None = None, version: int | None = None,
) -> Task:  # fmt: skip
    """A person's work is done; what is to look at it again is there before anybody could go on without it."""
    done = tasks.complete(tx, task_id, token, outcome, note, data, version)
    if any(made.is_check for rule in tx.policies.rules_on(COMPLETED) for made in rule.tasks):
        _look_again(tx, done, plan_of(tx, done))
    return done


def task_completed(tx: Tx, row: Taken) -> None:
    """Runs the rules that listen to ``task.completed``, unless a blocking check holds them back."""
    task = tasks.get(tx, row.key)
    if task.completed_at is None:
        return
    plan = plan_of(tx, task)
    if row.payload.get("act") == "complete":  # what a rule completes nobody here has done
        _look_again(tx, task, plan)
    if second_look.held_back(tx, task.id):
        return
    carry_out(tx, _without_checks(plan), occurred_at=task.completed_at)
    failpoint("chain.carried_out")
    tx.emit("task.approved", task.id)
    mirrored.changed(tx, task)


def check_settled(tx: Tx, row: Taken) -> None:
    """A check has ended: wrong brings the work back to its person, with the reason; else it may lead on."""
    check = tasks.get(tx, row.key)
    first = tasks.get(tx, check.checks or "")
    if check.is_open or not second_look.is_current(check, first):
        return
    if second_look.found_wrong(check):
        _rework(tx, first, check)
    elif check.blocking:
        tx.emit("check.passed", first.id)
        if first.file:
            tx.emit("file.changed", first.file)


def _rework(tx: Tx, first: Task, check: Task) -> None:
    said = (check.note or "").strip()
    note = f"{first.note}\n\n{said}" if first.note else said
    assignment.reopen(tx, first.id, said, note_=note)


def _look_again(tx: Tx, task: Task, plan: Plan) -> None:
    checks = tuple(draft for draft in plan.drafts if draft.checks)
    if checks:
        carry_out(tx, Plan(drafts=checks), occurred_at=task.completed_at)


def _without_checks(plan: Plan) -> Plan:
    return replace(plan, drafts=tuple(draft for draft in plan.drafts if not draft.checks))


def plan_of(tx: Tx, task: Task) -> Plan:
    """What a completed task leads to under the policies of ``tx``."""
    ref = RecordRef(*task.record.split(":", 1)) if task.record else None
    kind = tx.policies.kinds.get(task.kind)
    names = {task.kind, *([kind.skill_key] if kind else [])}
    facts = TaskFacts(
        id=task.id, kind=task.kind, completed_at=task.completed_at or tx.now, completed_by=task.completed_by,
        outcome=task.outcome, priority=PRIORITIES[task.priority], level=task.level, record=ref, file=task.file,
        lead=task.lead, deal=task.deal, data=task.data, depth=task.depth, is_check=task.checks is not None,
        version=Version(task.version_at, task.version_tie or "") if task.version_at is not None else None,
        learning=directory.is_learning(tx, task.completed_by, names),
    )  # fmt: skip
    return plan_for_completion(facts, sales.known_of(tx, ref), tx.policies.rules, tx.policies.kinds)


def plan_of_draft(tx: Tx, draft: TaskDraft, at: datetime, policies: Policies) -> Plan:
    """What a task that was never made would lead to under ``policies``, done by nobody in particular at ``at``."""
    facts = TaskFacts(
        id=draft.origin, kind=draft.kind, completed_at=at, priority=draft.priority, level=draft.level,
        record=draft.record, file=draft.file, lead=draft.lead, deal=draft.deal, data=draft.data, depth=draft.depth,
        version=draft.version, is_check=draft.checks is not None,
    )  # fmt: skip
    return plan_for_completion(facts, sales.known_of(tx, draft.record), policies.rules, policies.kinds)
