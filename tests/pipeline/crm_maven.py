"""The pipeline of a hardware seller as events, and, counted apart from them, the work it must lead to.

What rules make of a deal is written out here by hand from ``config/rules.toml``; nothing of taskhub is called.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

SOURCE = "crm-maven"
WON, LOST = "Won", "Lost"
BATCH = 500


@dataclass(frozen=True)
class Row:
    """One line of ``sales_pipeline.csv``; dates are ISO dates, empty where the file has none."""

    id: str
    owner: str
    product: str
    account: str
    stage: str
    engaged: str
    closed: str
    value: str

    @property
    def title(self) -> str:
        """What people call the deal."""
        return f"{self.product} ({self.id})"


def read(folder: Path) -> list[Row]:
    """Every line; a missing date of engagement is the first date of the file."""
    with (folder / "sales_pipeline.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    first = min(line["engage_date"] for line in lines if line["engage_date"])
    return [
        Row(
            line["opportunity_id"], line["sales_agent"], line["product"], line["account"], line["deal_stage"],
            line["engage_date"] or first, line["close_date"], line["close_value"],
        )
        for line in lines
    ]  # fmt: skip


def some(rows: Sequence[Row], count: int, seed: int) -> list[Row]:
    """A part of the file, in the order of the file."""
    chosen = set(Random(seed).sample(range(len(rows)), count))
    return [row for number, row in enumerate(rows) if number in chosen]


# ── the feed ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def events(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Native CloudEvents in the order of their time, ties by id."""
    found = [event for row in rows for event in _life(row)]
    return sorted(found, key=lambda event: (event["time"], event["id"]))


def batches(feed: Sequence[dict[str, Any]], size: int = BATCH) -> list[list[dict[str, Any]]]:
    """The feed cut into bodies of at most ``size`` events."""
    return [list(feed[at : at + size]) for at in range(0, len(feed), size)]


def _life(row: Row) -> list[dict[str, Any]]:
    deal: dict[str, Any] = {"id": row.id, "title": row.title, "owner": row.owner, "currency": "USD", "status": "open"}
    if row.account:
        deal["company"] = row.account
    told = [_event(row, "created", row.engaged, deal)]
    if row.stage in (WON, LOST):
        move = row.stage.lower()
        ended = {**deal, "status": move, "amount": int(row.value)}
        told.append(_event(row, move, row.closed, ended, previous={"status": "open"}))
    return told


def _event(row: Row, move: str, on: str, deal: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": f"{row.id}/{move}", "source": SOURCE, "type": f"deal.{move}", "subject": row.id,
        "time": f"{on}T00:00:00Z", "datacontenttype": "application/json", "data": {"deal": deal, **more},
    }  # fmt: skip


# ── what it must lead to ─────────────────────────────────────────────────────────────────────────────────────────────
class Work(NamedTuple):
    """A task as far as the file alone says what it is. ``state``: ready, waiting (for others or a date), cancelled."""

    deal: str
    kind: str
    title: str
    priority: str
    level: int
    state: str
    waits_for: tuple[str, ...] = ()


def work(rows: Iterable[Row]) -> Counter[Work]:
    """Every task the file must lead to, each once."""
    return Counter(task for row in rows for task in _work(row))


def _work(row: Row) -> list[Work]:
    """deal-created; deal-won with its four tasks; deal-lost, which closes what was open and asks again in 30 days."""
    checked = Work(row.id, "data_hygiene", f"Check the data of {row.title}", "normal", 1, "ready")
    if row.stage == WON:
        return [checked, *_order(row)]
    if row.stage == LOST:
        again = _words("Ask", row.account, f"again: {row.title}")
        return [checked._replace(state="cancelled"), Work(row.id, "win_back", again, "low", 1, "waiting")]
    return [checked]


def _order(row: Row) -> list[Work]:
    amount = int(row.value)
    large = 3 if amount >= 50_000 else 1
    contract = 4 if amount >= 250_000 else max(2, large)
    credit = _words("Credit check:", row.account, str(amount), "USD")
    both = ("contract", "credit_check")
    return [
        Work(row.id, "contract", f"Contract for {row.title}", "high", contract, "ready"),
        Work(row.id, "credit_check", credit, "normal", large, "ready"),
        Work(row.id, "billing_setup", f"Billing of {row.title}", "normal", 1, "waiting", both),
        Work(row.id, "onboarding_call", _words("Welcome", row.account), "normal", 1, "waiting", ("contract",)),
    ]


def _words(*parts: str) -> str:
    return " ".join(part for part in parts if part)
