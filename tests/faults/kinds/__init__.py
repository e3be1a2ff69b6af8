"""Every fault there is: one file and one line each."""

from __future__ import annotations

from importlib import import_module

from tests.faults.fault import Fault

NAMES = (
    "nothing",
    "worker_killed",
    "api_killed",
    "failpoints",
    "forked",
    "worker_frozen",
    "deploy",
    "poison",
    "clock_stepped",
    "two_schedulers",
    "redis_emptied",
    "redis_away",
    "redis_hung",
    "redis_full",
    "redis_line",
    "database_line",
    "commit_lost",
    "database_restarted",
    "database_crashed",
    "database_full",
    "pool_used_up",
    "deadlocks",
    "endpoint",
    "sqlite_full",
    "sqlite_killed",
    "sqlite_locked",
    "everything",
)


def all_faults() -> dict[str, Fault]:
    """The faults by name."""
    found = [import_module(f"{__name__}.{name}").FAULT for name in NAMES]
    return {one.name: one for one in found}
