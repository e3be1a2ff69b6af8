"""What the CRM's own word tells rules although it was asked for here, for once: ended in doubt here, or done by hand.

What ended here in doubt and was done there after all has no other word. What somebody over there did by hand, before we
sent anything, was heard as theirs: the answer we get later tells of it no second time.
"""

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
from taskhub.events.model import Event, RecordRef
from taskhub.events.own import SOURCE
from taskhub.sales.firings import service as firings
from taskhub.sales.model import Changes

Known = Mapping[str, Mapping[str, Any]]
DEAL_MADE = "deal.created"


def heard(tx: Tx, event: Event, changes: Changes, known: Known) -> Changes:
    """``changes``, for rules to fire on although we wrote them, when nobody here tells of them any more."""
    if event.record is None or event.record.noun not in crm_meeting.NOUNS:
        return changes
    if not _may_be_of_ours(tx, event, changes, known) or crm_meeting.made(tx, event, changes, known) is not None:
        return changes
    act = next(_tell(tx, event, event.record, changes, known), None)
    if act is None or act.in_doubt_since is None:
        return changes
    if DEAL_MADE in changes.types:
        _keep(tx, act, event.record)
    return replace(changes, reason=None)


def remember(tx: Tx, event: Event, heard: Changes) -> None:
    """Rules have heard of a new deal of a CRM: of which lead it came, it may say later, or never."""
    if event.connection is None or event.source == SOURCE or heard.ref is None:
        return
    if heard.ref.noun == "deal" and DEAL_MADE in heard.types:
        firings.made(tx, heard.ref, heard.version)


def told_before(tx: Tx, act: CrmAct) -> bool:
    """Whether rules have heard of the deal of a conversion from the CRM: made by hand, or of an act in doubt."""
    if act.deal is None:
        return False
    # What the act has met was kept from them.
    if act.seen_at is None and firings.heard_of(tx, RecordRef("deal", act.deal)):
        return True
    found = [*asked_there.about(tx, act.record), *asked_there.about(tx, f"deal:{act.deal}")]
    doubted = sorted({one.id for one in found if one.kind == model.CONVERT and one.in_doubt_since is not None})
    # Locked: its word may be heard at this very moment.
    return any(one.deal == act.deal for id_ in doubted if (one := asked_there.get(tx, id_, locked=True)) is not None)


def _keep(tx: Tx, act: CrmAct, deal: RecordRef) -> None:
    """Asked for the lead once more, the CRM answers with the same deal: rules must not hear of it again."""
    act = asked_there.get(tx, act.id, locked=True) or act
    if act.seen_at is None:
        asked_there.save(tx, replace(act, deal=deal.id, seen_at=tx.now))


def _may_be_of_ours(tx: Tx, event: Event, changes: Changes, known: Known) -> bool:
    """Whether we wrote it; rules hear of a new deal anyway when nobody knows who did, or somebody else made it."""
    if changes.reason is not None or DEAL_MADE not in changes.types:
        return changes.reason == OWN_WRITE
    connection = tx.policies.connections.get(event.connection or "")
    unknown = connection is not None and connection.settings.get("own_user") is None
    return unknown or known.get("deal", {}).get("lead") is not None


def _tell(tx: Tx, event: Event, ref: RecordRef, changes: Changes, known: Known) -> Iterator[CrmAct]:
    """The acts that this would be the word of; those of the record itself first, the newest of each first."""
    lead = known.get("deal", {}).get("lead") if ref.noun == "deal" else None
    of_lead = asked_there.about(tx, f"lead:{lead}") if lead else ()
    for act in (*asked_there.about(tx, str(ref)), *of_lead):
        said = set(crm_meeting.SAYS[act.kind].get(ref.noun, ())) & set(changes.types)
        if said and _may_tell(act, event, ref, changes):
            yield act
    if ref.noun == "deal" and not lead and DEAL_MADE in changes.types:
        until = event.occurred_at + crm_meeting.CLOCKS
        doubted = asked_there.in_doubt(tx, event.connection or "", model.CONVERT, until)
        yield from (act for act in doubted if crm_meeting.alike(tx, act, known.get("deal", {})))


def _may_tell(act: CrmAct, event: Event, ref: RecordRef, changes: Changes) -> bool:
    """What was never sent, and what they are known to have refused, has made nothing."""
    if act.in_doubt_since is not None:
        other = ref.noun == "deal" and act.deal not in (None, ref.id)
        return not other and event.occurred_at >= act.at - crm_meeting.CLOCKS
    if act.waits and act.tried_at is None:
        return DEAL_MADE not in changes.types
    return act.state in (model.PENDING, model.DONE)
