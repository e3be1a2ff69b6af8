"""One search among 100,000 leads, beside the same words looked for in every lead (LIKE, no index), in turn.

The leads are made here, from syllables under a seed: 2,000 family names, 300 first names, 20,000 companies, so that
most words stand in dozens of records. What is asked: a name, two words, a part of one, an address, a telephone number.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import text

from benchmarks import sizes, world
from benchmarks.table import Figure
from taskhub.db import rows
from taskhub.db.database import Database
from taskhub.db.tables_sales import lead
from taskhub.ids import new_id
from taskhub.sales import service as sales
from taskhub.sales.search import filling, service
from taskhub.sales.search.scope import EVERYTHING
from taskhub.testing import organisation
from tests.servers import start_postgres

SEED = 7_101
ROUNDS = 60
LIMIT = 20
SETTINGS = {"shared_buffers": "1GB"}
HEADS = ("Bar", "Cor", "Dev", "Éli", "Fon", "Gro", "Hal", "Jan", "Kör", "Lam", "Mar", "Nov", "Oli", "Per", "Ros", "Sal")
TAILS = (
    "ard",
    "beau",
    "cher",
    "dier",
    "eau",
    "feld",
    "gand",
    "holm",
    "ier",
    "lin",
    "mann",
    "net",
    "ouf",
    "quet",
    "son",
)
Leads = list[dict[str, str]]


def run() -> list[Figure]:
    """Each database in turn."""
    made = _leads(sizes.of(100_000, 5_000))
    figures: list[Figure] = []
    for name, opened in (("SQLite", _sqlite), ("PostgreSQL", _postgres)):
        with opened() as db:
            figures += [*_filled(db, made, name), *_asked(db, made, name)]
    return figures


def _leads(count: int) -> Leads:
    dice = random.Random(SEED)
    family = _names(dice, 2_000, 3)
    first, companies = _names(dice, 300, 2), _names(dice, 20_000, 4)
    found = []
    for number in range(count):
        name, own, firm = dice.choice(family), dice.choice(first), dice.choice(companies)
        mail = f"{own}.{name}{number % 7}@{firm}.example".lower()
        phone = f"+33 6 {dice.randrange(10**8):08}"
        found.append(
            {
                "name": f"{own} {name}",
                "company": f"{firm} SA",
                "email": mail,
                "phone": phone,
                "title": f"Order {number}",
            }
        )
    return found


def _names(dice: random.Random, count: int, longest: int) -> list[str]:
    found: set[str] = set()
    while len(found) < count:
        found.add(dice.choice(HEADS) + "".join(dice.choice(TAILS) for _ in range(dice.randrange(1, longest + 1))))
    return sorted(found)


@contextmanager
def _sqlite() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        db = organisation.database(f"sqlite:///{folder}/search.db", organisation.policies())
        yield db
        db.close()


@contextmanager
def _postgres() -> Iterator[Database]:
    with start_postgres(durable=True, settings=SETTINGS) as postgres:
        url = world.new_database(postgres.url, "search")
        db = organisation.database(url, organisation.policies(), pool=2)
        yield db
        db.close()


def _filled(db: Database, made: Leads, name: str) -> list[Figure]:
    """The words of all of them, as workers keep them after an upgrade."""
    with db.begin() as tx:
        facts = {"versions": {}, "first_seen_at": tx.now, "last_changed_at": tx.now}
        told = [{"id": new_id(), "fields": fields, **facts} for fields in made]
        for at in range(0, len(told), 5_000):
            rows.insert(tx.conn, lead, told[at : at + 5_000])
    begun = time.monotonic()
    looked, _ = filling.rebuild(db.begin, lambda _done, _new: None)
    took = time.monotonic() - begun
    if looked != len(made):
        raise RuntimeError(f"{looked} of {len(made)} records were looked through")
    with db.engine.begin() as conn:
        conn.execute(text("ANALYZE"))
    return [Figure(f"words of {len(made):,} leads kept anew, {name}", "leads a second", [looked / took])]


def _asked(db: Database, made: Leads, name: str) -> list[Figure]:
    dice = random.Random(SEED + 1)
    ways = {
        "a name": lambda one: one["name"].split()[1],
        "two words": lambda one: f"{one['company'].split()[0]} {one['name'].split()[0]}".lower(),
        "a part of a word": lambda one: one["company"].split()[0][1:-1],
        "an address": lambda one: one["email"],
        "a number": lambda one: one["phone"].replace(" ", "").removeprefix("+33"),
    }
    ours: list[float] = []
    theirs: list[float] = []
    figures = []
    for way, of in ways.items():
        took: list[float] = []
        for _ in range(ROUNDS // len(ways)):
            one = dice.choice(made)
            took.append(_search(db, of(one), one))
            theirs.append(_scan(db, of(one)))
        ours += took
        figures.append(Figure(f"search for {way} among {len(made):,}, {name}", "ms median", took))
    whole = Figure(
        f"search among {len(made):,} leads, {name}",
        "ms median, beside LIKE over all",
        ours,
        theirs,
        most=0.25,
        ceiling=100,
    )
    return [whole, *figures]


def _search(db: Database, q: str, wanted: Mapping[str, str]) -> float:
    begun = time.perf_counter()
    with db.read() as tx:
        page = service.find(tx, q, EVERYTHING, None, LIMIT)
    took = (time.perf_counter() - begun) * 1000
    if page.complete and len(page.items) < LIMIT and all(one.fields != wanted for one in page.items):
        raise RuntimeError(f"{q!r} should have found {wanted}")
    return took


def _scan(db: Database, q: str) -> float:
    """The list of leads whose fields hold the first word, as the lists have offered it so far."""
    begun = time.perf_counter()
    with db.read() as tx:
        sales.find(tx, "lead", {"q": q.split(maxsplit=1)[0]}, None, LIMIT)
    return (time.perf_counter() - begun) * 1000
