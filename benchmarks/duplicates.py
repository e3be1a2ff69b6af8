"""Doubles among 100,000 leads: how many are found and how many of those are right; a look at all of them; one lead.

The leads and their doubles come from the seeded generator of ``tests/twins`` and the recorded names beside the project.
A look at all of them is measured twice: the rules alone, beside one ratio of RapidFuzz over each of the same pairs, and
the whole run over each database, prints and keys included, as a worker does it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

from rapidfuzz import fuzz
from sqlalchemy import text

from benchmarks import sizes, world
from benchmarks.table import Figure
from taskhub.db import rows
from taskhub.db.database import Database
from taskhub.db.tables_sales import lead
from taskhub.policy.duplicates import DuplicatePolicy
from taskhub.sales.duplicates import runs, service
from taskhub.sales.duplicates.prints import Print
from taskhub.testing import organisation
from taskhub.testing.drain import drain
from tests.servers import start_postgres
from tests.twins import recount
from tests.twins.generate import World
from tests.twins.generate import world as made_world
from tests.twins.people import DataMissing

SEED = 7_001
RULES = DuplicatePolicy(recount.REGION)
CHECKS = 500
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETTINGS = {"shared_buffers": "1GB"}


def run() -> list[Figure]:
    """Quality, bulk and single check. Skipped, with the reason, where the recorded names are missing."""
    size = sizes.of(100_000, 5_000)
    try:
        made = made_world(size, SEED, DATA)
    except DataMissing as reason:
        print(f"duplicates: skipped, {reason}", file=sys.stderr)
        return []
    return [*_rules(made), *_stored(made)]


def _rules(made: World) -> list[Figure]:
    """What the rules find, and the time of one core they take for it."""
    begun = time.process_time()
    prints = recount.prints_of(made)
    printed = time.process_time()
    found = recount.pairs_of(prints, RULES)
    took = time.process_time() - begun
    told = recount.tally(made, found)
    print(f"{told.table()}\n", file=sys.stderr)
    theirs = _baseline(prints) + (printed - begun)
    many = f"{len(made.leads):,} leads"
    return [
        Figure("duplicates, precision", "share of pairs shown", [told.precision], floor=0.95),
        Figure("duplicates, recall", "share of copies shown", [told.recall], floor=0.90),
        Figure(f"duplicates, rules over {many}", "s of one core, beside one fuzzy ratio a pair", [took], [theirs],
               ceiling=120),
    ]  # fmt: skip


def _baseline(prints: dict[str, Print]) -> float:
    """The same blocks, each pair compared by one ratio over the whole of both records."""
    whole = {f"lead:{id_}": " ".join((*one.name, *one.company, str(one.mail), str(one.phone)))
             for id_, one in prints.items()}  # fmt: skip
    begun = time.process_time()
    for block in recount.blocks_of(prints):
        for (one, _), (two, _) in combinations(block, 2):
            fuzz.token_sort_ratio(whole[one], whole[two], score_cutoff=80)
    return time.process_time() - begun


def _stored(made: World) -> list[Figure]:
    figures: list[Figure] = []
    for name, opened in (("SQLite", _sqlite), ("PostgreSQL", _postgres)):
        with opened() as db:
            _fill(db, made)
            figures += _looked(db, name, len(made.leads))
            figures += _single(db, made, name)
    return figures


@contextmanager
def _sqlite() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        db = organisation.database(f"sqlite:///{folder}/twins.db", organisation.policies(duplicates=RULES))
        yield db
        db.close()


@contextmanager
def _postgres() -> Iterator[Database]:
    with start_postgres(durable=True, settings=SETTINGS) as postgres:
        url = world.new_database(postgres.url, "twins")
        db = organisation.database(url, organisation.policies(duplicates=RULES), pool=2)
        yield db
        db.close()


def _fill(db: Database, made: World) -> None:
    with db.begin() as tx:
        facts = {"versions": {}, "first_seen_at": tx.now, "last_changed_at": tx.now}
        told = [{"id": one.id, "fields": {**asdict(one), "id": None}, **facts} for one in made.leads]
        for at in range(0, len(told), 5_000):
            rows.insert(tx.conn, lead, told[at : at + 5_000])


def _looked(db: Database, name: str, many: int) -> list[Figure]:
    """A whole look at everything, from records without prints on."""
    begun, worked = time.monotonic(), time.process_time()
    with db.begin() as tx:
        run_ = runs.begin(tx)
    drain(db)
    took, worked = time.monotonic() - begun, time.process_time() - worked
    with db.read() as tx:
        ended = runs.get(tx, run_.id)
    if ended.ended_at is None or not ended.found:
        raise RuntimeError(f"the look should have ended with pairs: {ended}")
    return [
        Figure(f"duplicates, a look at {many:,} leads, {name}", "s", [took], ceiling=120),
        Figure(f"the same, processor time of ours, {name}", "s", [worked]),
    ]


def _single(db: Database, made: World, name: str) -> list[Figure]:
    """One new lead against all of them: the copies, as they would be typed in."""
    copies = {two for _, two in made.twins} | {one for one, _ in made.twins}
    asked = [one for one in made.leads if one.id in copies][:CHECKS]
    with db.engine.begin() as conn:
        conn.execute(text("ANALYZE"))
    took = []
    for one in asked:
        begun = time.perf_counter()
        with db.read() as tx:
            service.like(tx, "lead", asdict(one))
        took.append((time.perf_counter() - begun) * 1000)
    return [Figure(f"duplicates of one lead among {len(made.leads):,}, {name}", "ms median", took, ceiling=20)]
