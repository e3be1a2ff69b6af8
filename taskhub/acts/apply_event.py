"""An event becomes tasks: project, plan, carry out, settle. The one handler of ``event.received``."""

from __future__ import annotations

from taskhub.acts import merged_events
from taskhub.acts.carry_out import carry_out
from taskhub.connectors import own_write
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.events import service as events
from taskhub.failpoints import failpoint
from taskhub.rules.plan import plan
from taskhub.sales import service as sales


def apply_event(tx: Tx, row: Taken) -> None:
    """Applies the event named by the message, once; an event that is settled already is left alone."""
    tx.note("event", row.key)
    stored = events.lock(tx, row.key)
    if stored.event is None or stored.state != "received":
        return
    failpoint("event.locked")
    done = sales.apply(tx, stored.event, row.key)
    failpoint("event.projected")
    changes = own_write.guarded(done.event, done.changes, tx.policies.connections)
    made = plan(done.event, changes, done.known, tx.policies.rules, tx.policies.kinds)
    ids = carry_out(tx, made, event=row.key, occurred_at=stored.event.occurred_at, known=done.known)
    ids += merged_events.settle(tx, done)
    failpoint("event.carried_out")
    state = "ignored" if made.reason and not ids else "applied"
    events.settle(tx, row.key, state, made.reason if state == "ignored" else None)
