"""An offer was not started in time: after so many in a row, where the queue says so, its person is set away."""

from __future__ import annotations

from taskhub.acts import presence
from taskhub.agents import service as agents
from taskhub.agents.availability import present
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.escalation import warnings


def offer_missed(tx: Tx, row: Taken) -> None:
    """Counts the miss; the last one the queue allows sets the person away and tells their managers."""
    key, queue = str(row.payload["agent"]), tx.policies.queues.get(str(row.payload["queue"]))
    misses = agents.missed(tx, key)
    if queue is None or queue.max_misses is None or misses < queue.max_misses:
        return
    person = agents.get_agent(tx, key)
    agents.accepted(tx, key)
    if present(person.presence, person.presence_until, tx.now) == "available":
        presence.set_presence(tx, key, "away")
        warnings.missed(tx, person, queue, misses)
