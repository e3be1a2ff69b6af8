"""Records at the edge of what can be kept: very long names, fields named like those of activities."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from taskhub.db.tables_sales import RECORDS
from taskhub.errors import InvalidInput
from taskhub.events.model import RecordRef
from taskhub.sales.matching import LONGEST, key_of
from taskhub.sales.native import Said, event_of
from taskhub.testing.drain import drain
from tests.api.client import code
from tests.api.house import House

LEADS = "/api/v1/leads"


def test_a_very_long_name_is_kept_and_found_again(any_house: House) -> None:
    # Characters that compress badly: an index would take a long row of one letter.
    long = "".join(chr(0x4E00 + (number * number * 7919) % 20_000) for number in range(1_900))
    for number in range(2):
        data = {"account": {"id": f"a{number}", "name": long}}
        sent = {"specversion": "1.0", "id": f"e{number}", "source": "s", "type": "account.updated", "data": data}
        any_house.of("admin").ok("POST", "/api/v1/events", sent)
    drain(any_house.db)
    with any_house.db.read() as tx:
        keys = set(tx.conn.execute(select(RECORDS["account"].c.match_key)).scalars())
    assert keys == {key_of("account", {"name": long})}
    assert len(next(iter(keys))) == 43


def test_keys_differ_where_long_names_do_and_short_ones_stay_readable() -> None:
    assert key_of("account", {"name": "Acme"}) == "n:acme"
    assert key_of("account", {"name": "é" * LONGEST}) != key_of("account", {"name": "é" * LONGEST + "x"})
    assert key_of("account", {"name": "a" * (LONGEST - 2)}) == "n:" + "a" * (LONGEST - 2)
    assert key_of("contact", {"email": "\ud800" * LONGEST}) is not None


@pytest.mark.parametrize("name", ["done", "type", "due_on", "activity"])
def test_a_field_of_activities_is_no_field_of_ones_own(still_house: House, name: str) -> None:
    answer = still_house.of("rob").post(LEADS, {"name": "Ann", "fields": {name: 1}})
    assert code(answer) == (422, "invalid_input")
    assert "place of its own" in answer.json()["detail"]


def test_what_could_not_be_read_again_is_refused() -> None:
    from datetime import UTC, datetime

    said = Said(RecordRef("lead", "1"), None, {"name": "Ann", "done": "yes"})
    with pytest.raises(InvalidInput, match=r"lead\.done"):
        event_of(said, datetime.now(UTC), "e", "rob")
