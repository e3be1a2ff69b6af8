"""Once a minute the new rows of history are sealed; the head goes to the log, which lives in another place."""

from __future__ import annotations

import logging
from datetime import timedelta

from taskhub.db import seals
from taskhub.db.tx import Tx
from taskhub.logs import about
from taskhub.workers.jobs import Job, every

log = logging.getLogger(__name__)


def seal(tx: Tx) -> None:
    """Chains what is new to what was sealed before; a long backlog takes several minutes."""
    made = seals.add(tx.conn, tx.now)
    if made is not None:
        log.info(
            "history is sealed up to row %d", made.last_row,
            extra=about(seal=f"{made.number}:{made.hash.hex()}", rows=made.size),
        )  # fmt: skip


SEALING = Job("history.seal", every(timedelta(minutes=1)), seal)
