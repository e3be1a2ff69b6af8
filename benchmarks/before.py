"""The claim beside the claim of an earlier commit, in turn: `python -m benchmarks before`, BEFORE=COMMIT for another.

The earlier code is checked out into a temporary folder and runs there, on a database of its own on the same server.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import claims, client, processes, world
from benchmarks.client import Job
from benchmarks.table import Figure
from tests.servers import start_postgres

COMMIT = os.environ.get("BEFORE", "7e7d1b8")  # the last one before the engine of all models and strategies
ROUNDS, SECONDS, WAITING = 5, 3.0, claims.FEW
_SETTLE = """
import json, sys
from benchmarks import world
keys = world.settle(sys.argv[1])[:-1]
world.fill(sys.argv[1], int(sys.argv[2]))
print(json.dumps(keys))"""


def run() -> list[Figure]:
    """The median claim of one client, now and before."""
    with start_postgres(durable=True, settings=claims.SETTINGS) as postgres, _checkout() as folder:
        url = world.new_database(postgres.url, "before")
        keys = json.loads(_python(folder, "-c", _SETTLE, url, str(WAITING)))
        with (
            claims._api(postgres, "ours", WAITING) as ours,  # noqa: SLF001
            processes.started("api", url, folder=folder) as port,
        ):
            theirs = url, port, keys
            client.run(Job(port, "claim", claims.CROWD, 1.0, keys))
            pairs = [(_p50(ours), _p50(theirs)) for _ in range(ROUNDS)]
    mine, before = zip(*pairs, strict=True)
    return [Figure(f"claim, 1 client, beside {COMMIT}", "ms median", mine, before, most=1.25)]


def _p50(side: tuple[str, int, list[str]]) -> float:
    url, port, keys = side
    world.tidy(url)
    return client.run(Job(port, "claim", 1, SECONDS, keys)).p50


@contextmanager
def _checkout() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "before"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(folder), COMMIT], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(folder)], check=True)


def _python(folder: Path, *words: str) -> str:
    done = subprocess.run([sys.executable, *words], cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout
