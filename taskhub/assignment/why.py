"""Why a task is where it is: the stored decision, run again on its stored inputs, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from taskhub.assignment import claim, decision_words, pull, record, sentences, store
from taskhub.assignment.installed import plugins
from taskhub.assignment.model import Assigned, Candidate, Decision, Waiting
from taskhub.assignment.queries import past
from taskhub.assignment.registry import Plugins
from taskhub.assignment.rerun import SAME, Rerun, rerun
from taskhub.db.tx import Tx
from taskhub.errors import NotFound
from taskhub.tasks import service as tasks

EARLIER = 50


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is told: in which language, as which person, and whether others are their business (``oversees``)."""

    language: str = "en"
    agent: str | None = None
    oversees: bool = True


def why(
    tx: Tx, task_id: str, language: str = "en", *, reader: Reader | None = None, table: Plugins | None = None,
    every: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """The newest decision about a task with its candidates, its sentence and what running it again says.

    ``rerun`` is same, different or not_rerunnable; ``table`` are the plug-ins to run it with. ``every`` adds the
    decisions before it, newest first. Raises NotFound when nothing has been decided yet.
    """
    who = reader or Reader(language)
    task = tasks.get(tx, task_id)
    rows = past.decisions_of(tx, task_id, EARLIER if every else 1)
    if not rows:
        raise NotFound("Nothing has been decided about this task yet.", code="no_decision")
    kind = tx.policies.kinds.get(task.kind)
    name = kind.name.in_(who.language) if kind else task.kind
    told = [_told(tx, row, name, who, table) for row in rows]
    return {**told[0], "history": told[1:]} if every else told[0]


def _told(tx: Tx, row: Any, kind: str, reader: Reader, table: Plugins | None) -> dict[str, Any]:
    again = _again(tx, row, table)
    said = {
        "outcome": row.outcome, "agent": row.agent, "way": row.way, "reason": _sentence(tx, row, again, kind, reader),
        "reasons": row.facts.get("reasons") or row.facts.get("overridden", []),
        "strategy": row.strategy, "strategy_version": row.strategy_version,
        "model": row.model, "candidates": [], "decided_at": row.at, "passed_over": [], "policy_hash": row.policy_hash,
        "stood_in_for": _missing(row), "rerun": again.status, "rerun_detail": None,
        "rerun_text": decision_words.run_again(again.status, reader.language),
    }  # fmt: skip
    if reader.oversees:
        said["candidates"] = [_candidate(one) for one in again.candidates]
        said["rerun_detail"] = again.why or None
    if reader.oversees or reader.agent == row.agent:
        said["passed_over"] = _passed_over(row)
    return said


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


def _sentence(tx: Tx, row: Any, again: Rerun, kind: str, reader: Reader) -> str:
    if row.way == "manual":
        by = row.facts.get("by", "").removeprefix("agent:")
        return decision_words.by_hand(_name(tx, by), reader.language)
    if row.outcome == "waiting":
        return sentences.waiting(row.facts["reasons"], reader.language)
    if reader.agent is not None and reader.agent == row.agent:
        return _about_you(row, again, kind, reader.language)
    if not reader.oversees:
        return _about_another(tx, row, again, kind, reader)
    name = _name(tx, row.agent)
    if row.way == "pull":
        return decision_words.pulled(name, reader.language, picked=bool(row.facts["pull"]["picked"]))
    return decision_words.chosen(name, row.facts["tie"], _able(again), kind, reader.language)


def _about_you(row: Any, again: Rerun, kind: str, language: str) -> str:
    if row.way == "pull":
        return sentences.pulled(bool(row.facts["pull"]["picked"]), language)
    return sentences.chosen(row.facts["tie"], _able(again), kind, language)


def _about_another(tx: Tx, row: Any, again: Rerun, kind: str, reader: Reader) -> str:
    """The one sentence about themselves, where they were looked at at all."""
    if row.way == "push" and any(one.agent == reader.agent for one in again.candidates):
        return sentences.for_agent(str(reader.agent), again.candidates, kind, reader.language)
    return decision_words.given(_name(tx, row.agent), reader.language)


def _able(again: Rerun) -> int:
    return max(1, sum(one.eligible for one in again.candidates))


def _name(tx: Tx, key: str) -> str:
    return past.names_of(tx, [key]).get(key, key)


def _missing(row: Any) -> list[str]:
    """Plug-ins that were not installed then, and for which built-ins decided."""
    pulled = row.facts.get("pull") or {}
    return list(dict.fromkeys(name for queue in pulled.get("queues", ()) for name in queue.get("missing", ()))) or list(
        row.facts.get("missing", ())
    )


def _passed_over(row: Any) -> list[dict[str, Any]]:
    """Heads that stood before a pulled task and could not go to this person."""
    seen = row.facts.get("pull") or {}
    if "over" in seen:
        return [{"task": one[0], "reasons": one[8]} for one in seen["over"]]
    return [
        {"task": one[0], "reasons": why_} for one, why_ in zip(seen.get("tasks", ()), seen.get("why", ()), strict=False)
    ]
