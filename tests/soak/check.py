"""What must hold of all claims of a soak, recounted from the notes of the hands and from history."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from sqlalchemy import func, select

from taskhub.db.database import Database
from taskhub.db.tables import history
from tests import histories
from tests.soak.hands import Held


def doubles(held: Iterable[Held]) -> list[str]:
    """Tasks that two surely held at once, and tokens that were given twice or did not grow."""
    wrong = [f"token {token} was given {n} times" for token, n in Counter(h.token for h in held).items() if n > 1]
    by_task: dict[str, list[Held]] = defaultdict(list)
    for one in held:
        by_task[one.task].append(one)
    for task, stretches in by_task.items():
        for first, then in pairwise(sorted(stretches, key=lambda one: one.token)):
            # One that lay until its person was full has no known end; its successor shows that it ended in order.
            if first.until is not None and then.since < first.until:
                wrong.append(f"{task} was held by {first.agent} and {then.agent} at once")
    return wrong


def out_of_order(db: Database) -> list[str]:
    """Claims in history of a task that was not waiting at that moment."""
    wrong: list[str] = []
    state: dict[str, str] = {}
    with db.read() as tx:
        rows = tx.conn.execute(
            select(history.c.id, history.c.act, history.c.change)
            .where(history.c.noun == "task")
            .order_by(history.c.id, history.c.seq)
        )
        for row in rows:
            if row.act == "claim" and state.get(row.id) != "queued":
                wrong.append(f"{row.id} was claimed while {state.get(row.id)}")
            state[row.id] = row.change.get("state", state.get(row.id))
    return wrong


def claims_in_history(db: Database) -> int:
    """How many claims history knows."""
    with db.read() as tx:
        claimed = select(func.count()).where(history.c.noun == "task", history.c.act == "claim")
        return int(tx.conn.execute(claimed).scalar_one())


def verdict(db: Database, held: Sequence[Held]) -> list[str]:
    """Everything that is wrong; an empty list is what a soak is for."""
    found = [*doubles(held), *out_of_order(db), *histories.verdict(db, histories.noted(held), whole=True)]
    known = claims_in_history(db)
    if known != len(held):
        found.append(f"{len(held)} claims were won, {known} stand in history")
    return found
