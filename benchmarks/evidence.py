"""History as evidence: how fast a million rows are sealed and checked; and what one look for the metrics takes."""

from __future__ import annotations

import time

from sqlalchemy import text

from benchmarks import world
from benchmarks.table import Figure
from taskhub.db import audit, seals
from taskhub.db.database import Database
from taskhub.metrics.scrape import queries
from tests.servers import start_postgres

ROWS = 1_000_000
LOOKS = 5
SETTINGS = {"shared_buffers": "1GB"}

_HISTORY = """
INSERT INTO history (noun, id, seq, act_id, at, "by", act, change, xid)
SELECT 'task', lpad(to_hex(n / 5), 32, '0'), n % 5 + 1, lpad(to_hex(n), 32, '0'), now() - n * interval '1 second',
  'agent:agent-' || n % 160, (ARRAY['create', 'offer', 'start', 'pause', 'complete'])[n % 5 + 1],
  jsonb_build_object('state', 'in_progress', 'from', 'queued', 'agent', 'agent-' || n % 160, 'minutes', n % 90 + 0.5),
  pg_current_xact_id()::text::bigint
FROM generate_series(1, :rows) n"""


def run_audit() -> list[Figure]:
    """Seals a million rows in the portions a worker takes, then walks the chain."""
    with start_postgres(durable=True, settings=SETTINGS) as postgres:
        url = world.new_database(postgres.url, "audit")
        world.settle(url)
        db = world.open_database(url, pool=2)
        with db.engine.begin() as conn:
            conn.execute(text("SET statement_timeout = 0"))
            conn.execute(text(_HISTORY), {"rows": ROWS})
        begun, sizes = time.monotonic(), []
        while made := _seal(db):
            sizes.append(made)
        sealing = time.monotonic() - begun
        begun, worked = time.monotonic(), time.process_time()
        with db.read() as tx:
            report = audit.verify(tx.conn)
        walked, worked = time.monotonic() - begun, time.process_time() - worked
        db.close()
    if not report.ok or report.rows < ROWS:
        raise RuntimeError(f"the chain should hold: {report}")
    return [
        Figure("sealing", "rows/s", [sum(sizes) / sealing]),
        Figure("audit verify, 1,000,000 rows", "s", [walked], ceiling=60),
        Figure("audit verify, processor time of ours", "s", [worked]),
        Figure("audit verify", "rows/s", [report.rows / walked]),
    ]


def _seal(db: Database) -> int:
    with db.begin() as tx:
        made = seals.add(tx.conn, tx.now)
        return made.size if made else 0


def run_metrics() -> list[Figure]:
    """One look for the metrics with a million tasks waiting, beside one with ten thousand."""
    with start_postgres(durable=True, settings=SETTINGS) as postgres:
        looks = {}
        for waiting in (10_000, ROWS):
            url = world.new_database(postgres.url, f"look_{waiting}")
            world.settle(url)
            world.fill(url, waiting)
            db = world.open_database(url, pool=2)
            looks[waiting] = [_look(db) for _ in range(LOOKS)]
            db.close()
    name = "one look for /metrics, 1,000,000 waiting beside 10,000"
    return [Figure(name, "s", looks[ROWS], looks[10_000], ceiling=2)]


def _look(db: Database) -> float:
    begun = time.monotonic()
    with db.read() as tx:
        queries.house(tx)
    return time.monotonic() - begun
