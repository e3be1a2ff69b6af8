"""Retention: what nobody works with any more goes, a little at a time. History, decisions and passes stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from taskhub.connectors.asking import service as asked_there
from taskhub.db import idempotency, leftovers, sweep
from taskhub.db.tx import Tx
from taskhub.escalation.notifications import forgetting as notices
from taskhub.events import forgetting as bodies
from taskhub.events.inbox import APPLIED, IGNORED, QUARANTINED
from taskhub.sales.firings import service as firings
from taskhub.settings import Keep

AT_ONCE = 2_000
COUNTED = 1_000_000


@dataclass(frozen=True, slots=True)
class Part:
    """One sort of thing. ``forget`` says how many went and whether there may be more, ``count`` how many would go."""

    name: str
    forget: Callable[[Tx, Keep, int], tuple[int, bool]]
    count: Callable[[Tx, Keep], int]


def _bodies(state: str, kept: str) -> Part:
    return Part(
        f"bodies of {state} events",
        lambda tx, keep, limit: bodies.forget_bodies(tx, state, tx.now - getattr(keep, kept), limit),
        lambda tx, keep: bodies.count_bodies(tx, state, tx.now - getattr(keep, kept), COUNTED),
    )


PARTS = (
    Part(
        "done rows of the ledger",
        lambda tx, keep, limit: leftovers.forget(tx.conn, tx.now - keep.done, limit=limit),
        lambda tx, keep: leftovers.count_done(tx.conn, tx.now - keep.done),
    ),
    _bodies(APPLIED, "bodies"),
    _bodies(IGNORED, "bodies"),
    _bodies(QUARANTINED, "quarantined"),
    Part(
        "replies to idempotent calls",
        lambda tx, _keep, limit: idempotency.forget(tx.conn, tx.real_now, limit=limit),
        lambda tx, _keep: idempotency.count_old(tx.conn, tx.real_now),
    ),
    Part(
        "firings of calendar jobs",
        lambda tx, keep, _limit: (sweep.forget_firings(tx.conn, tx.now - keep.done), False),
        lambda tx, keep: sweep.count_old_firings(tx.conn, tx.now - keep.done),
    ),
    Part(
        "changes that were acted upon early",
        lambda tx, keep, limit: firings.forget(tx, tx.now - keep.bodies, limit),
        lambda tx, keep: firings.count(tx, tx.now - keep.bodies),
    ),
    Part(
        "what was said with acts asked of a CRM",
        lambda tx, keep, limit: asked_there.forget(tx, tx.now - keep.bodies, limit),
        lambda tx, keep: asked_there.count(tx, tx.now - keep.bodies),
    ),
    Part(
        "notifications",
        lambda tx, keep, limit: notices.forget_notices(tx, tx.now - keep.notices, limit),
        lambda tx, keep: notices.count_notices(tx, tx.now - keep.notices, COUNTED),
    ),
)


def forget(tx: Tx, keep: Keep, limit: int = AT_ONCE) -> tuple[dict[str, int], bool]:
    """One bounded batch of everything. Returns how many of what went, and whether another batch would find more."""
    found = {part.name: part.forget(tx, keep, limit) for part in PARTS}
    return {name: count for name, (count, _) in found.items()}, any(more for _, more in found.values())


def census(tx: Tx, keep: Keep) -> dict[str, int]:
    """How many of what would go now; bodies and notifications are counted up to a million."""
    return {part.name: part.count(tx, keep) for part in PARTS}
