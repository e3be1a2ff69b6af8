"""Sales records through the API: who sees whose."""

from dataclasses import replace
from typing import Any

import pytest

from taskhub.events import service as events
from taskhub.sales import service as sales
from tests.api.client import code
from tests.api.house import House, paths, policies


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
    ("query", "expected", "said"),
    [
        ("leads?status=opne", "unknown_status", "did you mean open?"),
        ("leads?status=won", "unknown_status", "open, lost, converted"),
        ("deals?stage=ofer", "unknown_stage", "did you mean offer?"),
        ("leads?pipeline=sales", "unknown_pipeline", "leads"),
        ("tasks?queue=dsk", "unknown_queue", "did you mean desk?"),
        ("tasks?kind=bogus", "unknown_kind", "billing"),
    ],
)
@pytest.mark.parametrize("who", ["admin", "zoe"])
def test_a_list_of_what_there_is_not_says_so(
    still_house: House, who: str, query: str, expected: str, said: str
) -> None:  # fmt: skip
    answer = still_house.of(who).get(f"/api/v1/{query}")
    assert code(answer) == (422, expected)
    assert said in answer.json()["detail"]


def test_what_only_old_records_say_is_still_asked_for(house: House) -> None:
    made = house.of("rob").ok("POST", "/api/v1/leads", {"name": "Ann"})
    house.task("billing")
    lines = {line.key: replace(line, stages=line.stages[1:]) for line in paths()}
    left = {key: kind for key, kind in policies().kinds.items() if key != "billing"}
    house.follow(replace(policies(), hash="less", pipelines=lines, kinds=left, rules=()))
    assert [one["id"] for one in house.of("rob").ok("GET", "/api/v1/leads?stage=new")["items"]] == [made["id"]]
    assert house.of("ria").ok("GET", "/api/v1/leads?stage=new&status=lost")["items"] == []
    assert house.of("zoe").ok("GET", "/api/v1/tasks?kind=billing")["items"] == []
