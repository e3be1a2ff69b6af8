"""What was asked of a CRM, withdrawn, and done there after all: its word is the only one there is, no echo of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from taskhub.acts import crm_meeting
from taskhub.connectors.asking import model
from taskhub.connectors.asking import service as asked_there
from taskhub.connectors.asking.model import CrmAct
from taskhub.connectors.own_write import OWN_WRITE
from taskhub.db.tx import Tx
from taskhub.events.model import Event
from taskhub.sales.model import Changes

Known = Mapping[str, Mapping[str, Any]]


def heard(tx: Tx, event: Event, changes: Changes, known: Known) -> Changes:
    """``changes``, for rules to fire on although we wrote them, when nobody here tells of them any more."""
    if changes.reason != OWN_WRITE or event.record is None or event.record.noun not in crm_meeting.NOUNS:
        return changes
    if crm_meeting.made(tx, event, changes, known) is not None:
        return changes
    newest = next(_tell(tx, event, changes, known), None)
    withdrawn = newest is not None and newest.state == model.WITHDRAWN and newest.tried_at is not None
    return replace(changes, reason=None) if withdrawn else changes


def _tell(tx: Tx, event: Event, changes: Changes, known: Known) -> Iterator[CrmAct]:
    """The acts that this would be the word of; those of the record itself first, the newest of each first."""
    noun, lead = (event.record.noun if event.record else ""), known.get("deal", {}).get("lead")
    of_lead = asked_there.about(tx, f"lead:{lead}") if noun == "deal" and lead else ()
    for act in (*asked_there.about(tx, str(event.record)), *of_lead):
        if set(crm_meeting.SAYS[act.kind].get(noun, ())) & set(changes.types):
            yield act
    if noun == "deal" and not lead and "deal.created" in changes.types:
        withdrawn = asked_there.withdrawn_of(tx, event.connection or "", model.CONVERT)
        yield from (act for act in withdrawn if crm_meeting.alike(tx, act, known.get("deal", {})))
