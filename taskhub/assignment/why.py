"""Why a task is where it is: the stored decision, run again on its stored inputs, in words."""

from __future__ import annotations

from typing import Any

from taskhub.assignment import claim, pull, record, sentences, store
from taskhub.assignment.installed import plugins
from taskhub.assignment.model import Assigned, Candidate, Decision, Waiting
from taskhub.assignment.registry import Plugins
from taskhub.assignment.rerun import SAME, Rerun, rerun
from taskhub.db.tx import Tx
from taskhub.errors import NotFound
from taskhub.tasks import service as tasks


def why(tx: Tx, task_id: str, language: str = "en", table: Plugins | None = None) -> dict[str, Any]:
    """The newest decision about a task with its candidates, its sentence and what running it again says.

    ``rerun`` is same, different or not_rerunnable. Raises NotFound when nothing has been decided yet.
    """
    task = tasks.get(tx, task_id)
    row = store.last_decision(tx, task_id)
    if row is None:
        raise NotFound("Nothing has been decided about this task yet.", code="no_decision")
    again = _again(tx, row, table)
    name = tx.policies.kinds[task.kind].name.in_(language) if task.kind in tx.policies.kinds else task.kind
    return {
        "outcome": row.outcome, "agent": row.agent, "way": row.way, "reason": _sentence(row, again, name, language),
        "reasons": row.facts.get("reasons", []), "strategy": row.strategy, "strategy_version": row.strategy_version,
        "model": row.model, "candidates": [_candidate(c) for c in again.candidates], "decided_at": row.at,
        "passed_over": _passed_over(row), "policy_hash": row.policy_hash, "rerun": again.status,
        "rerun_detail": again.why or None,
    }  # fmt: skip


def _again(tx: Tx, row: Any, table: Plugins | None = None) -> Rerun:
    if row.way == "pull":
        return rerun_pulled(tx, row)
    if row.way == "manual":
        return Rerun(SAME)
    place = row.facts["position"]
    head, block = store.stored_pass(tx, row.pass_id, record.block_of(place))
    return rerun(head, block, _decision(row), table or plugins())


def rerun_pulled(tx: Tx, row: Any) -> Rerun:
    """A claim's record checked again."""
    facts = claim.read_record(tx, row.facts["pull"])
    found = pull.rerun_pull(facts, plugins())
    return Rerun(found.status, found.why, found.now, (Candidate(facts.agent.key, eligible=True, rank=1),))


def _decision(row: Any) -> Decision:
    if row.outcome == "assigned":
        return Assigned(row.task, row.agent, tuple(row.facts["score"]), row.facts["tie"])
    return Waiting(row.task, tuple(row.facts["reasons"]))


def _candidate(seen: Candidate) -> dict[str, Any]:
    return {
        "agent": seen.agent, "eligible": seen.eligible, "reasons": list(seen.reasons), "rank": seen.rank,
        "score": list(seen.score),
    }  # fmt: skip


def _sentence(row: Any, again: Rerun, kind: str, language: str) -> str:
    if row.way == "pull":
        return sentences.pulled(bool(row.facts["pull"]["picked"]), language)
    if row.way == "manual":
        by = row.facts.get("by", "").removeprefix("agent:")
        return {"fr": f"Donnée à la main par {by}."}.get(language[:2], f"Given by hand by {by}.")
    if row.outcome == "assigned":
        able = sum(c.eligible for c in again.candidates)
        return sentences.chosen(row.facts["tie"], able, kind, language)
    return sentences.waiting(row.facts["reasons"], language)


def _passed_over(row: Any) -> list[dict[str, Any]]:
    """Heads that stood before a pulled task and could not go to this person."""
    seen = row.facts.get("pull") or {}
    if "over" in seen:
        return [{"task": one[0], "reasons": one[8]} for one in seen["over"]]
    return [
        {"task": one[0], "reasons": why_} for one, why_ in zip(seen.get("tasks", ()), seen.get("why", ()), strict=False)
    ]
