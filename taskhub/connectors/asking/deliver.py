"""Asks a CRM, between two transactions, once: that it may have been asked is on record before.

A refusal is a result, not an error: it ends what was asked. What nobody knows is asked again, with a look first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

from taskhub.connectors.asking import model, orders, store
from taskhub.connectors.asking.model import CrmAct, Done, Refused
from taskhub.connectors.outbound import Client, Conversion, Converted, Reverser
from taskhub.connectors.pool import Clients
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.errors import Conflict, Forbidden, InvalidInput, NotFound
from taskhub.failpoints import failpoint
from taskhub.sales import service as sales

ASKED, ANSWERED = "crm.asked", "crm.answered"
LOOK_AGAIN = timedelta(seconds=5)  # at a job that goes on over there
LONGEST = timedelta(days=7)  # looks that fail wait up to a day each
Answer = Converted | Refused | Done


@dataclass(frozen=True, slots=True)
class Call:
    """What asking needs to know. ``order`` is that of a conversion, ``reason`` that of a loss, in their words."""

    act: CrmAct
    id: str
    first: bool
    order: Conversion | None = None
    reason: str = ""


class Ask:
    """The handler of ``crm.asked``; the key of a row is the act's id."""

    def __init__(self, clients: Clients | None = None) -> None:
        self._clients = clients or Clients()

    def prepare(self, tx: Tx, row: Taken) -> functools.partial[Answer] | None:
        """The question; None once it was withdrawn, or answered by an event that came first."""
        act = store.get(tx, row.key, locked=True)
        if act is None or not act.waits:
            return None
        connection = tx.policies.connections.get(act.connection)
        if connection is None or not connection.write_back.acts:
            told(tx, act, Refused("connection_off", sure=act.tried_at is None))
            return None
        first = row.attempts == 1 and act.tried_at is None
        if act.tried_at is None or act.given_up_at is not None:
            store.save(tx, replace(act, tried_at=act.tried_at or tx.now, given_up_at=None, trouble=None))
        lead = sales.known_of(tx, act.ref).get("lead", {})
        order = orders.conversion(act, lead, connection) if act.kind == model.CONVERT else None
        id_ = orders.theirs(act.connection, act.deal if act.kind == model.UNCONVERT else act.ref.id)
        call = Call(act, id_ or "", first, order, str(act.asked.get("their_reason") or ""))
        failpoint("asking.prepared")
        return functools.partial(ask, self._clients.of(connection), call)

    def finish(self, tx: Tx, row: Taken, result: Answer) -> None:
        """Keeps the answer; what goes on over there is asked for later."""
        act = store.get(tx, row.key, locked=True)
        if act is None or not act.waits:
            return
        if isinstance(result, Converted) and not result.done:
            if act.tried_at is not None and tx.now - act.tried_at > LONGEST:
                told(tx, act, Refused("no_answer", sure=False))
                return
            store.save(tx, replace(act, job=result.job))
            tx.emit(ASKED, act.id, {"connection": act.connection}, due_at=tx.after(LOOK_AGAIN))
            return
        told(tx, act, result)
        failpoint("asking.noted")


def told(tx: Tx, act: CrmAct, answer: Answer) -> None:
    """They have answered a locked act; what it means here is done next, with its records locked."""
    said: dict[str, Any] = {"answered_at": tx.now}
    if isinstance(answer, Refused):
        said |= {"reason": answer.reason, "in_doubt_since": None if answer.sure else tx.now}
    elif isinstance(answer, Converted):
        links = {"account": answer.account, "contact": answer.contact, "deal": answer.deal}
        said |= {noun: f"{act.connection}:{id_}" for noun, id_ in links.items() if id_}
    store.save(tx, replace(act, **said))
    tx.emit(ANSWERED, act.id, {"connection": act.connection})


def ask(client: Client, call: Call) -> Answer:
    """Their answer. Raises only what is worth another try."""
    try:
        answer = ASK[call.act.kind](client, call)
    except (InvalidInput, NotFound, Forbidden, Conflict) as error:
        # Refused now, it may have been done at an earlier try that was cut off.
        answer = Refused(error.message, sure=call.first)
    failpoint("asking.sent")
    return answer


def _convert(client: Client, call: Call) -> Answer:
    order = cast("Conversion", call.order)
    return client.converting(order, call.act.job) if call.act.job else client.convert(order, first=call.first)


def _lose(client: Client, call: Call) -> Answer:
    client.lose(call.act.ref.noun, call.id, call.reason)
    return Done()


def _unconvert(client: Client, call: Call) -> Answer:
    one = cast("Reverser", client)
    return one.unconverting(call.id, call.act.job) if call.act.job else one.unconvert(call.id, first=call.first)


def _reopen(client: Client, call: Call) -> Answer:
    cast("Reverser", client).regain(call.act.ref.noun, call.id, call.reason)
    return Done()


ASK: Mapping[str, Callable[[Client, Call], Answer]] = {
    model.CONVERT: _convert, model.LOSE: _lose, model.UNCONVERT: _unconvert, model.REOPEN: _reopen,
}  # fmt: skip
