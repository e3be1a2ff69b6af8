"""Filters of lists name what there is, or what old records still say: nothing found for a slip would be believed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from taskhub.api import queries
from taskhub.db.tx import Tx
from taskhub.sales import path
from taskhub.sales.model import OPEN


def check_records(tx: Tx, noun: str, asked: Mapping[str, Any]) -> None:
    """Raises InvalidInput for a status, pipeline or stage that is in no file and on no lead or deal.

    Asked where nothing was found: whoever finds something has named something.
    """
    if noun not in path.ENDS:
        return
    lines = [line for line in tx.policies.pipelines.values() if line.noun == noun]
    known: dict[str, Collection[str]] = {
        "status": (OPEN, *path.ENDS[noun]),
        "pipeline": [line.key for line in lines],
        "stage": list(dict.fromkeys(stage.key for line in lines for stage in line.stages)),
    }
    for name, names in known.items():
        value = asked.get(name)
        if value is not None and value not in names and not queries.on_a_record(tx, noun, name, value):
            raise path.unknown(name, value, names, f"unknown_{name}")


def check_tasks(tx: Tx, asked: Mapping[str, Any]) -> None:
    """The same for a queue or kind that is in no file and on no task."""
    known: dict[str, Collection[str]] = {"queue": sorted(tx.policies.queues), "kind": sorted(tx.policies.kinds)}
    for name, names in known.items():
        value = asked.get(name)
        if value is not None and value not in names and not queries.on_a_task(tx, name, value):
            raise path.unknown(name, value, names, f"unknown_{name}")
