"""A record has been silent, or a date comes near: the timer locks the record and asks the rule."""

from __future__ import annotations

from taskhub.acts.carry_out import carry_out
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.events.model import RecordRef
from taskhub.rules.plan import plan_for_timer
from taskhub.rules.timers import before_due, silence_due
from taskhub.sales import service as sales
from taskhub.sales.duplicates import merges


def watch_due(tx: Tx, row: Taken) -> None:
    """Fires the rule for the record if it is due by now; looks again when it is not yet."""
    key, _, named = row.key.partition("|")
    ref = RecordRef(*named.split(":", 1))
    rule = next((rule for rule in tx.policies.rules if rule.key == key), None)
    state = sales.locked(tx, ref)
    if rule is None or state is None:
        return
    if state.fields.get("merged_into") is not None and (now := merges.current(tx, ref)) != ref:
        tx.emit("record.watched", f"{key}|{now}", due_at=tx.now)
        return
    known = sales.known_of(tx, ref)
    if rule.after is not None:
        check = silence_due(rule, state, tx.now, known)
    else:
        check = before_due(rule, state, tx.now, known, tx.policies.zone_for(rule))
    if check.due and check.at is not None:
        carry_out(tx, plan_for_timer(rule, state, check.at, known, tx.policies.kinds), occurred_at=check.at)
    elif check.at is not None:
        tx.emit("record.watched", row.key, due_at=check.at)
