"""A look at everything: begun by a call, worked off piece by piece by workers, read with its progress meanwhile.

First every record gets its print, also what was there before prints were kept. Then the keys are walked in their order:
each block of records under one key is compared. A piece is read in one short transaction, thought through outside of
any, and written in another; where a run stands is stored with it, so a worker that dies costs one piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import combinations, groupby
from typing import Any

from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.errors import Conflict, NotFound
from taskhub.ids import new_id
from taskhub.policy.duplicates import DuplicatePolicy
from taskhub.sales import store as records
from taskhub.sales.duplicates import service
from taskhub.sales.duplicates.blocking import TOO_COMMON
from taskhub.sales.duplicates.judge import judged
from taskhub.sales.duplicates.prints import FAMILIES, Print
from taskhub.sales.duplicates.store import pairs, prints
from taskhub.sales.duplicates.store.pairs import Found as Found  # noqa: PLC0414  what callers read
from taskhub.sales.duplicates.store.pairs import Run as Run  # noqa: PLC0414  what callers read

TOPIC = "duplicates.asked"
KEPT_FOR, DAY = timedelta(days=30), timedelta(days=1)
KEYS_AT_ONCE = 20_000
PRINTS, COMPARE = "prints", "compare"
_LEAST, _MOST = -(2**63), 2**63
WAY = 1_000
"""Steps of the second half of the way: keys are spread evenly, so their number says how far it is."""
NOUNS = tuple(FAMILIES)
Block = Sequence[tuple[str, Print]]


def begin(tx: Tx) -> Run:
    """Begins a run. Raises Conflict while another one, begun within a day, is under way."""
    records.hold(tx, ["duplicates.run"])
    open_ = pairs.newest_run(tx, ended=False)
    if open_ is not None and open_.at > tx.now - DAY:
        raise Conflict(
            "A look at everything is under way already. Wait until it has ended.", code="too_many_runs", run=open_.id
        )
    total = service.count(tx) + WAY
    state = {"step": 0, "phase": PRINTS, "noun": NOUNS[0], "after": ""}
    new = Run(new_id(), tx.by.label, tx.now, 0, total, 0, state, None)
    pairs.add_run(tx, new)
    pairs.forget_runs(tx, tx.now - KEPT_FOR)
    tx.record("duplicates", new.id, "begin", {})
    tx.emit(TOPIC, new.id, {"step": 0})
    return new


def get(tx: Tx, id_: str) -> Run:
    """One run. Raises NotFound."""
    found = pairs.run(tx, id_)
    if found is None:
        raise NotFound(f"There is no look {id_[:64]!r}; they are kept for {KEPT_FOR.days} days.")
    return found


def newest(tx: Tx) -> Run | None:
    """The newest that has ended: whose pairs are shown."""
    return pairs.newest_run(tx, ended=True)


def found(tx: Tx, after: tuple[float, str, str] | None, most: int) -> list[Found]:
    """Pairs that nobody denied, the likeliest first."""
    return pairs.found(tx, after, most)


def compared(block: Block, rules: DuplicatePolicy) -> Iterator[Found]:
    """The pairs of one block that may be the same; a block that too many are in says nothing. Pure."""
    if len(block) > TOO_COMMON:
        return
    for (one, mine), (two, theirs) in combinations(sorted(block, key=lambda each: each[0]), 2):
        verdict = judged(mine, theirs, FAMILIES[one.partition(":")[0]], least=rules.possible)
        if verdict is not None:
            yield Found(one, two, verdict.score, verdict.reasons)


@dataclass(frozen=True, slots=True)
class Piece:
    """What one piece of the second half came to; ``after`` None: it was the last."""

    after: int | None
    found: Sequence[Found]


class WorkOff:
    """Handles ``duplicates.asked``: one piece of one run."""

    def prepare(self, tx: Tx, row: Taken) -> Callable[[], Piece | None] | None:
        """Reads the next piece. Prints are made where they are written, behind the lock of their records."""
        run = pairs.run(tx, row.key)
        if run is None or not _is_next(run, row):
            return None
        state = run.state or {}
        if state["phase"] == PRINTS:
            return _nothing
        after, blocks = _blocks(prints.keyed(tx, state["after"], KEYS_AT_ONCE))
        known = prints.prints(tx, sorted({record for block in blocks for record in block}))
        told = [[(record, known[record]) for record in block if record in known] for block in blocks]
        return partial(_compare, told, after, tx.policies.duplicates)

    def finish(self, tx: Tx, row: Taken, result: Piece | None) -> None:
        """Writes what the piece came to, and goes on unless somebody else has."""
        run = pairs.run(tx, row.key, lock=True)
        if run is None or not _is_next(run, row):
            return
        if result is None:
            _go_on(tx, run, *_prints(tx, run))
            return
        apart = service.linked(tx, ((each.one, each.two) for each in result.found))
        pairs.keep(tx, run.id, [each for each in result.found if (each.one, each.two) not in apart])
        if result.after is not None:
            way = run.total - WAY + (result.after - _LEAST) * WAY // (_MOST - _LEAST)
            _go_on(tx, run, way, {"phase": COMPARE, "after": result.after})
            return
        pairs.drop_others(tx, run.id)
        counted = pairs.count(tx, run.id)
        pairs.save_run(tx, run.id, {"done": run.total, "found": counted, "state": None, "ended_at": tx.now})
        tx.record("duplicates", run.id, "end", {"found": counted})


def _prints(tx: Tx, run: Run) -> tuple[int, dict[str, Any]]:
    """The next records get their prints: how far that is, and how to go on."""
    state = run.state or {}
    looked, _changed, after = service.rebuild(tx, state["noun"], state["after"])
    done = min(run.done + looked, run.total - WAY)
    if after is not None:
        return done, {"phase": PRINTS, "noun": state["noun"], "after": after}
    rest = NOUNS[NOUNS.index(state["noun"]) + 1 :]
    return done, {"phase": PRINTS, "noun": rest[0], "after": ""} if rest else {"phase": COMPARE, "after": _LEAST}


def _go_on(tx: Tx, run: Run, done: int, state: Mapping[str, Any]) -> None:
    step = (run.state or {})["step"] + 1
    found = pairs.count(tx, run.id) if state["phase"] == COMPARE else 0
    pairs.save_run(tx, run.id, {"done": done, "found": found, "state": {**state, "step": step}})
    tx.emit(TOPIC, run.id, {"step": step})


def _nothing() -> None:
    return None


def _blocks(rows: Sequence[tuple[int, str]]) -> tuple[int | None, list[list[str]]]:
    """The key behind which to go on (None: these are the last), and the records of each whole block of two or more.

    The last block may go on behind the rows and is left for the next piece. One as long as all of them is far too
    common, and passed over with what is left of it.
    """
    blocks = [(key, [record for _, record in block]) for key, block in groupby(rows, key=lambda each: each[0])]
    last = len(rows) < KEYS_AT_ONCE
    if not last and len(blocks) > 1:
        blocks.pop()
    return None if last else blocks[-1][0], [block for _, block in blocks if 1 < len(block) <= TOO_COMMON]


def _compare(blocks: Sequence[Block], after: int | None, rules: DuplicatePolicy) -> Piece:
    found = {(each.one, each.two): each for block in blocks for each in compared(block, rules)}
    return Piece(after, list(found.values()))


def _is_next(run: Run, row: Taken) -> bool:
    return run.ended_at is None and run.state is not None and row.payload["step"] == run.state["step"]
