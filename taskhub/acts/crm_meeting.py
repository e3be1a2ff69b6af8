"""What comes in meets what was asked: the CRM's own word of it is no second conversion, and may be the first answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from taskhub.connectors.asking import model
from taskhub.connectors.asking import service as asked_there
from taskhub.connectors.asking.deliver import told
from taskhub.connectors.asking.model import CrmAct, Done
from taskhub.connectors.outbound import Converted
from taskhub.db.tx import Tx
from taskhub.events.model import Event
from taskhub.events.native import CREATED, DELETED, types_of
from taskhub.events.own import SOURCE
from taskhub.failpoints import failpoint
from taskhub.sales import service as sales
from taskhub.sales.model import OPEN, Change, Changes

OWN_ACT = "own_act"
CLOCKS = timedelta(minutes=1)  # two houses, two clocks
SKEW = timedelta(minutes=10)  # what is told later than that after their answer is another conversion
NOUNS = ("lead", "deal")
Known = Mapping[str, Mapping[str, Any]]
# What tells of each act: of a lead, of a deal.
SAYS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    model.CONVERT: {"lead": ("lead.converted", "lead.deleted"), "deal": ("deal.created",)},
    model.LOSE: {"lead": ("lead.lost",), "deal": ("deal.lost",)},
    model.UNCONVERT: {"lead": ("lead.reopened",), "deal": ("deal.deleted",)},
    model.REOPEN: {"lead": ("lead.reopened",), "deal": ("deal.reopened",)},
}


def met(tx: Tx, event: Event, changes: Changes, known: Known) -> Changes:
    """``changes``, for no rule to fire on when they are what was asked for here: the rules hear of it from us."""
    if event.connection is None or event.record is None or event.source == SOURCE:
        return changes
    # Whether acts may still be asked for does not matter: what was asked for has its words coming.
    if event.connection not in tx.policies.connections or event.record.noun not in NOUNS:
        return changes
    found = _of_record(tx, event, changes) or made(tx, event, changes, known)
    if found is None:
        return changes
    act = asked_there.get(tx, found.id, locked=True) or found
    if _counts(act, event.record.noun):
        act = replace(act, seen_at=act.seen_at or tx.now)
        asked_there.save(tx, act)
    if act.waits:
        _answer(tx, act, event, known)
    failpoint("asking.met")
    return _unexplained(act, event, changes)


def own_part(changes: Changes, met: Changes) -> Changes | None:
    """What of ``changes`` was asked for here, so that whoever tells of it later is not heard; None: nothing."""
    if met.reason == OWN_ACT:
        return changes
    if met.types == changes.types:
        return None
    return replace(changes, fields={name: move for name, move in changes.fields.items() if name not in met.fields})


def _unexplained(act: CrmAct, event: Event, changes: Changes) -> Changes:
    """What the act does not explain is for rules to hear: a first look may show how a deal went on since it was made.

    That it was made, and how it looked then, the act explains: nothing of that is known otherwise.
    """
    if changes.reason is None and act.kind == model.CONVERT and changes.ref is not None and _first_look(event):
        left = {name: move for name, move in changes.fields.items() if _moved_on(name, move)}
        if left:
            return replace(changes, fields=left, types=types_of(changes.ref.noun, left))
    if changes.reason is None and act.kind == model.LOSE and changes.ref is not None and not event.states_change:
        # Of a record that nobody had told the making of, a look shows beside the loss that it was made.
        left = {name: move for name, move in changes.fields.items() if name not in ("status", "lost_reason")}
        if (made := f"{changes.ref.noun}.{CREATED}") in changes.types:
            return replace(changes, fields=left, types=(made,))
    return replace(changes, reason=changes.reason or OWN_ACT)


def _moved_on(name: str, move: Change) -> bool:
    return move.old is not None or (name == "status" and move.new != OPEN) or (name == DELETED and move.new is True)


def _first_look(event: Event) -> bool:
    return event.record is not None and event.record.noun == "deal" and not event.states_change


def _counts(act: CrmAct, noun: str) -> bool:
    """Whether only the first word of it meets the act: a deal may be lost again, a lead is converted for good."""
    return act.kind != model.CONVERT or noun == "deal"


def _of_record(tx: Tx, event: Event, changes: Changes) -> CrmAct | None:
    """The act that asked for this very change of its record, or made this deal."""
    noun = event.record.noun if event.record else ""
    for act in asked_there.about(tx, str(event.record)):
        if act.state not in (model.PENDING, model.DONE) or act.in_doubt_since is not None:
            continue
        born = act.kind == model.CONVERT and "deal.created" in changes.types
        if born:
            return act  # a deal is made once, whoever tells of it and when
        if (act.seen_at is not None and _counts(act, noun)) or not _that_time(tx, act, event, changes):
            continue
        first_look = act.kind == model.CONVERT and _first_look(event)
        if first_look or set(SAYS[act.kind].get(noun, ())) & set(changes.types):
            return act
    return None


def _that_time(tx: Tx, act: CrmAct, event: Event, changes: Changes) -> bool:
    """Whether it happened because of this act, not anew; that a lead is gone says so in Pipedrive only."""
    connection = tx.policies.connections.get(act.connection)
    pipedrive = connection is not None and connection.system == "pipedrive"
    if act.kind == model.CONVERT and "lead.deleted" in changes.types and (not pipedrive or act.tried_at is None):
        return False
    return act.answered_at is None or event.occurred_at <= act.answered_at + SKEW


def made(tx: Tx, event: Event, changes: Changes, known: Known) -> CrmAct | None:
    """The conversion that waits and has made this new deal: by its lead, else by title and time."""
    if event.record is None or event.record.noun != "deal" or "deal.created" not in changes.types:
        return None
    deal = known.get("deal", {})
    for act in asked_there.open_of(tx, event.connection or "", model.CONVERT):
        if act.tried_at is None:
            continue
        if deal.get("lead") == act.ref.id:
            return act
        if deal.get("lead") is None and event.occurred_at >= act.at - CLOCKS and alike(tx, act, deal):
            return act
    return None


def alike(tx: Tx, act: CrmAct, deal: Mapping[str, Any]) -> bool:
    """Whether a deal that names no lead looks like what the lead was to become: titles, and parties where both have."""
    lead = sales.known_of(tx, act.ref).get("lead", {})
    titles = {lead.get("title"), lead.get("company")} - {None, ""}
    parties = [(lead.get(noun), deal.get(noun)) for noun in ("contact", "account")]
    return deal.get("title") in titles and all(one is None or other is None or one == other for one, other in parties)


def _answer(tx: Tx, act: CrmAct, event: Event, known: Known) -> None:
    """Their word came before their answer: it is one, as far as it says what came of it."""
    if act.kind != model.CONVERT:
        told(tx, act, Done())
        return
    lead, deal = known.get("lead", {}), known.get("deal", {})
    prefix = f"{act.connection}:"
    if event.record is not None and event.record.noun == "deal":
        links = {"deal": event.record.id, "account": deal.get("account"), "contact": deal.get("contact")}
    elif isinstance(lead.get("deal"), str) or "lead.deleted" not in event.types:
        links = {noun: lead.get(noun) for noun in ("deal", "account", "contact")}
    else:
        return  # the lead is gone; which deal it has become is still to be told
    theirs = {noun: id_.removeprefix(prefix) for noun, id_ in links.items() if isinstance(id_, str)}
    told(tx, act, Converted(True, **theirs))
