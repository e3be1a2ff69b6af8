"""What a first sync would bring: how many records, how many of them unknown here, and what there would be to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from taskhub.connectors import own_write
from taskhub.db.tx import Tx
from taskhub.events.model import Delivery
from taskhub.rules.plan import plan
from taskhub.sales import service as sales
from taskhub.tasks import queries

ALL_DAYS = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stock:
    """``records`` and ``new`` by noun; ``tasks`` by kind; ``unread`` could not be understood."""

    records: Mapping[str, int] = field(default_factory=Counter)
    new: Mapping[str, int] = field(default_factory=Counter)
    tasks: Mapping[str, int] = field(default_factory=Counter)
    unread: int = 0


def preview(tx: Tx, deliveries: Iterable[Delivery]) -> Stock:
    """Goes through what was read as it would be applied, in memory; writes nothing."""
    replay = sales.replay(tx, ALL_DAYS)
    records: Counter[str] = Counter()
    new: Counter[str] = Counter()
    drafts: dict[str, str] = {}
    unread = 0
    for one in deliveries:
        event = one.event
        if event is None or event.record is None:
            unread += 1
            continue
        records[event.record.noun] += 1
        new[event.record.noun] += replay.standing(event.record) is None
        changes, known = replay.apply(event)
        changes = own_write.guarded(event, changes, tx.policies.connections)
        made = plan(event, changes, known, tx.policies.rules, tx.policies.kinds, zone_of=tx.policies.zone_for)
        drafts |= {draft.origin: draft.kind for draft in made.drafts if draft.kind in tx.policies.kinds}
    there = queries.made_by(tx, sorted(drafts))
    return Stock(records, new, Counter(kind for origin, kind in drafts.items() if origin not in there), unread)
