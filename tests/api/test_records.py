"""Sales records through the API: who sees whose."""

from typing import Any

import pytest

from taskhub.events import service as events
from taskhub.sales import service as sales
from tests.api.client import code
from tests.api.house import House


def tell(house: House, noun: str, id_: str, **fields: Any) -> None:
    sent = {"specversion": "1.0", "id": f"{noun}-{id_}", "source": "s", "type": f"{noun}.updated",
            "data": {noun: {"id": id_, **fields}}}  # fmt: skip
    (one,) = house.of("integration").ok("POST", "/api/v1/events", sent)["events"]
    with house.db.begin() as tx:
        event = events.load(tx, one["event_id"]).event
        assert event is not None
        sales.apply(tx, event)


def ids(house: House, persona: str, query: str = "leads") -> list[str]:
    return [one["id"] for one in house.of(persona).ok("GET", f"/api/v1/{query}")["items"]]


def test_a_rep_sees_their_own_and_their_teams(any_house: House) -> None:
    for id_, owner in (("L1", "rob"), ("L2", "ria"), ("L3", "zoe"), ("L4", None)):
        tell(any_house, "lead", id_, owner=owner, stage="new", name=f"Lead {id_}")
    assert sorted(ids(any_house, "rob")) == ["L1", "L2"]
    assert ids(any_house, "rob", "leads?owner=rob") == ["L1"]
    assert ids(any_house, "rob", "leads?owner=zoe") == []
    assert ids(any_house, "zoe") == ["L3"]
    assert sorted(ids(any_house, "admin", "leads?stage=new")) == ["L1", "L2", "L3", "L4"]
    assert any_house.of("rob").ok("GET", "/api/v1/leads/L2")["name"] == "Lead L2"
    assert code(any_house.of("rob").get("/api/v1/leads/L4")) == (404, "not_found")
    assert code(any_house.of("rob").get("/api/v1/leads/L9")) == (404, "not_found")


def test_whoever_has_the_task_sees_what_it_is_about(any_house: House) -> None:
    tell(any_house, "deal", "D1", owner="rob", name="ACME")
    assert code(any_house.of("zoe").get("/api/v1/deals/D1")) == (404, "not_found")
    any_house.task(deal="D1")
    assert any_house.of("zoe").ok("GET", "/api/v1/deals/D1")["name"] == "ACME"
    assert code(any_house.of("yan").get("/api/v1/deals/D1")) == (404, "not_found")


def test_records_page_by_their_newest_change(any_house: House) -> None:
    for number in range(5):
        tell(any_house, "account", f"A{number}", owner="rob")
    first = any_house.of("rob").ok("GET", "/api/v1/accounts?limit=2")
    rest = any_house.of("rob").ok("GET", f"/api/v1/accounts?limit=9&cursor={first['next_cursor']}")
    assert sorted(one["id"] for one in first["items"] + rest["items"]) == ["A0", "A1", "A2", "A3", "A4"]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "said"), [("leads?status=opne", "did you mean open?"), ("leads?status=won", "open, lost, converted")]
)
@pytest.mark.parametrize("who", ["admin", "zoe"])
def test_a_status_that_there_is_not_is_no_empty_list(still_house: House, who: str, query: str, said: str) -> None:
    answer = still_house.of(who).get(f"/api/v1/{query}")
    assert code(answer) == (422, "unknown_status")
    assert said in answer.json()["detail"]


@pytest.mark.parametrize("query", ["deals?stage=ofer", "leads?pipeline=sales", "tasks?queue=dsk", "tasks?kind=bogus"])
def test_other_names_come_and_go_with_files_and_records(still_house: House, query: str) -> None:
    """What a CRM's records or old tasks say is in no file: what is asked of them must not become wrong one day."""
    assert still_house.of("admin").ok("GET", f"/api/v1/{query}")["items"] == []
