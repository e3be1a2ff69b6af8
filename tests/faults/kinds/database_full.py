"""PostgreSQL's disk is full: it fails closed, and goes on once there is room. Needs a small disk of its own."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.databases import PostgresDatabases
from tests.faults import day
from tests.faults.fault import Fault
from tests.faults.ground import Ground
from tests.faults.house import House
from tests.faults.result import Result
from tests.servers import start_postgres

SIZE = "400m"
SMALL = {"max_wal_size": "64MB", "min_wal_size": "32MB", "shared_buffers": "16MB"}
FULL_FOR = 4.0
PIECE = b"\0" * (1 << 20)


class _SmallDisk(Ground):
    """The campaign's ground with PostgreSQL on a disk of its own."""

    def __init__(self, ground: Ground, disk: Path) -> None:
        super().__init__(ground.plan, ground.folder, ground._quiet)
        self.disk = disk
        self._files = ground._files
        self.postgres = start_postgres(disk / "postgres", durable=True, tcp=True, settings=SMALL)
        self.databases = PostgresDatabases(self.postgres.url, "full")


def run(ground: Ground, seed: int) -> Result:
    """Not run where mounting is not permitted."""
    with _disk() as disk:
        if isinstance(disk, str):
            return Result(FAULT.name, seed, skipped=disk)
        small = _SmallDisk(ground, disk)
        try:
            under = day.Under(lambda house, chance: blow(house, chance, disk), strikes=2)
            return day.run(FAULT.name, small, seed, under)
        finally:
            small.postgres.stop()


def blow(house: House, _chance: Random, disk: Path) -> None:
    """The disk is filled to the last byte; after a while there is room again. A server that ended starts again."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(PIECE)
    time.sleep(FULL_FOR)
    ballast.unlink()
    house.result.figures["server ended"] = house.result.figures.get("server ended", 0) + (not house.postgres.alive())
    if not house.postgres.alive():
        house.postgres.start()


@contextmanager
def _disk() -> Iterator[Path | str]:
    folder = Path(tempfile.mkdtemp(prefix="taskhub-disk-"))
    order = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "tmpfs", str(folder)]
    mounted = subprocess.run(order, capture_output=True, text=True, check=False)
    if mounted.returncode:
        folder.rmdir()
        yield f"a small disk cannot be mounted here: {mounted.stderr.strip()}"
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
        with contextlib.suppress(OSError):
            folder.rmdir()


FAULT = Fault("database full", "PostgreSQL on a small disk that fills up", run)
