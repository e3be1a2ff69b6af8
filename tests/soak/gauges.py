"""What is read while a soak runs: the memory of processes, and how much of the tables is dead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from sqlalchemy import Connection, text

from tests.soak.load import Claim

HOT = ("message", "lease", "task", "sla_clock", "idempotency", "turn", "agent", "event")
SMALL = 10_000


class Dead(NamedTuple):
    """One table: rows alive and dead by PostgreSQL's count, and the megabytes of it without its indexes."""

    alive: int
    dead: int
    megabytes: float

    @property
    def part(self) -> float | None:
        """The dead part of all rows; None for a small table, of which a minute of work is a large part."""
        rows = self.alive + self.dead
        return self.dead / rows if rows >= SMALL else None


def memory(pid: int) -> float:
    """Resident megabytes of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024


def dead(conn: Connection) -> dict[str, Dead]:
    """The hot tables as they are now."""
    rows = conn.execute(
        text(
            "SELECT relname, n_live_tup, n_dead_tup, pg_relation_size(relid) FROM pg_stat_user_tables"
            " WHERE relname = ANY(:hot)"
        ),
        {"hot": list(HOT)},
    )
    return {name: Dead(alive, gone, size / 2**20) for name, alive, gone, size in rows}


def growth(samples: Sequence[tuple[float, float]], since: float, until: float) -> float:
    """How much larger the last tenth of the span is than its first, as a part of it. Samples are (instant, size)."""
    tenth = (until - since) / 10
    first = median(size for at, size in samples if since <= at <= since + tenth)
    last = median(size for at, size in samples if until - tenth <= at <= until)
    return last / first - 1


def drift(claims: Sequence[Claim], since: float, until: float) -> tuple[float, float]:
    """The p99 of claims in the first and in the last quarter of the span, in milliseconds."""
    quarter = (until - since) / 4
    first = [one.took for one in claims if since <= one.at < since + quarter]
    last = [one.took for one in claims if until - quarter <= one.at <= until]
    return p99(first), p99(last)


def p99(took: Sequence[float]) -> float:
    """Milliseconds; 0 of nothing."""
    return 1000 * quantiles(took, n=100)[-1] if len(took) > 1 else 0.0


def worst(looks: Sequence[Mapping[str, Dead]]) -> dict[str, float]:
    """The largest dead part of every table that was large enough, over all looks."""
    found: dict[str, float] = {}
    for look in looks:
        for name, one in look.items():
            if one.part is not None:
                found[name] = max(found.get(name, 0.0), one.part)
    return found
