"""How queues are served, over HTTP: the shapes of answers, the words of refusals, who may, once and only once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhub.testing.drain import drain
from tests.api.client import Client, code
from tests.api.house import House

NOW = "2199-01-01T00:00:00Z"
Q = "/api/v1/queues/desk"
SHARED = {"model": "rotating", "params": {"teams": ["specialists"]}}


def later(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def undone(client: Client, act: str) -> Any:
    return client.ok("POST", f"/api/v1/acts/{act}/undo")


def test_a_switch_is_planned_shown_cancelled_and_made(any_house: House) -> None:
    lea = any_house.of("lea")
    made = lea.ok("PUT", f"{Q}/staffing", {**SHARED, "effective_at": later(5)})
    assert (made["switch"]["model"], made["switch"]["by"], made["returned"]) == ("rotating", "agent:lea", [])
    seen = lea.ok("GET", Q)
    assert (seen["model"], seen["staffing"]["source"]) == ("dedicated", "file")
    assert [one["id"] for one in seen["planned"]] == [made["switch"]["id"]]
    lea.ok("DELETE", f"{Q}/staffing/{made['switch']['id']}")
    assert lea.ok("GET", f"{Q}/staffing")["planned"] == []
    now = lea.ok("PUT", f"{Q}/staffing", SHARED)
    said = lea.ok("GET", f"{Q}/staffing")
    assert (said["holds"]["id"], said["now"]["model"], said["file"]["model"]) == (
        now["switch"]["id"], "rotating", "dedicated",
    )  # fmt: skip
    line = next(one for one in lea.ok("GET", "/api/v1/queues")["items"] if one["key"] == "desk")
    assert (line["staffing"]["source"], line["staffing"]["switch"], line["model"]) == (
        "switch", now["switch"]["id"], "rotating",
    )  # fmt: skip
    lea.ok("PUT", f"{Q}/staffing", {"model": None})
    said = lea.ok("GET", f"{Q}/staffing")
    assert (said["now"], said["holds"]["model"]) == (said["file"], None)
    assert [one["id"] for one in said["past"]] == [now["switch"]["id"]]


def test_a_planned_switch_is_undone_by_its_act(house: House) -> None:
    lea = house.of("lea")
    made = lea.ok("PUT", f"{Q}/staffing", {**SHARED, "effective_at": "next_shift"})
    assert made["switch"]["effective_at"] > datetime.now(UTC).isoformat()[:19]
    undone(lea, made["act"])
    assert lea.ok("GET", f"{Q}/staffing")["planned"] == []


def test_the_preview_shows_pools_tasks_and_what_would_have_been_decided(house: House) -> None:
    lea = house.of("lea")
    house.task("contract")
    house.taken("zoe")
    said = lea.ok("POST", f"{Q}/staffing/preview", {**SHARED, "since": "1d"})
    assert said["before"]["pool"] == ["abe", "lea", "zoe"]
    assert said["after"]["model"] == "rotating"
    assert (said["gains"], said["tasks"]["stays"]["count"]) == ([], 1)
    assert said["decided"]["decisions"] == 1
    empty = lea.ok("POST", f"{Q}/staffing/preview", SHARED)
    assert empty["decided"] is None


@pytest.mark.parametrize(
    ("body", "problem", "word"),
    [
        ({"model": "rotatng"}, (422, "staffing_invalid"), "'rotating'"),
        ({"model": "rotating", "params": {"teams": ["counter"]}}, (422, "staffing_invalid"), "params.teams"),
        ({**SHARED, "strategy": "round_robbin"}, (422, "staffing_invalid"), "round_robin"),
        ({**SHARED, "effective_at": "2020-01-01T00:00:00Z"}, (422, "effective_at_in_past"), "past"),
        ({**SHARED, "effective_at": "tomorrow"}, (422, "invalid_input"), "next_shift"),
        ({**SHARED, "effective_at": NOW}, (422, "too_far_ahead"), "year"),
        ({"model": None, "strategy": "round_robin"}, (422, "model_missing"), "null"),
        ({"params": {}}, (422, "invalid_input"), "model"),
        ({**SHARED, "strategy_params": {"a": 1}}, (422, "strategy_missing"), "strategy"),
        ({**SHARED, "modl": 1}, (422, "invalid_input"), "modl"),
    ],
)
def test_a_bad_switch_is_told_what_is_wrong(
    still_house: House, body: dict[str, Any], problem: tuple[int, str], word: str
) -> None:
    for call in ("PUT", "POST"):
        path = f"{Q}/staffing" if call == "PUT" else f"{Q}/staffing/preview"
        answer = still_house.of("lea").request(call, path, json=body)
        assert code(answer) == problem
        assert word in answer.json()["detail"]


def test_a_queue_that_is_not_there_is_404_with_a_hint_for_those_who_see_all(still_house: House) -> None:
    answer = still_house.of("admin").request("PUT", "/api/v1/queues/dsk/staffing", json=SHARED)
    assert code(answer) == (404, "not_found")
    assert "'desk'" in answer.json()["detail"]


def test_a_loan_is_previewed_made_listed_ended_and_undone(any_house: House) -> None:
    lea = any_house.of("lea")
    body = {"queue": "front", "until": later(3)}
    said = lea.ok("POST", "/api/v1/agents/zoe/lend/preview", body)
    assert (said["kinds"], said["warnings"]) == (["billing"], [])
    made = lea.ok("POST", "/api/v1/agents/zoe/lend", body)
    assert [one["id"] for one in lea.ok("GET", "/api/v1/agents/zoe/lend")["items"]] == [made["id"]]
    assert any_house.of("admin").ok("GET", "/api/v1/queues/front")["loans"][0]["agent"] == "zoe"
    assert code(lea.post("/api/v1/agents/zoe/lend", body)) == (409, "already_lent")
    lea.ok("DELETE", f"/api/v1/agents/zoe/lend/{made['id']}")
    assert lea.ok("GET", "/api/v1/agents/zoe/lend")["items"] == []
    again = lea.ok("POST", "/api/v1/agents/zoe/lend", {**body, "from": later(1)})
    undone(lea, again["act"])
    assert lea.ok("GET", "/api/v1/agents/zoe/lend")["items"] == []


def test_a_loan_warns_in_the_readers_language(house: House) -> None:
    house.of("admin").ok("PATCH", "/api/v1/agents/zoe", {"skills": {"contract": 3}})
    body = {"queue": "front", "until": later(3)}
    for language, word in (("en", "has no skill"), ("fr", "n'a pas la compétence")):
        said = house.of("lea").ok("POST", f"/api/v1/agents/zoe/lend/preview?language={language}", body)
        assert [one["code"] for one in said["warnings"]] == ["skill_missing"]
        assert word in said["warnings"][0]["message"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"queue": "frnt", "until": "+3"}, (422, "unknown_queue")),
        ({"queue": "front", "until": "-3"}, (422, "ends_before_begin")),
        ({"queue": "front", "from": "-1", "until": "+3"}, (422, "from_in_past")),
        ({"queue": "front", "from": "+4", "until": "+3"}, (422, "ends_before_begin")),
        ({"queue": "front", "until": NOW}, (422, "too_far_ahead")),
        ({"queue": "front"}, (422, "invalid_input")),
        ({"queue": "front", "until": "soon"}, (422, "invalid_input")),
    ],
)
def test_a_bad_loan_is_told_what_is_wrong(still_house: House, body: dict[str, str], problem: tuple[int, str]) -> None:
    sent = {name: later(float(v)) if v[0] in "+-" else v for name, v in body.items()}
    for path in ("/api/v1/agents/zoe/lend", "/api/v1/agents/zoe/lend/preview"):
        assert code(still_house.of("lea").post(path, sent)) == problem


def test_a_period_is_previewed_made_listed_and_ended(any_house: House) -> None:
    lea = any_house.of("lea")
    body = {"until": later(48), "ahead_by": "8h"}
    assert lea.ok("POST", f"{Q}/periods/preview", body)["overtaken"] == []
    id_ = any_house.task("contract")
    before = lea.ok("GET", Q)["next_start_by"]
    made = lea.ok("POST", f"{Q}/periods", body)
    assert (made["ahead_s"], made["ahead_by"]) == (28800, "8h")
    drain(any_house.db)
    assert lea.ok("GET", Q)["next_start_by"] < before
    assert any_house.of("admin").ok("GET", f"/api/v1/tasks/{id_}/history")["items"][-1]["act"] == "reorder"
    assert code(lea.post(f"{Q}/periods", body)) == (409, "period_overlaps")
    lea.ok("DELETE", f"{Q}/periods/{made['id']}")
    drain(any_house.db)
    assert (lea.ok("GET", Q)["next_start_by"], lea.ok("GET", f"{Q}/periods")["items"]) == (before, [])


@pytest.mark.parametrize(
    ("ahead", "problem"),
    [
        ("0h", "ahead_out_of_range"), ("721h", "ahead_out_of_range"), ("-1h", "invalid_input"),
        ("a while", "invalid_input"), (8, "invalid_input"), (None, "invalid_input"),
    ],
)  # fmt: skip
def test_a_bad_period_is_told_what_is_wrong(still_house: House, ahead: Any, problem: str) -> None:
    body = {"until": later(4), "ahead_by": ahead}
    for path in (f"{Q}/periods", f"{Q}/periods/preview"):
        assert code(still_house.of("lea").post(path, body)) == (422, problem)


def test_closing_tells_what_still_feeds_the_queue_and_making_by_hand_is_refused(house: House) -> None:
    lea, zoe = house.of("lea"), house.of("zoe")
    closed = lea.ok("POST", f"{Q}/close?language=fr", {"reason": "merged into front"})
    assert (closed["state"]["closed"], closed["state"]["reason"]) == (True, "merged into front")
    assert closed["warnings"][0]["code"] == "fed_by"
    assert "won" in closed["warnings"][0]["message"]
    assert code(zoe.post("/api/v1/tasks", {"kind": "contract", "title": "x"})) == (409, "queue_closed")
    assert code(lea.post(f"{Q}/close", {"reason": "again"})) == (409, "nothing_to_change")
    assert code(lea.post(f"{Q}/close", {"reason": " "})) == (422, "invalid_input")
    won = {"specversion": "1.0", "id": "w", "source": "crm", "type": "deal.won", "subject": "D"}
    house.of("integration").ok("POST", "/api/v1/events", {**won, "data": {"deal": {"id": "D", "name": "x"}}})
    drain(house.db)
    seen = lea.ok("GET", Q)
    assert (seen["closed"], seen["counts"]["queued"], seen["arrived_since_closed"]) == (True, 1, 1)
    undone(lea, closed["act"])
    zoe.ok("POST", "/api/v1/tasks", {"kind": "contract", "title": "x"})


def test_a_paused_queue_says_so_and_gives_nothing(any_house: House) -> None:
    lea = any_house.of("lea")
    id_ = any_house.task("contract")
    lea.ok("POST", f"{Q}/pause", {"reason": "stock-taking"})
    assert any_house.of("zoe").ok("POST", "/api/v1/tasks/claim")["task"] is None
    drain(any_house.db)
    assert lea.ok("GET", f"/api/v1/tasks/{id_}")["waiting_reasons"] == ["queue_paused"]
    lea.ok("POST", f"{Q}/resume")
    assert any_house.of("zoe").ok("POST", "/api/v1/tasks/claim")["task"]["id"] == id_


def test_work_moves_to_another_kind_and_back(any_house: House) -> None:
    lea = any_house.of("lea")
    id_ = any_house.task("contract")
    assert lea.ok("POST", f"{Q}/move/preview", {"kind": "contract", "to": "billing"})["moved"]["ids"] == [id_]
    done = lea.ok("POST", f"{Q}/move", {"kind": "contract", "to": "billing", "reason": "closing"})
    assert (done["queue"], done["moved"], done["left"]) == ("front", {"count": 1, "ids": [id_]}, 0)
    assert any_house.of("admin").ok("GET", f"/api/v1/tasks/{id_}")["queue"] == "front"
    undone(lea, done["act"])
    assert any_house.of("admin").ok("GET", f"/api/v1/tasks/{id_}")["queue"] == "desk"
    bad = lea.post(f"{Q}/move", {"kind": "contrct", "to": "billing", "reason": "x"})
    assert code(bad) == (422, "unknown_kind")
    assert "'contract'" in bad.json()["detail"]


def test_the_bound_grows_with_what_waits_and_shrinks_with_hands(house: House) -> None:
    lea = house.of("lea")
    for name, status in (("zoe", "available"), ("abe", "busy"), ("lea", "offline")):
        house.of("admin").ok("PUT", f"/api/v1/agents/{name}/presence", {"status": status})
    for _ in range(4):
        house.task("contract")
    seen = lea.ok("GET", Q)
    normal, urgent = seen["bound"]["normal"], seen["bound"]["urgent"]
    assert (normal["ahead"], normal["minutes_ahead"], seen["people_on_shift"]) == (4, 60, 2)
    assert normal["wait_s"] == 60 * 60 / 2
    assert normal["max_wait_s"] == 16 * 3600
    assert urgent["ahead"] == 0
    for name in ("zoe", "abe"):
        house.of("admin").ok("PUT", f"/api/v1/agents/{name}/presence", {"status": "away"})
    assert lea.ok("GET", Q)["bound"]["normal"]["wait_s"] is None


def test_sent_twice_under_one_key_it_happens_once(any_house: House) -> None:
    lea = any_house.of("lea")
    body = {"queue": "front", "until": later(3)}
    once = {"headers": {"idempotency-key": "k1"}}
    first = lea.ok("POST", "/api/v1/agents/zoe/lend", body, **once)
    assert lea.ok("POST", "/api/v1/agents/zoe/lend", body, **once) == first
    assert len(lea.ok("GET", "/api/v1/agents/zoe/lend")["items"]) == 1
    period = {"until": later(3), "ahead_by": "1h"}
    made = [lea.ok("POST", f"{Q}/periods", period, headers={"idempotency-key": "k2"}) for _ in range(2)]
    assert made[0] == made[1]
