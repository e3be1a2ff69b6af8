"""The inbox: every delivery is stored once, then applied, ignored or quarantined; nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from taskhub.db import ledger, leftovers
from taskhub.db.tx import Tx
from taskhub.errors import Conflict, DeliveryClash, NotFound
from taskhub.events import forgetting, store
from taskhub.events.codec import event_to_json, is_plain
from taskhub.events.inbox import (
    ACCEPTED,
    APPLIED,
    DUPLICATE,
    IGNORED,
    OTHER_BODY,
    QUARANTINED,
    RECEIVED,
    STATE_OF_OUTCOME,
    Raw,
    Receipt,
    Stored,
    pieces,
    scrubbed,
)
from taskhub.events.model import Delivery, Doubt
from taskhub.failpoints import failpoint
from taskhub.ids import new_id

RECEIVED_TOPIC, STATED_TOPIC = "event.received", "event.stated"
DOUBT_TOPIC, LOOK_TOPIC = "record.dirty", "connection.due"
AHEAD = timedelta(minutes=10)
Normalise = Callable[[Stored, Raw], Sequence[Delivery]]


def ingest(
    tx: Tx, deliveries: Sequence[Delivery], raw: bytes, headers: Mapping[str, str], content_type: str, *,
    connection: str | None = None, quarantine_clash: bool = False,
) -> list[Receipt]:  # fmt: skip
    """Stores each delivery once. The same id with another body raises DeliveryClash, or is stored quarantined."""
    if not deliveries:
        return []
    kept = scrubbed(headers)
    parts = pieces(raw, content_type, deliveries)
    rows = [_row(tx, one, part, kept, connection) for one, part in zip(deliveries, parts, strict=True)]
    firsts = {row["delivery_key"]: row for row in reversed(rows)}
    made = [row["id"] for row in rows]
    fresh = store.insert_new(tx.conn, list(firsts.values()))
    failpoint("event.stored")
    if len(fresh) < len(rows):
        fresh |= _judge_known(tx, [row for row in rows if row["id"] not in fresh], quarantine=quarantine_clash)
    said = [ACCEPTED if id_ in fresh else DUPLICATE for id_ in made]
    for one, row, status in zip(deliveries, rows, said, strict=True):
        _announce(tx, row, status)
        if one.doubt is not None and status == ACCEPTED and connection is not None:
            doubted(tx, connection, one.doubt)
        tx.count("taskhub_events_total", status if status == DUPLICATE else row["state"], connection or "events")
    tx.note("event", *[row["id"] for row in rows])
    return [Receipt(r["id"], r["source"], r["external_id"], s) for r, s in zip(rows, said, strict=True)]


def doubted(tx: Tx, connection: str, doubt: Doubt) -> None:
    """Whoever can read records of ``connection`` is to look: at one, or at all of a noun that may have changed."""
    if doubt.id:
        told = {"connection": connection, "born": doubt.born, **({"gone": True} if doubt.gone else {})}
        due = doubt.after if doubt.after is not None and doubt.after > tx.now else None
        tx.emit(DOUBT_TOPIC, f"{doubt.noun}:{doubt.id}", told, due_at=due)
    else:
        since = (doubt.since or tx.now).isoformat()
        tx.emit(LOOK_TOPIC, connection, {"noun": doubt.noun, "since": since})


def load(tx: Tx, event_id: str) -> Stored:
    """One stored delivery. Raises NotFound."""
    return _found(event_id, store.get(tx.conn, event_id))


def lock(tx: Tx, event_id: str) -> Stored:
    """One stored delivery, locked until the transaction ends."""
    return _found(event_id, store.get(tx.conn, event_id, locked=True))


def settle(tx: Tx, event_id: str, state: str, reason: str | None = None) -> None:
    """Says what became of a locked delivery: applied, ignored or quarantined, with the reason."""
    applied_at = tx.now if state == APPLIED else None
    tx.count("taskhub_events_settled_total", state)
    store.save(tx.conn, event_id, {"state": state, "reason": reason, "applied_at": applied_at})
    failpoint("event.settled")


def find(
    tx: Tx, filters: Mapping[str, str], after: tuple[datetime, str] | None, limit: int
) -> tuple[list[Stored], tuple[datetime, str] | None]:
    """One page of deliveries, newest first, and where the next page begins."""
    rows = store.find(tx.conn, filters, after, limit + 1)
    page = rows[:limit]
    return page, (page[-1].received_at, page[-1].id) if len(rows) > limit else None


def understood_since(tx: Tx, since: datetime, most: int, *, each: int = 500) -> Iterator[Stored]:
    """Up to ``most`` deliveries that were applied or ignored since then, in the order in which they came."""
    after: tuple[datetime, str] | None = None
    while most > 0:
        rows = store.understood_since(tx.conn, since, after, min(each, most))
        if not rows:
            return
        yield from rows
        most -= len(rows)
        after = (rows[-1].received_at, rows[-1].id)


def replay(tx: Tx, event_id: str, normalise: Normalise) -> Stored:
    """Normalises a quarantined delivery again under today's maps; what can be applied now will be.

    One that was read and could not be applied is tried again even where it cannot be read again.
    """
    before = lock(tx, event_id)
    raw = store.raw(tx.conn, event_id)
    if before.state != QUARANTINED or raw is None:
        raise Conflict(f"Only quarantined events are replayed; this one is {before.state}.", code="not_quarantined")
    if not raw.body and not before.failed:
        raise Conflict("Its body has been forgotten. Have its sender send the event again.", code="body_forgotten")
    found = normalise(before, raw) if raw.body else ()
    changes, told = _read_again(tx, before, found)
    store.save(tx.conn, event_id, changes)
    tx.record("event", event_id, "replay", {"state": changes.get("state", QUARANTINED)})
    after = load(tx, event_id)
    for doubt in [one.doubt for one in found if told is not None and one.subject == told.subject]:
        if doubt is not None and before.connection is not None:
            doubted(tx, before.connection, doubt)
    for state in (APPLIED, IGNORED):
        forgetting.come_back_to(tx, state, before.received_at)
    _send_again(tx, after)
    return after


def _send_again(tx: Tx, after: Stored) -> None:
    """A row that failed for good is the one that is tried again, or makes way for one that goes another way by now."""
    normalised = event_to_json(after.event) if after.event else None
    for number, topic in leftovers.dead_of(tx.conn, (RECEIVED_TOPIC, STATED_TOPIC), after.id):
        if after.state != RECEIVED or topic == topic_of(normalised):
            ledger.revive(tx.conn, number, tx.now)
            return
        leftovers.discard(tx.conn, number, tx.now)
    _emit(tx, after.id, after.state, normalised, after.source)


def _read_again(tx: Tx, before: Stored, found: Sequence[Delivery]) -> tuple[dict[str, Any], Delivery | None]:
    """What to write, and which of ``found`` it is now; None: it is no news.

    A body that had holes gets the key under which it would have come, unless it has come since.
    """
    again = next((one for one in found if one.delivery_key == before.delivery_key), None)
    if again is not None:
        return _outcome(again), again
    if before.failed:
        return {"state": RECEIVED, "reason": None}, None
    first = next((one for one in found if one.outcome != "quarantined"), None)
    if first is None or before.variant or len({one.subject for one in found}) > 1:
        return {"reason": before.reason}, None
    copy = store.known(tx.conn, [first.delivery_key]).get((first.delivery_key, ""))
    if copy is not None:
        return {"state": IGNORED, "reason": f"copy_of: {copy[0]}"}, None
    named = {name: getattr(first, name) for name in ("external_id", "type", "subject", "delivery_key", "body_hash")}
    return {**named, "occurred_at": first.occurred_at or before.occurred_at, **_outcome(first)}, first


def waiting(tx: Tx, most: int) -> int:
    """How many deliveries wait to be applied, counted up to ``most``."""
    return store.waiting(tx.conn, most)


def waiting_of(tx: Tx, source: str, most: int) -> int:
    """How many of one source wait to be applied, counted up to ``most``; what 0.1.0 took in is not among them."""
    return leftovers.waiting(tx.conn, source, most)


def topic_of(normalised: Mapping[str, Any] | None) -> str:
    """The way of an event that came in; its handler has a name that workers of older releases leave to newer ones."""
    return RECEIVED_TOPIC if normalised is None or is_plain(normalised) else STATED_TOPIC


def _row(
    tx: Tx, one: Delivery, part: tuple[bytes, str], headers: Mapping[str, str], connection: str | None
) -> dict[str, Any]:  # fmt: skip
    return {
        "id": new_id(), "source": one.source, "external_id": one.external_id, "type": one.type, "subject": one.subject,
        "connection": connection, "delivery_key": one.delivery_key, "variant": "", "body_hash": one.body_hash,
        "occurred_at": one.occurred_at or tx.now, "received_at": tx.now, "content_type": part[1],
        "headers": dict(headers), "raw": part[0], **_outcome(one), **_untimely(tx, one),
    }  # fmt: skip


def _untimely(tx: Tx, one: Delivery) -> dict[str, Any]:
    """An event from the future would outlast every true one: it waits for somebody to look."""
    late = one.occurred_at is not None and one.occurred_at > tx.real_now + AHEAD
    return {"state": QUARANTINED, "reason": "time_in_future"} if late and one.event is not None else {}


def _outcome(one: Delivery) -> dict[str, Any]:
    normalised = event_to_json(one.event) if one.event else None
    return {"normalised": normalised, "state": STATE_OF_OUTCOME[one.outcome], "reason": one.reason}


def _judge_known(tx: Tx, rows: Sequence[dict[str, Any]], *, quarantine: bool) -> set[str]:
    """Gives copies the id of what is stored. Returns the ids of other bodies under a known key, stored apart."""
    known = store.known(tx.conn, {row["delivery_key"] for row in rows})
    apart: list[dict[str, Any]] = []
    for row in rows:
        key, hash_ = row["delivery_key"], row["body_hash"]
        first_id, first_hash = known[key, ""]
        if hash_ == first_hash:
            row["id"] = first_id
        elif not quarantine:
            raise DeliveryClash(
                f"An event {row['external_id']!r} from {row['source']!r} came before with another body. "
                "Nothing was stored: send it under a new id.", event_id=first_id,
            )  # fmt: skip
        else:
            row.update(variant=hash_, state=QUARANTINED, reason=OTHER_BODY)
            row["id"] = known.setdefault((key, hash_), (row["id"], hash_))[0]
            apart.append(row)
    return store.insert_new(tx.conn, apart) if apart else set()


def _announce(tx: Tx, row: Mapping[str, Any], status: str) -> None:
    if status == ACCEPTED:
        _emit(tx, row["id"], row["state"], row["normalised"], row["source"])


def _emit(tx: Tx, event_id: str, state: str, normalised: Mapping[str, Any] | None, source: str) -> None:
    if state == RECEIVED:
        record = ":".join((normalised or {}).get("record") or ())
        tx.emit(topic_of(normalised), event_id, {"record": record, "source": source})


def _found(event_id: str, row: Stored | None) -> Stored:
    if row is None:
        raise NotFound(f"There is no event {event_id[:64]!r}.")
    return row
