"""The sales path: versions of records, how they move along their pipeline, and conversions with what they made."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Any

import sqlalchemy as sa
from alembic import op

from taskhub.db.migrations.steps import add_column, create_index
from taskhub.db.types import Instant, Json, Key

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
contract = False

RECORDS = ("lead", "deal", "account", "contact", "activity")
AT_ONCE = 1_000
LONGEST = 800


def upgrade() -> None:
    for name in RECORDS:
        add_column(name, sa.Column("pipeline", Key))
        add_column(name, sa.Column("match_key", Key))
        add_column(name, sa.Column("deleted", sa.Boolean(), nullable=False, server_default=sa.text("false")))
        add_column(name, sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    _stage_changes()
    _conversions()
    # Each ends the transaction: the tables are free again before their rows are looked through.
    create_index("ix_account_match_key", "account", ["match_key"], where="match_key is not null")
    create_index("ix_contact_match_key", "contact", ["match_key"], where="match_key is not null")
    for name in RECORDS:
        _fill_in(name)


def _stage_changes() -> None:
    op.create_table(
        "stage_change", sa.Column("event", Key, nullable=False), sa.Column("noun", Key, nullable=False),
        sa.Column("record", Key, nullable=False), sa.Column("at", Instant, nullable=False),
        sa.Column("type", Key, nullable=False), sa.Column("source", Key, nullable=False),
        sa.Column("by", Key), sa.Column("pipeline", Key),
        sa.Column("stage", Key), sa.Column("status", Key), sa.Column("owner", Key), sa.Column("was", Json),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_stage_change")), if_not_exists=True,
    )  # fmt: skip
    op.create_index("ix_stage_change_record", "stage_change", ["noun", "record", "at"], if_not_exists=True)
    op.create_index("ix_stage_change_at", "stage_change", ["at"], if_not_exists=True)


def _conversions() -> None:
    op.create_table(
        "conversion", sa.Column("id", Key, nullable=False), sa.Column("lead", Key, nullable=False),
        sa.Column("by", Key, nullable=False), sa.Column("at", Instant, nullable=False), sa.Column("account", Key),
        sa.Column("contact", Key), sa.Column("deal", Key), sa.Column("made", Json, nullable=False),
        sa.Column("was", Json, nullable=False), sa.Column("events", Json, nullable=False), sa.Column("follow_up", Key),
        sa.Column("undone_by", Key), sa.Column("undone_at", Instant),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversion")), if_not_exists=True,
    )  # fmt: skip
    live = sa.text("undone_at is null")
    op.create_index("uq_conversion_live", "conversion", ["lead"], unique=True, if_not_exists=True,
                    postgresql_where=live, sqlite_where=live)  # fmt: skip
    op.create_index("ix_conversion_account", "conversion", ["account"], if_not_exists=True)


def _fill_in(name: str) -> None:
    """What is known already gets its new columns, page by page; old code beside us writes records without them.

    On PostgreSQL each page is a transaction: nobody waits longer than that for a record. What is filled in is passed
    over, so that this may be begun again.
    """
    if op.get_context().dialect.name != "postgresql":
        _pages(name)
        return
    with op.get_context().autocommit_block():
        _pages(name)


def _pages(name: str) -> None:
    table = sa.table(
        name, sa.column("id", Key), sa.column("fields", Json), sa.column("match_key", Key),
        sa.column("pipeline", Key), sa.column("deleted", sa.Boolean()),
    )  # fmt: skip
    bare = sa.and_(table.c.match_key.is_(None), table.c.pipeline.is_(None), table.c.deleted.is_(False))
    new: dict[str, Any] = {column: sa.bindparam(f"_{column}") for column in ("match_key", "pipeline", "deleted")}
    one = table.update().where(table.c.id == sa.bindparam("_id"), bare).values(**new)
    conn, last = op.get_bind(), ""
    while True:
        page = sa.select(table.c.id, table.c.fields).where(table.c.id > last).order_by(table.c.id).limit(AT_ONCE)
        rows = list(conn.execute(page))
        if not rows:
            return
        last = rows[-1].id
        found = [columns for row in rows if (columns := _columns(name, row.id, row.fields)) is not None]
        if found:
            conn.execute(one, found)


def _columns(noun: str, id_: str, fields: dict[str, Any]) -> dict[str, Any] | None:
    """None where nothing is to be written."""
    key, line = _key(noun, fields), fields.get("pipeline")
    line = line if line is None or isinstance(line, str) else str(line)
    deleted = fields.get("deleted") is True
    if key is None and line is None and not deleted:
        return None
    return {"_id": id_, "_match_key": key, "_pipeline": line, "_deleted": deleted}


def _key(noun: str, fields: dict[str, Any]) -> str | None:
    """As taskhub.sales.matching makes it today."""
    if noun not in ("account", "contact"):
        return None
    said = {name: value for name, value in fields.items() if isinstance(value, str)}
    if noun == "contact" and _plain(said.get("email", "")):
        return _short(f"e:{_plain(said['email'])}")
    name = _plain(said.get("name", ""))
    if noun == "account":
        name = name or _plain(said.get("company", ""))
        return _short(f"n:{name}") if name else None
    return _short(f"n:{name}|{_plain(said.get('company', ''))}") if name else None


def _short(key: str) -> str:
    raw = key.encode("utf-8", "surrogatepass")
    return key if len(raw) <= LONGEST else f"{key[:2]}#{hashlib.blake2b(raw, digest_size=20).hexdigest()}"


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
