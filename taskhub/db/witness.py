"""What is told of a transaction once it is committed: a line of the log with every id, and counts for the metrics.

A line says where the work came from (``request``, or ``row`` of the ledger), what it did (``did``, and the ids by noun)
and what follows from it (``sent``: topic and key), so one event can be followed from line to line.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from taskhub.db.tx import Tx
from taskhub.logs import about
from taskhub.tally import Tally

SHOWN = 25  # ids of a noun in a line, so that it stays below what a pipe takes at once; more go on in further lines
DUES = "dues"  # the due time of each row that ran as one; a line shows ``due``, the earliest

log = logging.getLogger("taskhub.act")


def committed(tx: Tx, took: float, tally: Tally) -> None:
    """Called after each commit of a transaction that may have written; ``took`` seconds from its beginning.

    Never raises: what is committed has happened, whatever can be said of it.
    """
    try:
        _count(tx, took, tally)
        if tx.changed or tx.sent or tx.notes:
            _tell(tx, took, logging.INFO)
        elif "handler" in tx.about:
            _tell(tx, took, logging.DEBUG)
    except Exception:
        log.exception("act %s is committed, but could not be told of", tx.act_id)


def _count(tx: Tx, took: float, tally: Tally) -> None:
    for noun, _id, act in tx.changed:
        tally.count(("taskhub_changes_total", noun, act))
    for place, by in tx.counts.items():
        tally.count(place, by)
    handler = tx.about.get("handler")
    if handler is None:
        return
    tally.observe(("taskhub_message_seconds", handler, tx.about["step"]), took)
    if tx.about["step"] != "finish":
        for due in tx.about.get(DUES) or (tx.about["due"],):
            late = (tx.now - due).total_seconds()
            tally.observe(("taskhub_message_lag_seconds", handler), max(0.0, late))


def _tell(tx: Tx, took: float, level: int) -> None:
    if not log.isEnabledFor(level):
        return
    name = tx.about.get("handler") or tx.act_kind or tx.by.label
    where = {name: value for name, value in tx.about.items() if name != DUES}
    told = {**where, "act": tx.act_id, "api_key": tx.by.key, "ms": round(took * 1000, 1)}
    for part in _parts(_ids(tx)):
        log.log(level, "%s", name, extra=about(**told, **{noun: ids for noun, ids in part.items() if noun not in told}))


def _ids(tx: Tx) -> dict[str, list[str]]:
    found: dict[str, dict[str, None]] = {noun: dict.fromkeys(ids) for noun, ids in tx.notes.items()}
    for noun, id_, act in tx.changed:
        found.setdefault(noun, {})[id_] = None
        found.setdefault("did", {})[f"{noun}.{act}"] = None
    if tx.sent:
        found["sent"] = dict.fromkeys(f"{topic}:{key}" for topic, key in tx.sent)
    return {name: list(ids) for name, ids in found.items()}


def _parts(ids: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
    longest = max(map(len, ids.values()), default=0)
    for at in range(0, max(longest, 1), SHOWN):
        yield {name: some for name, all_ in ids.items() if (some := all_[at : at + SHOWN])}
