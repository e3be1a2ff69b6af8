"""``/agents/{key}/lend``: a person helps in another queue until a time."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from taskhub.acts import lending as lends
from taskhub.api import reader, seen
from taskhub.api import staffing_shown as shown
from taskhub.api import staffing_words as words
from taskhub.api.staffing import Language
from taskhub.api.staffing_bodies import Lend
from taskhub.db.tx import Tx
from taskhub.http import paging
from taskhub.http.edge import act, look
from taskhub.http.inputs import Id, Key
from taskhub.http.route import router
from taskhub.queues import lending
from taskhub.queues import service as queues

routes = router("agents")
LEND = "agent.lend"


@routes.get("/agents/{key}/lend")
@look("agent.read")
def list_loans(tx: Tx, key: Key) -> dict[str, Any]:
    """The person's loans that are not over."""
    seen.agent(tx, key)
    return paging.page([shown.lending(one) for one in lending.of_agent(tx, key)], None)


@routes.post("/agents/{key}/lend", status_code=201)
@act(LEND)
def lend(tx: Tx, request: Request, key: Key, body: Lend, language: Language = None) -> dict[str, Any]:
    """Lends a person to a queue: in its pool from then until then, ended by itself."""
    seen.agent(tx, key, LEND)
    made, warned = lends.lend(tx, key, queues.named(tx, body.queue), body.from_, body.until)
    told = words.warnings([(one.code, one.facts) for one in warned], reader.language(tx, request, language))
    return {**shown.lending(made), "warnings": told, "act": tx.act_id}


@routes.post("/agents/{key}/lend/preview")
@look(LEND)
def preview_loan(tx: Tx, request: Request, key: Key, body: Lend, language: Language = None) -> dict[str, Any]:
    """Which kinds the person could be given then, and what stands in the way."""
    seen.agent(tx, key, LEND)
    found = lends.preview(tx, key, queues.named(tx, body.queue), body.from_, body.until)
    said = shown.loan(found, reader.language(tx, request, language))
    return {"agent": key, "queue": body.queue, **said}


@routes.delete("/agents/{key}/lend/{id}")
@act(LEND, "agent.lend_ended")
def end_loan(tx: Tx, key: Key, id: Id) -> dict[str, Any]:
    """Ends a loan now, or takes it back before it begins; what was offered under it and not begun returns."""
    seen.agent(tx, key, LEND)
    ended, returned = lends.end(tx, key, id)
    return {"ended": shown.lending(ended), "returned": returned}
