"""Records that were there before the sales path get its columns, also those that no index would take as they are."""

from __future__ import annotations

import json

from alembic import command
from sqlalchemy import select, text

from taskhub.db import engine
from taskhub.db.migrate import _config, check, upgrade
from taskhub.db.tables_sales import RECORDS
from taskhub.sales.matching import key_of

LONG = "".join(chr(0x4E00 + (number * number * 7919) % 20_000) for number in range(1_900))
BEFORE = {
    ("account", "a1"): {"name": "Acme"},
    ("account", "a2"): {"name": LONG},
    ("account", "a3"): {"name": "Gone", "deleted": True},
    ("contact", "c1"): {"name": LONG, "company": LONG, "email": "Ann@Acme.example"},
    ("contact", "c2"): {"name": LONG, "company": "Acme"},
    ("lead", "l1"): {"name": "Ann", "pipeline": "leads"},
    ("deal", "d1"): {"deleted": True, "pipeline": "sales"},
    ("activity", "x1"): {"deleted": True},
}
PUT = (
    "INSERT INTO {noun} (id, fields, versions, first_seen_at, last_changed_at)"
    " VALUES (:id, :fields, '{{}}', '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z')"
)


def test_what_was_known_before_gets_its_columns(empty_database_url: str) -> None:
    owner = engine.writer(empty_database_url, 1)
    with owner.connect() as conn:
        command.upgrade(_config(conn), "0007")
        for (noun, id_), fields in BEFORE.items():
            conn.execute(text(PUT.format(noun=noun)), {"id": id_, "fields": json.dumps(fields)})
        conn.commit()
    owner.dispose()
    upgrade(empty_database_url)
    assert check(empty_database_url) == []
    owner, found = engine.writer(empty_database_url, 1), {}
    with owner.connect() as conn:
        for noun in ("lead", "deal", "account", "contact", "activity"):
            c = RECORDS[noun].c
            rows = conn.execute(select(c.id, c.match_key, c.pipeline, c.deleted))
            found |= {(noun, row.id): (row.match_key, row.pipeline, row.deleted) for row in rows}
    owner.dispose()
    assert found == {
        (noun, id_): (key_of(noun, fields), fields.get("pipeline"), fields.get("deleted", False))
        for (noun, id_), fields in BEFORE.items()
    }


def test_filling_in_goes_from_page_to_page(empty_database_url: str) -> None:
    owner = engine.writer(empty_database_url, 1)
    with owner.connect() as conn:
        command.upgrade(_config(conn), "0007")
        many = [{"id": f"a{number}", "fields": json.dumps({"name": f"Firm {number}"})} for number in range(2_001)]
        conn.execute(text(PUT.format(noun="account")), many)
        conn.commit()
    owner.dispose()
    upgrade(empty_database_url)
    owner = engine.writer(empty_database_url, 1)
    with owner.connect() as conn:
        keys = set(conn.execute(select(RECORDS["account"].c.match_key)).scalars())
    owner.dispose()
    assert keys == {f"n:firm {number}" for number in range(2_001)}
