"""What people ask of the CRM that owns a record: on record at once, sent ten seconds later, done when it answers.

The record is the lock: it waits for one answer at a time. Taken back within the ten seconds, nothing was asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NoReturn

from taskhub.connectors.asking import model, orders
from taskhub.connectors.asking import service as asked_there
from taskhub.connectors.asking.deliver import ASKED
from taskhub.connectors.asking.model import CrmAct
from taskhub.db import acts
from taskhub.db.tx import Tx
from taskhub.errors import Conflict, NotFound, VersionClash
from taskhub.events.model import RecordRef
from taskhub.events.times import written
from taskhub.failpoints import failpoint
from taskhub.policy.policies import Connection
from taskhub.sales import path, recording
from taskhub.sales import service as sales
from taskhub.sales.conversion import Asked, refuse_incomplete
from taskhub.sales.duplicates import merges
from taskhub.sales.fields import invalid
from taskhub.sales.model import CONVERTED, RecordState
from taskhub.tasks import service as tasks
from taskhub.tasks.mirrored import QUIET_FOR
from taskhub.tasks.model import NewTask


def connection_of(tx: Tx, ref: RecordRef) -> Connection | None:
    """The connection that owns the record and is asked for acts on it. Raises NotFound."""
    key = sales.get(tx, ref).connection
    found = tx.policies.connections.get(key) if key else None
    return found if found is not None and found.write_back.acts else None


def convert(
    tx: Tx, ref: RecordRef, asked: Asked, follow_up: NewTask | None = None, version: int | None = None
) -> CrmAct:  # fmt: skip
    """Asks for a conversion. Raises Conflict for a lead that waits or has ended.

    InvalidInput for what they decide, a lead that lacks what converting asks for, a follow-up that cannot be made.
    """
    before, connection = _open(tx, ref, version)
    wanted = _conversion(tx, asked, connection)
    refuse_incomplete(before, asked, tx.policies)
    if follow_up is not None:
        tasks.check_new(tx, follow_up)
        wanted["follow_up"] = _plain(follow_up)
    return _put(tx, before, connection, model.CONVERT, wanted)


def lose(tx: Tx, ref: RecordRef, reason: str, version: int | None = None) -> CrmAct:
    """Asks for a loss, for a reason from the list. Raises Conflict where their map has no way to say so."""
    before, connection = _open(tx, ref, version)
    changes = path.lost(before, reason, tx.policies)
    word = orders.their_reason(connection, ref.noun, reason)
    if word is None:
        said = f"{connection.key} cannot be told that a {ref.noun} is lost: set lead_lost_when_archived or lost_labels."
        raise Conflict(said, code="not_told_there", connection=connection.key)
    wanted = {"reason": changes["lost_reason"], "their_reason": word}
    return _put(tx, before, connection, model.LOSE, wanted)


def take_back(tx: Tx, inverse: Mapping[str, Any]) -> CrmAct:
    """Undo: withdrawn while nothing was sent; the reverse where the CRM has one. Raises Conflict with the reason."""
    seen = asked_there.get(tx, inverse["act"])
    if seen is None:
        raise NotFound("There is no such act.")
    before = _locked(tx, seen.ref)
    act = asked_there.get(tx, seen.id, locked=True) or seen
    if act.may_be_withdrawn:
        return _withdrawn(tx, act)
    if act.state != model.DONE:
        _refuse_undo(act)
    merges.refuse_gone(tx, before)
    connection = tx.policies.connections.get(act.connection)
    if connection is None or connection.system not in orders.REVERSED or not connection.write_back.acts:
        said = f"{act.connection} has no way to take this back: do it there."
        raise Conflict(said, code="no_reverse_there", connection=act.connection)
    kind = {model.CONVERT: model.UNCONVERT, model.LOSE: model.REOPEN}.get(act.kind)
    if kind is None or (kind == model.UNCONVERT and act.deal is None):
        raise Conflict("This cannot be taken back.", code="no_reverse_there", connection=act.connection)
    _refuse_pending(tx, act.ref)
    if kind == model.UNCONVERT:
        _refuse_reopened(before, act)
        _refuse_ended_deal(tx, act)
    kept = {name: act.asked[name] for name in ("their_reason",) if name in act.asked}
    return _put(tx, before, connection, kind, {**kept, "of": act.id}, deal=act.deal)


def undo_conversion(tx: Tx, ref: RecordRef) -> CrmAct | None:
    """Takes back the newest conversion that was asked for of a lead, whoever did; None where none was.

    Raises Conflict with what stands in the way.
    """
    if not any(one.kind == model.CONVERT for one in asked_there.about(tx, str(ref))):
        return None
    _locked(tx, ref)
    asked = asked_there.about(tx, str(ref))
    newest = next(one for one in asked if one.kind == model.CONVERT)
    if any(one.kind == model.UNCONVERT and one.state == model.DONE and one.at > newest.at for one in asked):
        raise Conflict("The conversion of this lead was undone already.", code="not_converted")
    done = take_back(tx, {"act": newest.id})
    acts.undone(tx.conn, newest.id, tx.act_id)
    return done


def withdraw(tx: Tx, ref: RecordRef, version: int | None = None) -> CrmAct:
    """Gives up what waits for an answer: before it was sent, or once it is not tried any more. Raises Conflict."""
    before = _locked(tx, ref)
    waiting = asked_there.pending(tx, [str(ref)]).get(str(ref))
    if waiting is None:
        raise Conflict("Nothing that was asked of a CRM waits for an answer here.", code="nothing_to_change")
    if version is not None and version != before.version:
        said = f"The {ref.noun} has changed: it is at version {before.version}, you sent {version}. Read it again."
        raise VersionClash(said, version=before.version)
    act = asked_there.get(tx, waiting.id, locked=True) or waiting
    if not act.may_be_withdrawn:
        _refuse_undo(act)
    return _withdrawn(tx, act)


def _withdrawn(tx: Tx, act: CrmAct) -> CrmAct:
    """What is still on its way finds it ended and asks nothing."""
    done = replace(act, state=model.WITHDRAWN, ended_at=tx.now, in_doubt_since=tx.now if act.tried_at else None)
    asked_there.save(tx, done)
    asked_there.wind_up(tx, act.id)
    tx.record(act.ref.noun, act.ref.id, "withdraw", {"asked": act.kind})
    return done


def _refuse_undo(act: CrmAct) -> NoReturn:
    if act.state == model.PENDING:
        said = f"{act.connection} has been asked and has not answered yet: try again when it has."
        raise Conflict(said, code="asked_there", connection=act.connection)
    raise Conflict(f"This was {act.state}: there is nothing to take back.", code="nothing_to_change")


def _refuse_reopened(lead: RecordState, act: CrmAct) -> None:
    """What was opened again over there, or became another deal since, is no conversion of ours any more."""
    if lead.fields.get("status") != CONVERTED or lead.fields.get("deal") not in (None, act.deal):
        said = "This lead is not converted any more, or into another deal: there is nothing to take back."
        raise Conflict(said, code="not_converted")


def _refuse_ended_deal(tx: Tx, act: CrmAct) -> None:
    """The reverse of a conversion takes the deal away, over there as well."""
    deal = RecordRef("deal", str(act.deal))
    status = sales.get(tx, deal).fields.get("status") if sales.known_of(tx, deal) else None
    if status in path.ENDS["deal"]:
        said = f"The deal has been changed since the conversion (it is {status}): it stays."
        raise Conflict(said, code="deal_changed", deal=deal.id, status=status)


def _locked(tx: Tx, ref: RecordRef) -> RecordState:
    found = sales.locked(tx, ref)
    if found is None:
        raise NotFound(sales.UNSEEN)
    return found


def _open(tx: Tx, ref: RecordRef, version: int | None) -> tuple[RecordState, Connection]:
    """The record, locked, and whose it is. Raises Conflict when it has ended, is gone, or waits for an answer."""
    found = _locked(tx, ref)
    connection = tx.policies.connections.get(found.connection or "")
    if connection is None or not connection.write_back.acts:
        recording.refuse_foreign(found)
        raise VersionClash("It has changed hands at this very moment: read it again.", version=found.version)
    _refuse_pending(tx, ref)
    if version is not None and version != found.version:
        said = f"The {ref.noun} has changed: it is at version {found.version}, you sent {version}. Read it again."
        raise VersionClash(said, version=found.version)
    # A lead that has become a deal may be gone over there: who asks is told what became of it.
    path.refuse_ended(found)
    if found.fields.get("deleted") is True:
        raise Conflict(f"This {ref.noun} has been deleted.", code="record_deleted")
    return found, connection


def _refuse_pending(tx: Tx, ref: RecordRef) -> None:
    one = asked_there.pending(tx, [str(ref)]).get(str(ref))
    if one is not None:
        todo = "wait for its answer" if one.given_up_at is None else "it is not tried any more, withdraw it first"
        said = f"{one.agent or one.by} has asked {one.connection} for this at {written(one.at)}: {todo}."
        raise Conflict(said, code="already_asked", act=one.id, kind=one.kind, by=one.agent or one.by)


Wrong = list[tuple[str, str]]


def _conversion(tx: Tx, asked: Asked, connection: Connection) -> dict[str, Any]:
    """What may be said of it. Raises InvalidInput for what the CRM decides by itself."""
    wrong: Wrong = [] if asked.contact_wanted else [("contact", f"{connection.key} decides whether there is one")]
    wanted: dict[str, Any] = {"make_deal": asked.deal is not None}
    for noun, given in (("account", asked.account), ("contact", asked.contact)):
        wanted |= _party(tx, noun, given, connection, wrong)
    wanted |= _deal(asked.deal, connection, wrong)
    if wrong:
        raise invalid(wrong, "decided_there")
    return wanted


def _party(
    tx: Tx, noun: str, given: Mapping[str, Any] | None, connection: Connection, wrong: Wrong
) -> dict[str, Any]:  # fmt: skip
    told = {name: value for name, value in (given or {}).items() if value is not None}
    if not told:
        return {}
    if told.keys() - {"id"} or connection.system not in orders.PARTIES:
        wrong.append((noun, f"{connection.key} takes it from the lead: change it there"))
        return {}
    ref = RecordRef(noun, str(told["id"]))
    if not sales.known_of(tx, ref) or sales.get(tx, ref).connection != connection.key:
        wrong.append((f"{noun}.id", f"is no {noun} of {connection.key}"))
    return {noun: ref.id}


def _deal(given: Mapping[str, Any] | None, connection: Connection, wrong: Wrong) -> dict[str, Any]:
    if given is None:
        if connection.system not in orders.NO_DEAL:
            wrong.append(("deal", f"{connection.key} makes a deal of every lead: send deal as {{}}"))
        return {}
    told = {name: value for name, value in given.items() if value is not None}
    wrong += [(f"deal.{name}", f"{connection.key} takes it from the lead") for name in sorted(told.keys() - {"stage"})]
    if "stage" not in told:
        return {}
    if connection.system not in orders.STAGES or orders.their_stage(connection, told["stage"]) is None:
        wrong.append(("deal.stage", f"is no stage that {connection.key} can be told"))
    return {"stage": told["stage"]}


def _put(
    tx: Tx, before: RecordState, connection: Connection, kind: str, wanted: Mapping[str, Any], deal: str | None = None
) -> CrmAct:  # fmt: skip
    act = CrmAct(
        tx.act_id,
        connection.key,
        str(before.ref),
        kind,
        tx.by.label,
        tx.now,
        dict(wanted),
        agent=tx.by.agent,
        deal=deal,
    )
    asked_there.add(tx, act)
    tx.record(before.ref.noun, before.ref.id, f"ask_{kind}", {"connection": connection.key})
    tx.emit(ASKED, act.id, {"connection": act.connection}, due_at=tx.after(QUIET_FOR))
    if kind in (model.CONVERT, model.LOSE):
        tx.inverse = {"op": "take_back", "act": act.id, "record": [*before.ref]}
    failpoint("asking.asked")
    return act


KEPT = ("kind", "title", "priority", "data", "origin")


def _plain(new: NewTask) -> dict[str, Any]:
    """A follow-up as it is kept until there is a deal for it."""
    kept = {name: getattr(new, name) for name in KEPT}
    return {**kept, "data": dict(new.data), "due_at": new.due_at.isoformat() if new.due_at else None}


def follow_up_of(act: CrmAct) -> NewTask | None:
    """The task that was asked for with a conversion, about what came of it."""
    kept = act.asked.get("follow_up")
    if not isinstance(kept, Mapping):
        return None
    due_at = datetime.fromisoformat(kept["due_at"]) if kept["due_at"] else None
    about = f"deal:{act.deal}" if act.deal else act.record
    given = {name: kept[name] for name in KEPT}
    return NewTask(**given, due_at=due_at, record=about, lead=act.ref.id, deal=act.deal)
