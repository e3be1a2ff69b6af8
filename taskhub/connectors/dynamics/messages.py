"""What one message says about one row, whatever the message is called. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskhub.connectors.dynamics.context import Context, Row
from taskhub.connectors.dynamics.values import Reference, guid

CREATE, UPDATE, DELETE, ASSIGN, QUALIFY = "Create", "Update", "Delete", "Assign", "QualifyLead"
MERGE = "Merge"
SET_STATE = ("SetState", "SetStateDynamicEntity")
REREAD = "reread_needed"
OVERSIZED, NO_TARGET = "body_over_256_kb", "no_target"


class NotFollowed(Exception):
    """Understood, and nothing for taskhub to do; ``str()`` is the reason."""


class RereadNeeded(Exception):
    """The message says that a row changed, not how: only the row itself can tell. ``str()`` is the reason.

    Nothing here asks: it is kept as an ignored delivery with this reason, whose subject names the record where the
    message does. Its ``doubt`` is what a client asks for.
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"{REREAD}: {why}")


@dataclass(frozen=True, slots=True)
class Told:
    """``row`` holds what the message itself says. ``before`` is a registered pre-image, None when there is none.

    ``around`` and ``labels`` are what images say of the same row at the same time, for what the message leaves out.
    """

    verb: str
    row: Row
    before: Mapping[str, Any] | None
    around: Mapping[str, Any]
    labels: Mapping[str, str]


def told(context: Context, *, stripped: bool) -> Told:
    """Raises ``NotFollowed`` for other messages, ``RereadNeeded`` for one without what it is about."""
    verb = UPDATE if context.message in SET_STATE else context.message
    if verb not in (CREATE, UPDATE, DELETE, ASSIGN, QUALIFY, MERGE):
        raise NotFollowed(f"message_not_followed: {context.message[:60]}")
    row = _row(context)
    if row is None:
        raise RereadNeeded(OVERSIZED if stripped else NO_TARGET)
    images = [image for image in (context.primary, context.before, context.after) if image is not None]
    return Told(
        verb=verb,
        row=row,
        before=context.before.attributes if context.before else None,
        around={name: value for image in images for name, value in image.attributes.items()},
        labels={name: text for image in images for name, text in image.labels.items() if name not in row.attributes},
    )


def merged_row(context: Context) -> Row | None:
    """The row that went, in the words in which it says so itself; the message is about the one that stayed."""
    loser = guid(context.inputs.get("SubordinateId"))
    winner = (context.target.id if context.target else None) or context.record_id
    if loser is None or winner is None:
        return None
    return Row(context.entity, loser, {"merged": True, "masterid": Reference(context.entity, winner, None)})


def _row(context: Context) -> Row | None:
    given = context.inputs
    target = context.target
    if context.message in SET_STATE:
        moniker = given.get("EntityMoniker")
        codes = {"statecode": given.get("State"), "statuscode": given.get("Status")}
        known = {name: value for name, value in codes.items() if value is not None}
        return Row(moniker.entity, moniker.id, known) if isinstance(moniker, Reference) and known else None
    if context.message == QUALIFY:
        lead = given.get("LeadId")
        return Row("lead", lead.id if isinstance(lead, Reference) else context.record_id)
    if context.message == ASSIGN:
        assignee = given.get("Assignee")
        row = Row(context.entity, (target.id if target else None) or context.record_id, {"ownerid": assignee})
        return row if isinstance(assignee, Reference) else None
    if context.message == MERGE:
        return merged_row(context)
    if context.message == DELETE:
        return Row(context.entity, (target.id if target else None) or context.record_id)
    return target if target is not None and target.attributes else None
