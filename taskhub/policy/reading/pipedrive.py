"""Settings of a Pipedrive connection: words that mean one of our lost reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.policy.reading.nearest import nearest
from taskhub.policy.reading.table import Table

_WORDED = ("deal",)  # leads are lost by a label: lost_labels


def check(entry: Table, settings: Mapping[str, Any]) -> None:
    """Notes what is wrong in ``lost_reasons``."""
    table, reasons = entry.table("settings"), settings.get("lost_reasons", {})
    if table is None:
        return
    if not isinstance(reasons, dict):
        table.problem("lost_reasons", 'lost_reasons must be a table: { deal = { "Too expensive" = "price" } }.')
        return
    for noun, words in reasons.items():
        if noun not in _WORDED or not isinstance(words, dict):
            message = "lost_reasons has a table of their words and ours for deal; of leads lost_labels tells."
            table.problem(("lost_reasons", noun), message, nearest(noun, _WORDED))
            continue
        for theirs, ours in words.items():
            place = table.place("lost_reasons", noun, theirs)
            if isinstance(ours, str):
                table.findings.refer("deal lost reason", ours, place, open_world=True)
            else:
                message = f"{theirs} must be one of our lost reasons, in quotes."
                table.problem(("lost_reasons", noun, theirs), message)
