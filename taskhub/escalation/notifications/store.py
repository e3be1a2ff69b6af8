"""The only SQL that writes notifications, letters and the wishes of their readers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, delete, exists, func, insert, literal_column, not_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from taskhub.db.tables import agent, letter, message, notice_setting, notification
from taskhub.db.tx import Tx
from taskhub.escalation.notifications.model import Wishes
from taskhub.ids import floor

SEND = "letter.send"  # the handler of letters in the ledger
ID_LENGTH = 32
PLAIN = "notification.deliver"  # that of versions without letters

n, m = notification.c, message.c


def add(tx: Tx, row: Mapping[str, Any]) -> None:
    """A notice to place."""
    tx.conn.execute(insert(notification).values(dict(row)))


def notice(tx: Tx, notice_id: str) -> Any:
    """One notification."""
    return tx.conn.execute(select(notification).where(n.id == notice_id)).first()


def of_task(tx: Tx, task_id: str) -> list[Any]:
    """The notifications of a task, oldest first."""
    return list(tx.conn.execute(select(notification).where(n.task == task_id).order_by(n.at, n.id)))


def told_since(tx: Tx, agent_key: str, about: str, since: datetime) -> bool:
    """Whether the person has had a notice that belongs to no task and ends with ``about`` since then."""
    same = and_(n.agent == agent_key, n.task.is_(None), n.at > since, n.body.endswith(about, autoescape=True))
    return bool(tx.conn.execute(select(exists().where(same))).scalar())


# ── placing ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def waiting(tx: Tx, addressee: str) -> list[Any]:
    """(id, severity) of the notices of an addressee that nobody has placed yet, oldest first."""
    mine = n.addressee == addressee, n.placed_at.is_(None), n.severity.is_not(None)
    return list(tx.conn.execute(select(n.id, n.severity).where(*mine).order_by(n.at, n.id)))


def texts(tx: Tx, ids: Sequence[str]) -> list[Any]:
    """What these notices say, oldest first."""
    found: list[Any] = []
    for first in range(0, len(ids), 500):
        some = select(n.id, n.at, n.severity, n.subject, n.body, n.task).where(n.id.in_(ids[first : first + 500]))
        found += tx.conn.execute(some)
    return sorted(found, key=lambda row: (row.at, row.id))


def sent_since(tx: Tx, addressee: str, since: datetime) -> list[Any]:
    """(at, lane) of the messages to an addressee since then, one for all channels of a message."""
    mine = letter.c.addressee == addressee, letter.c.at > since
    rows = select(letter.c.id, letter.c.at, letter.c.lane).where(*mine).distinct()
    return list(tx.conn.execute(rows.order_by(letter.c.at)))


def place(tx: Tx, ids: Sequence[str], letter_id: str | None) -> None:
    """These have been placed: in a letter, or (None) in the list alone."""
    for first in range(0, len(ids), 500):
        some = update(notification).where(n.id.in_(ids[first : first + 500]), n.placed_at.is_(None))
        tx.conn.execute(some.values(placed_at=tx.now, letter=letter_id))


def write(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """One letter for each channel of a message."""
    tx.conn.execute(insert(letter), [dict(row) for row in rows])


def letter_of(tx: Tx, letter_id: str, channel: str) -> Any:
    """One letter, with what the way to its reader needs: their mail and own address as they are now."""
    joined = letter.outerjoin(agent, agent.c.key == letter.c.addressee)
    joined = joined.outerjoin(notice_setting, notice_setting.c.agent == letter.c.addressee)
    one = select(letter, agent.c.email, notice_setting.c.own_address).select_from(joined)
    return tx.conn.execute(one.where(letter.c.id == letter_id, letter.c.channel == channel)).first()


def delivered(tx: Tx, letter_id: str, channel: str) -> None:
    """A letter has left the house, and its notices with it."""
    here = letter.c.id == letter_id, letter.c.channel == channel, letter.c.delivered_at.is_(None)
    tx.conn.execute(update(letter).where(*here).values(delivered_at=tx.now))
    mine = or_(n.letter == letter_id, n.id == letter_id)
    tx.conn.execute(update(notification).where(mine, n.delivered_at.is_(None)).values(delivered_at=tx.now))


# ── what could not be sent ───────────────────────────────────────────────────────────────────────────────────────────
def undelivered(
    tx: Tx, *, dead: bool, teams: Collection[str] | None, letter_id: str | None, after: tuple[datetime, int] | None,
    limit: int,
) -> list[Any]:  # fmt: skip
    """Letters nobody took with their rows of the ledger: given up, or (``dead`` False) still being tried; newest first.

    Those to people of ``teams`` (None: to anybody), of one message alone, behind (``moment``, ``row``) ``after``.
    """
    # Written out, so that the index of open outside rows serves.
    tried = m.mode == literal_column("'outside'"), m.dead_at.is_(None), m.done_at.is_(None), m.error.is_not(None)
    moment = m.dead_at if dead else m.emitted_at
    wanted = [m.handler == SEND, m.dead_at.is_not(None) if dead else and_(*tried)]
    wanted += [] if teams is None else [agent.c.team.in_(list(teams))]
    wanted += [] if letter_id is None else [letter.c.id == letter_id]
    wanted += [] if after is None else [or_(moment < after[0], and_(moment == after[0], m.id < after[1]))]
    # A key is the id of a message, a colon, and the channel.
    named = letter.c.id == func.substr(m.key, 1, ID_LENGTH), letter.c.channel == func.substr(m.key, ID_LENGTH + 2)
    joined = message.join(letter, and_(*named)).outerjoin(agent, agent.c.key == letter.c.addressee)
    columns = m.id.label("row"), moment.label("moment"), m.attempts, m.dead_at, m.due_at, m.error, agent.c.team
    rows = select(*columns, letter.c.id, letter.c.channel, letter.c.addressee, letter.c.subject, letter.c.at)
    newest = rows.select_from(joined).where(*wanted).order_by(moment.desc(), m.id.desc())
    return list(tx.conn.execute(newest.limit(limit)))


# ── the list of a person ─────────────────────────────────────────────────────────────────────────────────────────────
def inbox(tx: Tx, agent_key: str, after: tuple[datetime, str] | None, limit: int, *, unread: bool) -> list[Any]:
    """A person's notices, newest first, beginning behind ``after``."""
    mine = [n.agent == agent_key, *([n.read_at.is_(None)] if unread else [])]
    if after is not None:
        mine.append(or_(n.at < after[0], and_(n.at == after[0], n.id < after[1])))
    return list(tx.conn.execute(select(notification).where(*mine).order_by(n.at.desc(), n.id.desc()).limit(limit)))


def count_unread(tx: Tx, agent_key: str) -> int:
    """How many notices a person has not read."""
    mine = select(func.count()).where(n.agent == agent_key, n.read_at.is_(None))
    return int(tx.conn.execute(mine).scalar_one())


def read(tx: Tx, agent_key: str, ids: Collection[str] | None, until: datetime) -> int:
    """Marks notices of a person as read: these, or all up to ``until``. Returns how many were not before."""
    mine = [n.agent == agent_key, n.read_at.is_(None)]
    mine.append(n.at <= until if ids is None else n.id.in_(ids))
    return tx.conn.execute(update(notification).where(*mine).values(read_at=tx.now)).rowcount


# ── what is kept for a while only ────────────────────────────────────────────────────────────────────────────────────
def forget(tx: Tx, before: datetime, limit: int) -> int:
    """Deletes up to ``limit`` notifications made before then, and as many letters; of what is still to leave, none."""
    old = list(tx.conn.execute(_old(before).limit(limit)).scalars())
    if old:
        tx.conn.execute(delete(notification).where(n.id.in_(old)))
    waits = exists().where(m.handler == SEND, m.key == letter.c.id + ":" + letter.c.channel, *_OPEN)
    sent = select(letter.c.id).where(letter.c.at < before, letter.c.id < floor(before), not_(waits))
    if gone := list(tx.conn.execute(sent.order_by(letter.c.id).limit(limit)).scalars()):
        tx.conn.execute(delete(letter).where(letter.c.id.in_(gone), not_(waits)))
    return len(old)


def count_old(tx: Tx, before: datetime, most: int) -> int:
    """How many notifications ``forget`` would delete, counted up to ``most``."""
    return len(list(tx.conn.execute(_old(before).limit(most)).scalars()))


_OPEN = (m.done_at.is_(None), m.dead_at.is_(None))


def _old(before: datetime) -> Select[tuple[str]]:
    """Their ids are in the order of their making, so that the oldest are found without a look at the rest."""
    plain = exists().where(m.key == n.id, m.handler == PLAIN, *_OPEN)
    written = select(letter.c.id + ":" + letter.c.channel).where(letter.c.id == n.letter)
    sending = exists().where(m.handler == SEND, m.key.in_(written), *_OPEN)
    unplaced = and_(n.placed_at.is_(None), n.severity.is_not(None))
    oldest = select(n.id).where(n.at < before, n.id < floor(before))
    return oldest.where(not_(or_(unplaced, plain, sending))).order_by(n.id)


# ── wishes ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def reader(tx: Tx, agent_key: str) -> Any:
    """Language and zone of a person; None when there is no such person."""
    return tx.conn.execute(select(agent.c.language, agent.c.time_zone).where(agent.c.key == agent_key)).first()


def wishes(tx: Tx, agent_key: str) -> Wishes:
    """How a person wants to be told."""
    row = tx.conn.execute(select(notice_setting).where(notice_setting.c.agent == agent_key)).first()
    if row is None:
        return Wishes()
    quiet = None if row.quiet_hours is None else tuple((day, tuple(times)) for day, times in row.quiet_hours)
    every = None if row.digest_s is None else timedelta(seconds=row.digest_s)
    channels = None if row.channels is None else tuple(row.channels)
    return Wishes(channels, row.own_address, row.language, row.ways or {}, every, quiet)


def save_wishes(tx: Tx, agent_key: str, wanted: Wishes) -> None:
    """Writes them over what was there."""
    quiet = None if wanted.quiet_hours is None else [[day, list(times)] for day, times in wanted.quiet_hours]
    row: dict[str, Any] = {
        "channels": None if wanted.channels is None else list(wanted.channels), "own_address": wanted.own_address,
        "language": wanted.language, "ways": dict(wanted.ways) or None,
        "digest_s": wanted.digest_every.total_seconds() if wanted.digest_every else None,
        "quiet_hours": quiet, "at": tx.now, "by": tx.by.label,
    }  # fmt: skip
    upsert = (sqlite if tx.lite else postgresql).insert(notice_setting).values(agent=agent_key, **row)
    tx.conn.execute(upsert.on_conflict_do_update(index_elements=["agent"], set_=row))
