"""What must fit together in a connection to HubSpot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.policy.reading.nearest import nearest
from taskhub.policy.reading.table import Table, shown
from taskhub.policy.reading.vocabulary import STATUSES


def check(entry: Table, settings: Mapping[str, Any]) -> None:
    """Notes a signature nobody could check (it covers the address HubSpot sends to), and ends that mean nothing."""
    address = settings.get("address")
    if not (isinstance(address, str) and address.startswith("https://")):
        entry.problem("settings", 'HubSpot signs the address it sends to: add settings.address = "https://…".')
    table = entry.table("settings")
    if table is not None and "statuses" in settings:
        _statuses(table, settings["statuses"])


def _statuses(table: Table, statuses: Any) -> None:
    if not isinstance(statuses, dict):
        table.problem("statuses", 'statuses must be a table: { deal = { 998 = "lost" } }.')
        return
    for noun, ends in statuses.items():
        if noun not in STATUSES:
            hint = nearest(noun, STATUSES)
            message = f"statuses has a table for each of {', '.join(STATUSES)}, not for {noun}."
            table.problem(("statuses", noun), message, hint)
        elif isinstance(ends, dict):
            _ends(table, noun, ends)
        else:
            table.problem(("statuses", noun), f"statuses.{noun} must be a table of their stages and our words.")


def _ends(table: Table, noun: str, ends: Mapping[str, Any]) -> None:
    for stage, ours in ends.items():
        if ours not in STATUSES[noun]:
            hint = nearest(ours, STATUSES[noun]) if isinstance(ours, str) else None
            message = f"{stage} must be one of {', '.join(STATUSES[noun])}, not {shown(ours)}."
            table.problem(("statuses", noun, stage), message, hint)
