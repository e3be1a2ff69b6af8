"""What a CRM was asked for and is not tried any more: its person is told once, and may give it up at the record."""

from __future__ import annotations

from dataclasses import replace

from taskhub import errors
from taskhub.acts.crm_telling import GIVEN_UP, INSIDE, LOG_IN, tell_asker
from taskhub.connectors.asking import service as asked_there
from taskhub.db import ledger
from taskhub.db.tx import Tx
from taskhub.errors import TaskhubError, Unauthenticated
from taskhub.sales import service as sales

AT_ONCE = 50
LONGEST = 200
AGAIN = "; it is tried again."  # it is not, any more


def find(tx: Tx) -> bool:
    """Marks acts whose delivery is dead and tells of them. For a calendar job; True: there may be more."""
    found = asked_there.given_up(tx, AT_ONCE)
    for id_, error in found:
        act = asked_there.get(tx, id_, locked=True)
        if act is None or not act.waits or act.given_up_at is not None:
            continue
        trouble = plain(error)
        asked_there.save(tx, replace(act, given_up_at=tx.now, trouble=trouble))
        tx.record(act.ref.noun, act.ref.id, "given_up", {"asked": act.kind, "reason": trouble})
        tell_asker(tx, GIVEN_UP, act, sales.get(tx, act.ref), trouble)
    return len(found) == AT_ONCE


def plain(error: str) -> str:
    """The sentence of a row's last error, or a word for it; insides of ours are for the log, not for who asked. Pure.

    What is wrong with a key is for whoever looks after the connection, who reads it in the log and in its check.
    """
    kind, _, said = error.partition("\n")[0].partition(ledger.BESIDE + ledger.ENDED)[0].partition(": ")
    found = getattr(errors, kind, None)
    if not isinstance(found, type) or not issubclass(found, TaskhubError) or not said:
        return INSIDE
    if issubclass(found, Unauthenticated):
        return LOG_IN
    return said.removesuffix(AGAIN).rstrip(". ")[:LONGEST]
