"""Pairs that a look at everything found become one each: many at once, a transaction for each, one batch to undo.

A pair is judged again when its turn comes: it may have been changed, merged or denied since.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from taskhub.acts import merging
from taskhub.acts.merging import Wanted
from taskhub.db.tx import Tx
from taskhub.errors import Conflict, InvalidInput, NotFound
from taskhub.events.model import RecordRef
from taskhub.sales import service as sales
from taskhub.sales.duplicates import merges, runs, service
from taskhub.sales.duplicates.runs import Found

AT_ONCE = 500
MERGED, WOULD, LEFT = "merged", "would_merge", "left"


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a pair: ``outcome`` merged, would_merge or left; ``why`` a code where it was left."""

    stays: str
    gone: str
    score: float
    outcome: str
    why: str | None = None
    merge: str | None = None


def pairs(tx: Tx, least: float, nouns: Iterable[str], most: int) -> list[Found]:
    """Pairs of one noun of the newest look, from this score on, the likeliest first."""
    wanted, found = frozenset(nouns), list[Found]()
    after: tuple[float, str, str] | None = None
    while len(found) < most:
        page = runs.found(tx, after, AT_ONCE)
        found += [one for one in page if one.score >= least and _noun(one) in wanted]
        if len(page) < AT_ONCE or page[-1].score < least:
            break
        after = (page[-1].score, page[-1].one, page[-1].two)
    return found[:most]


def _noun(one: Found) -> str | None:
    nouns = {record.partition(":")[0] for record in (one.one, one.two)}
    return nouns.pop() if len(nouns) == 1 else None


def accept(tx: Tx, pair: Found, least: float, batch: str | None) -> Accepted:
    """One pair; ``batch`` None: only what would be done. What stands in the way is an outcome, no error."""
    one, two = (merges.current(tx, merges.ref_of(record)) for record in (pair.one, pair.two))
    if one == two:
        return Accepted(pair.one, pair.two, pair.score, LEFT, "already_merged")
    verdict = service.judge_now(tx, one, two)
    if verdict is None or verdict.score < least:
        return Accepted(str(one), str(two), verdict.score if verdict else 0.0, LEFT, "changed_since")
    try:
        return _merged(tx, one, two, verdict.score, batch)
    except (Conflict, InvalidInput, NotFound) as error:
        return Accepted(str(one), str(two), verdict.score, LEFT, error.stable_code)


def _merged(tx: Tx, one: RecordRef, two: RecordRef, score: float, batch: str | None) -> Accepted:
    stays = merging.suggested(tx, [sales.get(tx, one), sales.get(tx, two)]).ref
    gone = two if stays == one else one
    if batch is None:
        merging.foresee(tx, Wanted(stays, (gone,)))
        return Accepted(str(stays), str(gone), score, WOULD)
    done = merging.merge(tx, Wanted(stays, (gone,), batch=batch))
    return Accepted(str(stays), str(gone), score, MERGED, merge=done.merges[0])
