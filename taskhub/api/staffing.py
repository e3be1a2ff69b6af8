"""``/queues/{key}/staffing`` and ``/periods``: how a queue is served from when on, and when it goes ahead."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.requests import Request

from taskhub.acts import month_end, staffing
from taskhub.api import covered, reader, seen, shadow
from taskhub.api import staffing_shown as shown
from taskhub.api.staffing_bodies import Period, Switch, SwitchPreview
from taskhub.assignment import cover
from taskhub.assignment.moments import moment_since
from taskhub.assignment.shadow import shadow as shadowed
from taskhub.db.tx import Tx
from taskhub.http import paging
from taskhub.http.edge import act, look
from taskhub.http.inputs import Id, Key
from taskhub.http.route import router
from taskhub.queues import periods
from taskhub.queues import service as queues

routes = router("queues")
STAFF = "queue.staff"
PAST = 100
Language = Annotated[Literal["en", "fr"] | None, Query()]


@routes.get("/queues/{key}/staffing")
@look("queue.read")
def get_staffing(tx: Tx, key: Key) -> dict[str, Any]:
    """The file's staffing, the switch that holds, what is planned, what was before (PAST at most); each with who."""
    queue = seen.queue(tx, key)
    started = queues.past(tx, key, PAST + 1)
    return {
        "queue": key, "file": shown.staffing(queue.staffing),
        "now": shown.staffing(queues.as_served(tx, [queue])[0].staffing),
        "holds": shown.switch(started[0]) if started else None,
        "planned": [shown.switch(one) for one in queues.planned(tx, [key])],
        "past": [shown.switch(one) for one in started[1:]],
    }  # fmt: skip


@routes.put("/queues/{key}/staffing")
@act(STAFF, "queue.switch")
def put_staffing(tx: Tx, key: Key, body: Switch) -> dict[str, Any]:
    """Switches the queue now, at its next opening or at a time; ``model`` null returns to the file."""
    queue = seen.queue(tx, key, STAFF)
    made, returned = staffing.switch(tx, queue, body.asked(), body.at)
    return {"switch": shown.switch(made), "returned": returned, "act": tx.act_id}


@routes.delete("/queues/{key}/staffing/{id}")
@act(STAFF, "queue.switch_cancelled")
def cancel_staffing(tx: Tx, key: Key, id: Id) -> dict[str, Any]:
    """Takes a planned switch back, until it starts."""
    seen.queue(tx, key, STAFF)
    return {"cancelled": shown.switch(queues.cancel_switch(tx, key, id))}


@routes.post("/queues/{key}/staffing/preview")
@look(STAFF)
def preview_staffing(
    tx: Tx, request: Request, key: Key, body: SwitchPreview, language: Language = None
) -> dict[str, Any]:
    """Who would gain and lose the queue, what would happen to work; ``since``: what would have been decided."""
    queue = seen.queue(tx, key, STAFF)
    reads = reader.language(tx, request, language)
    found = staffing.preview(tx, queue, body.asked(), body.at)
    said = shown.change(found, reads)
    few = cover.under(tx, found.before, found.after, found.effective_at)
    said["warnings"] = [*said["warnings"], *covered.warnings(few, reads, names=True)]
    if body.since is None:
        return {**said, "decided": None}
    other = found.after.staffing
    asked = shadowed(tx, key, other, moment_since(body.since, tx.now), most=shadow.MOST)
    return {**said, "decided": shadow.shown(tx, queue, other, asked, reads)}


@routes.get("/queues/{key}/periods")
@look("queue.read")
def list_periods(tx: Tx, key: Key) -> dict[str, Any]:
    """Times in which the queue goes ahead that are not over."""
    seen.queue(tx, key)
    return paging.page([shown.period(one) for one in periods.of_queues(tx, [key])], None)


@routes.post("/queues/{key}/periods", status_code=201)
@act(STAFF, "queue.period")
def put_period(tx: Tx, key: Key, body: Period) -> dict[str, Any]:
    """Puts a queue ahead for a time: month-end. It begins and ends by itself."""
    queue = seen.queue(tx, key, STAFF)
    made = month_end.put(tx, queue, body.from_, body.until, body.ahead_by)
    return {**shown.period(made), "act": tx.act_id}


@routes.post("/queues/{key}/periods/preview")
@look(STAFF)
def preview_period(tx: Tx, request: Request, key: Key, body: Period, language: Language = None) -> dict[str, Any]:
    """Which waiting tasks of queues that share people would be passed."""
    queue = seen.queue(tx, key, STAFF)
    found = month_end.preview(tx, queue, body.from_, body.until, body.ahead_by)
    return shown.ahead(found, key, reader.language(tx, request, language))


@routes.delete("/queues/{key}/periods/{id}")
@act(STAFF, "queue.period_ended")
def end_period(tx: Tx, key: Key, id: Id) -> dict[str, Any]:
    """Ends a period now, or takes it back before it begins."""
    seen.queue(tx, key, STAFF)
    return {"ended": shown.period(month_end.end(tx, key, id))}
