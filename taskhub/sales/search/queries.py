"""Entries that answer to every term and that the caller may see: by the rarest term's words, the others in the text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Text, and_, cast, exists, false, func, or_, select, true

from taskhub.db.tables import task
from taskhub.db.tables_search import search_entry, search_part, search_word
from taskhub.db.tx import Tx
from taskhub.sales.search.scope import Scope
from taskhub.sales.search.tokens import TASK, Term, is_partly

TOP = "\U0010ffff"
PROBE = 2_000
MOST_WORDS = 1_000
OPEN = ("blocked", "queued", "assigned", "in_progress", "paused")
NOUNS = ("lead", "deal", "account", "contact", TASK)
EXACTLY, BEGINNING, INSIDE = "exactly", "beginning", "inside"
e = search_entry.c


class Reach(NamedTuple):
    """The words in which a term is met; ``all`` False: there are more of them."""

    words: Sequence[str]
    all: bool


def reach(tx: Tx, term: Term) -> Reach:
    """Asked by itself: the database then goes by the words it is given, whatever it believes about their number."""
    partly = [one for one in term.any if is_partly(one)]
    if not partly:
        return Reach((), True)
    known = select(search_part.c.word).where(or_(*[_from(search_part.c.part, one) for one in partly])).distinct()
    found = list(tx.conn.execute(known.limit(MOST_WORDS + 1)).scalars())
    return Reach(found[:MOST_WORDS], len(found) <= MOST_WORDS)


def count(tx: Tx, term: Term, reached: Reach) -> int:
    """How many records a term is met in, up to PROBE."""
    some = select(search_word.c.record).where(_words(term, INSIDE, reached)).limit(PROBE)
    return int(tx.conn.execute(select(func.count()).select_from(some.subquery())).scalar_one())


class Leading(NamedTuple):
    """The rarest term and its words; the others are looked for in the texts it leads to. ``many``: PROBE or more."""

    term: Term
    reached: Reach
    others: Sequence[Term]
    many: bool


def answering(tx: Tx, by: Leading, how: str, scope: Scope, nouns: Iterable[str], limit: int) -> list[Any]:
    """Entries (record, noun, text, at, owner) that meet the leading term so and the others in any way, newest first."""
    ids = select(search_word.c.record).where(_words(by.term, how, by.reached))
    wanted: Select[Any] = select(e.record, e.noun, e.text, e.at, e.owner).where(e.record.in_(ids))
    wanted = wanted.where(*[_inside(term) for term in by.others])
    chosen = tuple(nouns)
    if set(chosen) != set(NOUNS):
        wanted = wanted.where(e.noun.in_(chosen))
    seen = _seen(scope)
    if seen is not None:
        wanted = wanted.where(seen)
    return list(tx.conn.execute(wanted.order_by(e.at.desc(), e.record.desc()).limit(limit)))


def by_id(tx: Tx, ids: Sequence[str], scope: Scope, nouns: Iterable[str], limit: int) -> list[Any]:
    """Entries of the records with such an id, whatever their noun; an id of some length may be cut short."""
    named = [_named(f"{noun}:{id_}", id_) for noun in nouns for id_ in ids]
    wanted: Select[Any] = select(e.record, e.noun, e.text, e.at, e.owner).where(or_(*named))
    seen = _seen(scope)
    if seen is not None:
        wanted = wanted.where(seen)
    return list(tx.conn.execute(wanted.order_by(e.record).limit(limit)))


def _named(record: str, id_: str) -> ColumnElement[bool]:
    return and_(e.record >= record, e.record < record + TOP) if len(id_) >= 8 else e.record == record


def _words(term: Term, how: str, reached: Reach) -> ColumnElement[bool]:
    word = search_word.c.word
    if how == EXACTLY:
        return word.in_(term.any)
    if how == BEGINNING:
        return or_(*[_from(word, one) for one in term.any])
    short = [_from(word, one) for one in term.any if not is_partly(one)]
    return or_(word.in_(reached.words), *short) if reached.words or not short else or_(*short)


def _from(column: ColumnElement[Any], begin: str) -> ColumnElement[bool]:
    return and_(column >= begin, column < begin + TOP)


def _inside(term: Term) -> ColumnElement[bool]:
    """Words hold letters and digits alone: nothing in them means anything to LIKE."""
    return or_(*[e.text.like(f"%{one}%" if is_partly(one) else f"% {one}%") for one in term.any])


def _seen(scope: Scope) -> ColumnElement[bool] | None:
    if scope.all_records and scope.all_tasks:
        return None
    records = and_(e.noun != TASK, true() if scope.all_records else _records(scope))
    return or_(records, and_(e.noun == TASK, true() if scope.all_tasks else _tasks(scope)))


def _records(scope: Scope) -> ColumnElement[bool]:
    owned = e.owner.in_(scope.owners) if scope.owners else false()
    if scope.queues is None:
        return owned
    id_ = func.substr(e.record, len("lead:") + 1)  # deal: is as long
    about = or_(
        task.c.record == e.record,
        *[and_(e.noun == noun, task.c[noun] == id_) for noun in ("lead", "deal")],
    )
    theirs = or_(task.c.agent == (scope.me or ""), task.c.queue.in_(scope.queues))
    # What one has asked for or brought in opens nothing to oneself.
    own = [~_asked(f"{way}:agent:{scope.me}") for way in ("asked", "imported")]
    others = or_(task.c.origin.is_(None), and_(*own))
    return or_(owned, exists(select(task.c.id).where(about, theirs, others, task.c.state.in_(OPEN))))


def _tasks(scope: Scope) -> ColumnElement[bool]:
    ways: list[ColumnElement[bool]] = []
    if scope.mine and scope.me:
        holder = func.coalesce(task.c.agent, task.c.completed_by)
        ways.append(holder == scope.me)
    if scope.task_queues:
        ways.append(task.c.queue.in_(scope.task_queues))
    ways += [cast(task.c.extra_teams, Text).contains(f'"{team}"', autoescape=True) for team in scope.teams]
    if scope.asked and scope.label:
        ways.append(_asked(f"asked:{scope.label}"))
    if not ways:
        return false()
    id_ = func.substr(e.record, len("task:") + 1)
    return exists(select(task.c.id).where(task.c.id == id_, or_(*ways)))


def _asked(begin: str) -> ColumnElement[bool]:
    return and_(task.c.origin > f"{begin}:", task.c.origin < f"{begin};")
