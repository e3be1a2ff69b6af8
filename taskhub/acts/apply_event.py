"""An event becomes tasks: project, plan, carry out, settle. The one handler of ``event.received``."""

from __future__ import annotations

from taskhub.acts import crm_after_all, crm_meeting, merged_events
from taskhub.acts.carry_out import carry_out
from taskhub.connectors import own_write
from taskhub.connectors.sending import telling
from taskhub.connectors.write_back import answers
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.events import service as events
from taskhub.events.model import Doubt, Event
from taskhub.failpoints import failpoint
from taskhub.rules.plan import plan
from taskhub.sales import service as sales
from taskhub.sales.firings import service as firings


def apply_event(tx: Tx, row: Taken) -> None:
    """Applies the event named by the message, once; an event that is settled already is left alone."""
    tx.note("event", row.key)
    stored = events.lock(tx, row.key)
    if stored.event is None or stored.state != "received":
        return
    failpoint("event.locked")
    done = sales.apply(tx, stored.event, row.key)
    failpoint("event.projected")
    if done.fresh:
        _ask_for(tx, done.event)
    guarded = own_write.guarded(done.event, done.changes, tx.policies.connections)
    news = crm_after_all.heard(tx, done.event, guarded, done.known)
    changes = answers.heard(tx, done.event, firings.meet(tx, done.event, news), done.known)
    met = crm_meeting.met(tx, done.event, changes, done.known)
    telling.of_event(tx, done, met)
    made = plan(done.event, met, done.known, tx.policies.rules, tx.policies.kinds, zone_of=tx.policies.zone_for)
    ids = carry_out(tx, made, event=row.key, occurred_at=stored.event.occurred_at, known=done.known)
    ids += merged_events.settle(tx, done)
    if made.matched:
        crm_after_all.remember(tx, done.event, met)
    acted_upon = changes if made.matched else crm_meeting.own_part(changes, met)
    if acted_upon is not None:
        firings.remember(tx, done.event, acted_upon)
    failpoint("event.carried_out")
    state = "ignored" if made.reason and not ids else "applied"
    events.settle(tx, row.key, state, made.reason if state == "ignored" else None)


def _ask_for(tx: Tx, event: Event) -> None:
    """Of a record that was never heard of single fields are told: whoever owns it is asked for the rest."""
    if event.partial and not event.look and event.connection is not None and event.record is not None:
        events.doubted(tx, event.connection, Doubt(*event.record))
