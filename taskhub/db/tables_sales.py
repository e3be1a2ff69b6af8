"""Tables of sales: the projection of events onto records, one version per field; moves along the path; conversions."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, Table, text

from taskhub.db.columns import keys, may, must, table, where
from taskhub.db.types import Instant, Json, Key

_MATCHED = where("match_key is not null")


def _record(name: str, *more: Index) -> Table:
    return table(
        name,
        Column("id", Key, primary_key=True),
        *may(Key, "connection", "status", "stage", "owner"),  # connection: the CRM it belongs to, empty for our own
        *must(Json, "fields", "versions"),
        *must(Instant, "first_seen_at", "last_changed_at"),
        *may(Key, "pipeline", "match_key"),  # by what a conversion finds it again: a normalised name or address
        Column("deleted", Boolean, nullable=False, server_default=text("false")),
        Column("version", Integer, nullable=False, server_default="1"),  # rises with acts of people only
        Index(f"ix_{name}_owner", "owner"),
        *more,
    )


lead, deal, activity = map(_record, ("lead", "deal", "activity"))
account = _record("account", Index("ix_account_match_key", "match_key", **_MATCHED))
contact = _record("contact", Index("ix_contact_match_key", "match_key", **_MATCHED))
RECORDS = {t.name: t for t in (lead, deal, account, contact, activity)}

stage_change = table(  # what one event says of the way of a lead or deal: what is empty has not moved
    "stage_change", *keys("event"), *must(Key, "noun", "record"), *must(Instant, "at"), *must(Key, "type", "source"),
    *may(Key, "by", "pipeline", "stage", "status", "owner"), *may(Json, "was"),
    Index("ix_stage_change_record", "noun", "record", "at"), Index("ix_stage_change_at", "at"),
)  # fmt: skip
conversion = table(  # made: nouns it made; was: what stood before in what it wrote over; id is that of the act
    "conversion", *keys("id"), *must(Key, "lead", "by"), *must(Instant, "at"), *may(Key, "account", "contact", "deal"),
    *must(Json, "made", "was", "events"), *may(Key, "follow_up", "undone_by"), *may(Instant, "undone_at"),
    Index("uq_conversion_live", "lead", unique=True, **where("undone_at is null")),
    Index("ix_conversion_account", "account"),
)  # fmt: skip
