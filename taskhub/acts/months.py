"""A month's first working day opens: rules with ``every`` make their tasks, once a month, whoever looks and how often.

A firing is a row unique in (rule, month). A rule begins with its activation: a month that had begun by then is none of
its own. After an outage the newest month is made up for, older ones are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time

from taskhub.acts.carry_out import carry_out
from taskhub.calendars import month_begun
from taskhub.db import sweep
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.policy.policies import Policies
from taskhub.policy.rule import Rule
from taskhub.rules.plan import plan_for_month


def fire(tx: Tx) -> bool:
    """Fires the next rule whose month has begun. True: there may be more."""
    if not any(rule.every for rule in tx.policies.rules):
        return False
    fired = sweep.last_fired(tx.conn)
    for rule, month, at in _begun(tx.policies, tx.now):
        last = fired.get(_job(rule))
        if last is not None and _first(month) <= last:
            continue
        if not sweep.fire(tx.conn, _job(rule), _first(month), tx.now) or last is None:
            continue  # somebody else has it, or nobody knows since when the rule is there
        # Its work is a row of its own: a rule that cannot be carried out keeps no other from its month.
        tx.emit("month.begun", f"{rule.key}|{month.isoformat()}", {"at": at.isoformat()})
        return True
    return False


def make(tx: Tx, row: Taken) -> None:
    """Makes the tasks of one firing; none where the rule has gone meanwhile."""
    key, _, month = row.key.rpartition("|")
    rule = next((rule for rule in tx.policies.rules if rule.key == key and rule.every), None)
    if rule is not None:
        at = datetime.fromisoformat(row.payload["at"])
        plan = plan_for_month(rule, date.fromisoformat(month), at, tx.policies.kinds)
        carry_out(tx, plan, occurred_at=at)


def begin(tx: Tx, new: Policies) -> None:
    """What ``new`` brings with it waits for the next month."""
    there = {rule.key for rule in tx.policies.rules if rule.every}
    for rule, month, _at in _begun(new, tx.now):
        if rule.key not in there:
            sweep.fire(tx.conn, _job(rule), _first(month), tx.now)


def _begun(policies: Policies, now: datetime) -> Iterator[tuple[Rule, date, datetime]]:
    for rule in policies.rules:
        calendar = policies.calendar_for(rule) if rule.every else None
        begun = month_begun(calendar, now) if calendar is not None else None
        if begun is not None:
            yield rule, *begun


def _job(rule: Rule) -> str:
    return f"rule.{rule.key}"


def _first(month: date) -> datetime:
    return datetime.combine(month, time(), UTC)
