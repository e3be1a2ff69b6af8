"""Two reports of one change meet: the state that showed it, and the event that tells of it."""

from __future__ import annotations

from datetime import datetime

from taskhub.db.tx import Tx
from taskhub.events.model import Event, RecordRef, Version
from taskhub.events.native import CREATED
from taskhub.events.own import SOURCE
from taskhub.failpoints import failpoint
from taskhub.sales.absorb import TRUE, absorb, firings_of
from taskhub.sales.firings import store
from taskhub.sales.model import Changes, Firing

SENT = "sent "
"""What was told, not fired for, has its field's name behind this: no field is called so."""


def meet(tx: Tx, event: Event, changes: Changes) -> Changes:
    """``changes`` without what was acted upon already. The event's record is locked, so two reports come in turn."""
    # What is told from here was asked for here: the CRM's word of it was kept from rules, ours is the one they hear.
    if event.connection is None or event.source == SOURCE:
        return changes
    if not event.states_change or changes.ref is None or changes.reason is not None:
        return changes
    left, used = absorb(event, changes, [one for one in store.of(tx, changes.ref) if not _sent(one)])
    if used:
        store.take(tx, used, changes.version.at)
        failpoint("firing.taken")
    return left


def remember(tx: Tx, event: Event, changes: Changes) -> None:
    """Rules have fired for what a state has shown: whoever tells of the same move later is not heard again."""
    fired = firings_of(event, changes)
    if fired and event.connection is not None:
        store.keep(tx, fired)
        failpoint("firing.kept")


def unsent(tx: Tx, event: Event, changes: Changes) -> Changes:
    """``changes`` without what whoever is told of them has been told on the word of a state; of a state it is noted.

    Rules have a memory of their own: what none fired for leaves all the same.
    """
    if event.connection is None or event.source == SOURCE or changes.ref is None or changes.reason is not None:
        return changes
    if not event.states_change:
        store.keep(tx, [_as_sent(one) for one in firings_of(event, changes)])
        return changes
    known = [one._replace(field=one.field.removeprefix(SENT)) for one in store.of(tx, changes.ref) if _sent(one)]
    left, used = absorb(event, changes, known)
    if used:
        store.take(tx, [_as_sent(one) for one in used], changes.version.at)
    return left


def made(tx: Tx, ref: RecordRef, version: Version) -> None:
    """Rules have fired for the making of a record, whoever told of it."""
    store.keep(tx, [Firing(ref, CREATED, TRUE, version)])


def heard_of(tx: Tx, ref: RecordRef) -> bool:
    """Whether rules have fired for the making of a record, which the caller has locked."""
    return any(one.field == CREATED for one in store.of(tx, ref))


def forget(tx: Tx, before: datetime, limit: int) -> tuple[int, bool]:
    """Forgets up to ``limit`` that were noted before then. Returns how many, and whether to go on."""
    gone = store.forget(tx, before, limit)
    return gone, gone == limit


def count(tx: Tx, before: datetime) -> int:
    """How many would go."""
    return store.count(tx, before)


def _sent(one: Firing) -> bool:
    return one.field.startswith(SENT)


def _as_sent(one: Firing) -> Firing:
    return one._replace(field=SENT + one.field)
