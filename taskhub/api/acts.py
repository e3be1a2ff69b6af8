"""``/acts``: what I did in the last 24 hours, and taking it back."""

from __future__ import annotations

from typing import Any

from taskhub.access import service as access
from taskhub.acts import undo as undoing
from taskhub.api import seen
from taskhub.db.tx import Tx
from taskhub.events.model import RecordRef
from taskhub.http import paging
from taskhub.http.edge import act, look
from taskhub.http.inputs import Id
from taskhub.http.route import router
from taskhub.notes import service as notes

routes = router("acts")


@routes.get("/acts")
@look("act.read")
def list_acts(tx: Tx) -> dict[str, Any]:
    """The caller's own acts of the last 24 hours, newest first, each with whether it can be undone."""
    return paging.page(undoing.list_acts(tx), None)


@routes.post("/acts/{id}/undo")
@act("act.undo")
def undo(tx: Tx, id: Id) -> dict[str, Any]:
    """Takes an own act back, unless the world has moved on."""
    return undoing.undo(tx, id, lambda ref: _may(tx, ref))


def _may(tx: Tx, ref: RecordRef) -> None:
    if ref.noun == notes.NOUN:
        access.check(access.caller(tx), "note.change")
        seen.note(tx, ref.id, removed=True)
    else:
        state, who = seen.record(tx, ref.noun, ref.id, "record.change")
        access.check(who, "record.change", seen.of_row(tx, state, who))
