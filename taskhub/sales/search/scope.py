"""What somebody may find: the rules of who sees what, as far as a list needs them. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """``owners``: whose records; ``queues``: whose open work opens the record it is about (None: no work does).

    ``me``: the caller's key; ``label`` what they are called where they asked for a task. Tasks are found in
    ``task_queues``, where one of ``teams`` was let in, where they are ``mine``, or were ``asked`` for.
    """

    all_records: bool = False
    owners: tuple[str, ...] = ()
    queues: tuple[str, ...] | None = None
    all_tasks: bool = False
    task_queues: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    me: str | None = None
    label: str | None = None
    mine: bool = False
    asked: bool = False


EVERYTHING = Scope(all_records=True, all_tasks=True)
