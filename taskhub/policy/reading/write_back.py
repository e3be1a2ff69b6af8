"""What a connection says of writing back: which of our tasks the CRM shows, and whether acts are asked for here."""

from __future__ import annotations

from urllib.parse import urlsplit

from taskhub.policy.policies import WriteBack
from taskhub.policy.reading.table import Table, shown
from taskhub.policy.reading.vocabulary import SHOWN_TASKS, WRITTEN_TO


def read(entry: Table, system: str) -> WriteBack:
    """``[connection.write_back]``; nothing is written where it is missing."""
    table = entry.table("write_back")
    if table is None:
        return WriteBack()
    tasks = table.choice("tasks", SHOWN_TASKS, "off")
    acts = table.flag("acts")
    link = _link(table)
    table.done()
    if system and system not in WRITTEN_TO:
        entry.problem("write_back", f"taskhub writes into {', '.join(WRITTEN_TO)}, not into {system}: take it away.")
    return WriteBack(tasks, acts, link)


def _link(table: Table) -> str | None:
    link = table.opt_text("link")
    if link is None:
        return None
    try:
        parts = urlsplit(link)
        plain = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
    except ValueError:
        plain = False
    if not plain:
        table.problem("link", f"link must be an address such as https://taskhub.example.com, not {shown(link)}.")
        return None
    return link.rstrip("/")
