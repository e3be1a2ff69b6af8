"""What must fit together in a connection to HubSpot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.policy.reading.table import Table


def check(entry: Table, settings: Mapping[str, Any]) -> None:
    """Notes a signature nobody could check: it covers the address HubSpot sends to, as HubSpot knows it."""
    address = settings.get("address")
    if not (isinstance(address, str) and address.startswith("https://")):
        entry.problem("settings", 'HubSpot signs the address it sends to: add settings.address = "https://…".')
