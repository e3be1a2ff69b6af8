"""Tables of sales: the projection of events onto records, one version per field."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table

from taskhub.db.columns import may, must, table
from taskhub.db.types import Instant, Json, Key


def _record(name: str) -> Table:
    return table(
        name,
        Column("id", Key, primary_key=True),
        *may(Key, "connection", "status", "stage", "owner"),
        *must(Json, "fields", "versions"),
        *must(Instant, "first_seen_at", "last_changed_at"),
        Index(f"ix_{name}_owner", "owner"),
    )


lead, deal, account, contact, activity = map(_record, ("lead", "deal", "account", "contact", "activity"))
RECORDS = {t.name: t for t in (lead, deal, account, contact, activity)}
