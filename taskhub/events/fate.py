"""A delivery whose applying failed for good is set aside with the reason; tried again, it has been received again."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from taskhub.db.flow import Fate
from taskhub.db.tx import Tx
from taskhub.events import forgetting, service, store
from taskhub.events.inbox import APPLIED, IGNORED, NOT_APPLIED, QUARANTINED, RECEIVED

MOST = 500  # characters of a reason


def hold(tx: Tx, ids: Sequence[str], wait: bool) -> Collection[str]:  # noqa: FBT001
    """Locks deliveries. Without ``wait`` returns the ids of those that somebody else has locked."""
    if not wait:
        return store.locked_elsewhere(tx.conn, ids)
    for id_ in sorted(ids):
        store.get(tx.conn, id_, locked=True)
    return ()


def died(tx: Tx, event_id: str, error: str) -> None:
    """The row that was to apply a locked delivery is dead because of ``error``."""
    stored = store.get(tx.conn, event_id)
    if stored is not None and stored.state == RECEIVED:
        service.settle(tx, event_id, QUARANTINED, (NOT_APPLIED + " ".join(error.split()))[:MOST])
        forgetting.come_back_to(tx, QUARANTINED, stored.received_at)


def revived(tx: Tx, event_id: str) -> None:
    """The row of a locked delivery is tried again."""
    stored = store.get(tx.conn, event_id)
    if stored is not None and stored.failed:
        store.save(tx.conn, event_id, {"state": RECEIVED, "reason": None})
        for state in (APPLIED, IGNORED):
            forgetting.come_back_to(tx, state, stored.received_at)


FATE = Fate(hold, died, revived)
