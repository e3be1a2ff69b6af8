"""How long the ledger, the firings of calendar jobs and the replies to idempotent calls are kept."""

from __future__ import annotations

from datetime import timedelta

from taskhub.db import idempotency, leftovers, sweep
from taskhub.db.tx import Tx
from taskhub.workers.jobs import Job, every

KEPT = timedelta(days=7)
AT_ONCE = 20_000


def forget(tx: Tx) -> None:
    """Deletes rows done and jobs fired more than a week ago; dead rows stay until somebody decides."""
    leftovers.forget(tx.conn, tx.now - KEPT, limit=AT_ONCE)
    sweep.forget_firings(tx.conn, tx.now - KEPT)
    idempotency.forget(tx.conn, tx.real_now)


RETENTION = Job("ledger.forget", every(timedelta(minutes=10)), forget)
