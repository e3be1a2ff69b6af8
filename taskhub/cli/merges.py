"""``duplicates merge``, ``duplicates unmerge``: what a look at everything found becomes one, and back."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json

if TYPE_CHECKING:
    from taskhub.acts.merging_in_bulk import Accepted
    from taskhub.db.database import Database

TRIES = 3
NOUNS = ("lead", "contact", "account")


def merge(
    least: Annotated[float, typer.Option(min=0, max=100, help="Only pairs of at least this score.")] = 95.0,
    noun: Annotated[list[str] | None, typer.Option(help="Only these: lead, contact, account.")] = None,
    most: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many pairs.")] = 1_000,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this only what would be done is shown.")] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Merge the pairs that the newest look at everything found, the likeliest first.

    Each pair is judged again and merged in a transaction of its own; what cannot be merged is left, with the reason.
    The batch can be taken back with `taskhub duplicates unmerge BATCH`.
    """
    from taskhub.acts import merging_in_bulk
    from taskhub.cli.output import as_json, as_table
    from taskhub.errors import InvalidInput
    from taskhub.ids import new_id

    if unknown := sorted({*(noun or ())} - {*NOUNS}):
        raise InvalidInput(f"There is no noun {', '.join(unknown)[:80]!r} here: name lead, contact or account.")
    batch = new_id() if yes else None
    with place.existing(data) as db:
        with db.read() as tx:
            found = merging_in_bulk.pairs(tx, least, noun or NOUNS, most)
        done = []
        for number, pair in enumerate(found, 1):
            done.append(_one(db, lambda tx, pair=pair: merging_in_bulk.accept(tx, pair, least, batch), write=yes))
            _progress(number, len(found))
    counts = Counter(one.outcome for one in done)
    merged = batch if counts[merging_in_bulk.MERGED] else None
    if json:
        as_json({"batch": merged, "counts": dict(counts), "items": [asdict(one) for one in done]})
        return
    as_table(("stays", "goes", "score", "outcome", "why"), [_row(one) for one in done])
    told = ", ".join(f"{number} {outcome.replace('_', ' ')}" for outcome, number in sorted(counts.items()))
    typer.echo(told or "No pair is that likely. `taskhub duplicates find` shows what one record may double.")
    if merged:
        typer.echo(f"Take it back with: taskhub duplicates unmerge {merged}")


def unmerge(
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="A batch, or one merge.")],
    data: Data = None,
    json: Json = False,
) -> None:
    """Take back a batch of merges, the last one first; what something depends on by now is left, with the reason."""
    from taskhub.acts import unmerging
    from taskhub.cli.output import as_json
    from taskhub.errors import Conflict
    from taskhub.sales.duplicates import merges

    back: list[str] = []
    left: list[dict[str, Any]] = []
    with place.existing(data) as db:
        with db.read() as tx:
            found = [one for one in merges.find(tx, batch) if one.undone_at is None]
        for one in found:
            try:
                _one(db, lambda tx, one=one: unmerging.undo(tx, one.id), write=True)
                back.append(one.gone)
            except Conflict as error:
                left.append({"merge": one.id, "record": one.gone, "why": error.stable_code, "detail": error.message})
    if json:
        as_json({"back": back, "left": left})
        return
    typer.echo(f"{len(back)} records are themselves again, {len(left)} merges stay.")
    for row in left:
        typer.echo(f"{row['record']}: {row['detail']}")


def _one(db: Database, work: Any, *, write: bool) -> Any:
    """One transaction; again where the database chose a victim."""
    from taskhub.db.interruption import Interrupted
    from taskhub.db.tx import By

    by = By("cli", "admin", roles=("admin",))
    for left in reversed(range(TRIES)):
        try:
            with db.begin(by, act="duplicates.merge", write=write) as tx:
                return work(tx)
        except Interrupted as cut:
            if cut.lost or not left:
                raise
    raise AssertionError


def _row(one: Accepted) -> tuple[Any, ...]:
    return one.stays, one.gone, one.score, one.outcome, one.why or ""


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total}", end="" if done < total else "\n", file=sys.stderr, flush=True)
