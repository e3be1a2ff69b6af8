"""The CRM has answered what was asked of it: its records say so here and rules fire, or the person is told why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from taskhub.acts import crm_after_all, crm_asking
from taskhub.acts.crm_telling import NO_FOLLOW_UP, REFUSED, tell_asker
from taskhub.connectors.asking import model
from taskhub.connectors.asking import service as asked_there
from taskhub.connectors.asking.model import CrmAct
from taskhub.db.interruption import Interrupted
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.events.model import RecordRef
from taskhub.failpoints import failpoint
from taskhub.sales import recording
from taskhub.sales import service as sales
from taskhub.sales.duplicates import merges
from taskhub.sales.duplicates.merging import SINCE
from taskhub.sales.model import CONVERTED, LOST, OPEN, RecordState
from taskhub.sales.native import Said
from taskhub.tasks import making

LINKS = ("account", "contact", "deal")
CARRIED = ("title", "name", "company", "email", "phone", "language", "amount", "currency", "owner")


def answered(tx: Tx, row: Taken) -> None:
    """Ends what was asked, once: whichever came first, their answer or their event."""
    seen = asked_there.get(tx, row.key)
    if seen is None:
        return
    refs = _named(tx, seen)
    states = {ref: sales.locked(tx, ref) for ref in refs}
    act = asked_there.get(tx, row.key, locked=True)
    before = states[seen.ref]
    if act is None or act.state != model.PENDING or act.answered_at is None or before is None:
        return
    if _named(tx, act) != refs:
        raise Interrupted("What came of it was told at this very moment. Try again.", lost=False)
    asked_there.save(tx, replace(_settled(tx, act, before), ended_at=tx.now))
    failpoint("asking.settled")


def _named(tx: Tx, act: CrmAct) -> list[RecordRef]:
    """Every record that telling of it writes, in the order of locks."""
    made = [RecordRef(noun, id_) for noun in LINKS if (id_ := getattr(act, noun)) is not None]
    if act.kind == model.UNCONVERT and isinstance(account := _account_of(tx, act), str):
        made.append(RecordRef("account", account))
    return sorted({act.ref, *made})


def _account_of(tx: Tx, act: CrmAct) -> Any:
    return sales.known_of(tx, act.ref).get(act.ref.noun, {}).get("account")


def _settled(tx: Tx, act: CrmAct, before: RecordState) -> CrmAct:
    """The act with its end, and what follows from it told."""
    if act.reason is not None:
        tx.record(act.ref.noun, act.ref.id, "refused", {"asked": act.kind, "reason": act.reason})
        tell_asker(tx, REFUSED, act, before, act.reason)
        return replace(act, state=model.REFUSED)
    if act.kind in BESIDE:
        BESIDE[act.kind](tx, act, before)
    if merges.live(tx, act.ref) is None:
        DONE[act.kind](tx, act, before)
        return replace(act, state=model.DONE)
    # Told of a record that has gone it would befall the one that stayed, of which nobody asked for it.
    gone = replace(act, state=model.DONE, reason="merged")
    tx.record(act.ref.noun, act.ref.id, "answered_too_late", {"asked": act.kind, "reason": gone.reason})
    tell_asker(tx, REFUSED, gone, before, "merged")
    return gone


def _made(tx: Tx, act: CrmAct, before: RecordState) -> None:
    """There is a deal now."""
    if act.deal is None:
        return
    ref = RecordRef("deal", act.deal)
    if crm_after_all.told_before(tx, act):
        _linked(tx, act, ref)
        return
    carried = {name: before.fields[name] for name in CARRIED if before.fields.get(name) is not None}
    parties = {noun: id_ for noun in LINKS if noun != "deal" and (id_ := getattr(act, noun)) is not None}
    # As old as the wish: whatever the CRM says of its deal is newer.
    fields = {**carried, **parties, "status": OPEN, "lead": before.ref.id}
    _tell_event(tx, act, "create", Said(ref, None, fields), at=act.at)


def _linked(tx: Tx, act: CrmAct, deal: RecordRef) -> None:
    """Rules have heard of the deal from the CRM, which does not always say of which lead it came."""
    known = sales.get(tx, deal)
    if known.fields.get("lead") is None:
        _tell_event(tx, act, "relink", Said(deal, known, {"lead": act.ref.id}))


def _converted(tx: Tx, act: CrmAct, before: RecordState) -> None:
    """The lead is converted: the event of every conversion, told by us, for rules to hear."""
    links = {noun: id_ for noun in LINKS if (id_ := getattr(act, noun)) is not None}
    around = {noun: {"id": id_} for noun, id_ in links.items()}
    by, now = act.agent or act.by, tx.now.isoformat()
    changes = {"status": CONVERTED, "converted_at": now, "converted_by": by, **links}
    news = _since(tx, act.account, None, now, around)
    said = Said(before.ref, _from(before, OPEN), changes, around, news=news)
    told = recording.tell(tx, "convert", said, connection=act.connection)
    follow_up = crm_asking.follow_up_of(act)
    if follow_up is not None and follow_up.kind not in tx.policies.kinds:
        tx.record(before.ref.noun, before.ref.id, "no_follow_up", {"kind": follow_up.kind, "title": follow_up.title})
        tell_asker(tx, NO_FOLLOW_UP, act, before, follow_up.title)
    elif follow_up is not None:
        at = told.state.newest.at
        # Newer than the conversion: what a rule closes because of it is older work.
        making.make(tx, [replace(follow_up, version=(at + at.resolution, act.id))])


def _since(tx: Tx, account: Any, was: Any, now: Any, around: dict[str, dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    """An account that is a customer since ``was`` is one since ``now``: told beside the lead.

    One that was made over there just now is not known here yet; one that was merged meanwhile is left to whoever did.
    """
    if not isinstance(account, str) or was == now:
        return {}
    known = sales.current(tx, RecordRef("account", account))
    if known is not None and (known.ref.id != account or known.fields.get(SINCE) != was):
        return {}
    around["account"] = {"id": account, SINCE: now}
    tx.record("account", account, "customer", {SINCE: [was, now]})
    return {"account": (SINCE,)}


def _lost(tx: Tx, act: CrmAct, before: RecordState) -> None:
    changes = {"status": LOST, "lost_reason": act.asked.get("reason")}
    _tell_event(tx, act, "lose", Said(before.ref, _from(before, OPEN), changes))


def _unmade(tx: Tx, act: CrmAct, _before: RecordState) -> None:
    """The deal is gone, unless it went into another one meanwhile, which is still there."""
    if act.deal is None or merges.live(tx, RecordRef("deal", act.deal)) is not None:
        return
    ref = RecordRef("deal", act.deal)
    known = sales.known_of(tx, ref) and sales.get(tx, ref)
    _tell_event(tx, act, "delete", Said(ref, known or None, {"deleted": True}, types=("deal.deleted",)))


def _unconverted(tx: Tx, act: CrmAct, before: RecordState) -> None:
    """The lead that came back has a new id over there, and comes by itself."""
    open_again: dict[str, Any] = {"status": OPEN, "converted_at": None, "converted_by": None, "deal": None}
    account, around = before.fields.get("account"), dict[str, dict[str, Any]]()
    news = _since(tx, account, before.fields.get("converted_at"), None, around)
    said = Said(before.ref, _from(before, CONVERTED), open_again, around, news=news)
    _tell_event(tx, act, "undo_conversion", said)


def _reopened(tx: Tx, act: CrmAct, before: RecordState) -> None:
    _tell_event(tx, act, "reopen", Said(before.ref, _from(before, LOST), {"status": OPEN, "lost_reason": None}))


def _from(before: RecordState, status: str) -> RecordState:
    """As it was when this was asked for: the CRM's own word may be known already, and has moved no rule."""
    return replace(before, fields={**before.fields, "status": status})


def _tell_event(tx: Tx, act: CrmAct, name: str, said: Said, at: Any = None) -> None:
    recording.tell(tx, name, said, at=at, connection=act.connection)


DONE: Mapping[str, Any] = {
    model.CONVERT: _converted, model.LOSE: _lost, model.UNCONVERT: _unconverted, model.REOPEN: _reopened,
}  # fmt: skip
# What befalls a deal, whatever has become of the record that was asked for.
BESIDE: Mapping[str, Any] = {model.CONVERT: _made, model.UNCONVERT: _unmade}
