"""``/agents/{key}/leave``: somebody leaves; first what would move where, then all of it at once."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from taskhub.acts import leaving
from taskhub.acts.leaving import Leaving
from taskhub.agents import service as agents
from taskhub.api import covered, seen, shown
from taskhub.api.bodies import LeaveIn
from taskhub.api.reader import language
from taskhub.db.tx import Tx
from taskhub.http.edge import act, look
from taskhub.http.inputs import Key
from taskhub.http.route import router

routes = router("agents")


@routes.post("/agents/{key}/leave/preview")
@look("agent.leave")
def preview_leave(tx: Tx, request: Request, key: Key, body: LeaveIn = LeaveIn()) -> dict[str, Any]:  # noqa: B008
    """What would move where, what would end, which kinds would be left with nobody. Changes nothing."""
    seen.agent(tx, key, "agent.leave")
    return _shown(tx, leaving.preview(tx, key, body.colleague), language(tx, request))


@routes.post("/agents/{key}/leave")
@act("agent.leave")
def leave(tx: Tx, request: Request, key: Key, body: LeaveIn = LeaveIn()) -> dict[str, Any]:  # noqa: B008
    """Hands over what the person holds, ends their plans and keys, and makes them inactive: one transaction."""
    seen.agent(tx, key, "agent.leave")
    said = language(tx, request)
    done = leaving.leave(tx, key, body.colleague, body.note)
    return {**_shown(tx, done, said), "agent": shown.agent(agents.get_agent(tx, key), private=True), "act": tx.act_id}


def _shown(tx: Tx, found: Leaving, language_: str) -> dict[str, Any]:
    moves = [
        {
            "task": move.task.id, "title": move.task.title, "kind": move.task.kind, "queue": move.task.queue,
            "state": move.task.state, "pinned": move.task.pinned, "half_done": move.half_done,
            "to": {"agent": move.to} if move.to else {"queue": move.task.queue},
            "not_to_colleague": list(move.against), "nobody_can": list(move.nobody),
        }
        for move in found.moves
    ]  # fmt: skip
    return {
        "agent": shown.agent(found.agent, private=True), "tasks": moves,
        "warnings": covered.warnings(found.few, language_, names=True),
        "loans": [
            {"id": one.id, "queue": one.queue, "from": one.from_at, "until": one.until_at} for one in found.loans
        ],
        "absences": [shown.absence(one) for one in found.absences],
        "duties": [
            {"queue": one["queue"], "from": one["from_at"], "until": one["until_at"], "kinds": one["kinds"]}
            for one in found.duties
        ],
        "references": found.references,
        "questions": [{"id": one.id, "task": one.task, "to": to} for one, to in found.questions],
    }  # fmt: skip
