"""What all runs of a campaign share: servers, databases, the quiet days, folders."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from tests.databases import PostgresDatabases, SqliteDatabases
from tests.faults import quiet
from tests.faults.plan import Plan
from tests.scratch import quick_folder
from tests.servers import Server, start_postgres, start_redis


@dataclass
class Ground:
    """A durable PostgreSQL that may be harmed (it comes back at the same address), and a Redis for each run."""

    plan: Plan
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="taskhub-faults-", dir=quick_folder())))
    _quiet: dict[int, Counter[str]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.postgres: Server = start_postgres(durable=True, in_memory=True, tcp=True)
        self.databases = PostgresDatabases(self.postgres.url, "faults")
        self._files = SqliteDatabases(self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def plan_of(self, seed: int) -> Plan:
        """The plan with that seed."""
        return replace(self.plan, seed=seed)

    def quiet(self, seed: int) -> Counter[str]:
        """The tasks of the same day where nothing goes wrong; worked out once."""
        if seed not in self._quiet:
            url = self.sqlite(f"quiet-{seed}")
            self._quiet[seed] = quiet.day(url, self.plan_of(seed))
        return self._quiet[seed]

    @contextmanager
    def database(self) -> Iterator[str]:
        """A migrated PostgreSQL database of the run's own."""
        url = self.databases.create()
        yield url
        self.databases.drop(url)

    def sqlite(self, name: str) -> str:
        """A migrated SQLite database in a folder of its own."""
        return self._files.create(self.logs(name))

    def redis(self) -> Server:
        """A Redis of the run's own; the caller stops it."""
        return start_redis()

    def logs(self, name: str) -> Path:
        """A new folder."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
