"""Notices of one addressee are placed: they leave now as letters, wait for their window, or stand in the list alone.

A look is rung by each new notice and by the end of a window. It takes everything that waits and asks the plan; what it
places and the letters it writes are one transaction, so nothing is lost and nothing leaves twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taskhub.db.tx import Tx
from taskhub.escalation.notifications import quiet, store, wording
from taskhub.escalation.notifications.model import HOUSE, OWN, URL, Reading, reading
from taskhub.escalation.notifications.plan import Rhythm, Sent, Waiting, plan
from taskhub.failpoints import failpoint
from taskhub.ids import new_id

WINDOW = "notice.window"
LETTER = "letter.written"


def dispatch(tx: Tx, addressee: str) -> None:
    """Places what waits for ``addressee`` (a person's key, ``url:NAME`` or ``house:``), and looks again when due."""
    waiting = [Waiting(row.id, row.severity) for row in store.waiting(tx, addressee)]
    if not waiting:
        return
    person = store.reader(tx, addressee)
    wishes = store.wishes(tx, addressee)
    wanted = reading(wishes, tx.policies.notices)
    zone = person.time_zone if person is not None else "UTC"
    rhythm = _rhythm(tx, wanted, zone, is_person=person is not None)
    sent = [Sent(row.at, row.lane) for row in store.sent_since(tx, addressee, tx.now - rhythm.memory)]
    found = plan(waiting, sent, rhythm, tx.now)
    store.place(tx, found.listed, None)
    language = wishes.language or (person.language if person is not None else "en")
    channels = wanted.channels if person is not None else ((URL,) if addressee.startswith(f"{URL}:") else (HOUSE,))
    if OWN in channels and wishes.own_address is None:
        channels = tuple(one for one in channels if one != OWN)
    for lane, ids in found.letters:
        said = _said(store.texts(tx, ids), language, zone)
        _write(tx, addressee, lane, channels, said, ids)
    failpoint("notices.placed")
    if found.look_at is not None:
        tx.emit(WINDOW, addressee, due_at=found.look_at)


def _rhythm(tx: Tx, wanted: Reading, zone: str, *, is_person: bool) -> Rhythm:
    house = tx.policies.notices
    ends = quiet.until(zone, wanted.quiet_hours, tx.now) if is_person else None
    return Rhythm(wanted.ways, wanted.digest_every, house.bundle, house.bundle_within, ends)


def _said(rows: Sequence[Any], language: str, zone: str) -> tuple[str, str]:
    if len(rows) == 1:
        return rows[0].subject, rows[0].body
    told = [wording.Said(row.at, row.severity, row.subject, row.task) for row in rows]
    return wording.digest(told, language, zone)


def _write(
    tx: Tx, addressee: str, lane: str, channels: Sequence[str], said: tuple[str, str], ids: Sequence[str]
) -> None:
    """A message of one notice carries its id; one of several has an id of its own."""
    id_ = ids[0] if len(ids) == 1 else new_id()
    store.place(tx, ids, id_ if channels else None)
    if not channels:
        return
    subject, body = said
    letter = {"id": id_, "addressee": addressee, "lane": lane, "subject": subject, "body": body, "at": tx.now}
    store.write(tx, [letter | {"channel": channel} for channel in channels])
    for channel in channels:
        tx.emit(LETTER, f"{id_}:{channel}")
