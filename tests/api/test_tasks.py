"""One task's way through the API, on both databases."""

from datetime import datetime

import pytest

from taskhub.testing.drain import drain
from tests.api.client import code
from tests.api.house import House

TASK = {
    "id", "kind", "title", "queue", "state", "paused", "blocked_by", "priority", "agent", "lead", "deal", "event",
    "created_at", "ready_at", "due_at", "sla", "lease", "checklist", "data", "version",
}  # fmt: skip


def test_claim_pause_resume_complete(any_house: House) -> None:
    made = any_house.task(priority="high", lead="L1", data={"country": "FR"})
    zoe = any_house.of("zoe")
    given = zoe.ok("POST", "/api/v1/tasks/claim", {"queues": ["desk"]})
    task, token = given["task"], given["lease"]["token"]
    assert task.keys() >= TASK
    assert (task["id"], task["state"], task["agent"], task["priority"]) == (made, "in_progress", "zoe", "high")
    assert task["sla"].keys() == {"state", "due_at", "warn_at", "remaining_s"}
    assert 0 < task["sla"]["remaining_s"] <= 4 * 3600
    assert datetime.fromisoformat(task["lease"]["expires_at"]) == datetime.fromisoformat(given["lease"]["expires_at"])
    assert task["created_at"].endswith("Z")

    call = f"/api/v1/tasks/{made}"
    paused = zoe.ok("POST", f"{call}/pause", {"reason": "waiting_customer", "lease_token": token})["task"]
    assert paused["paused"]["reason"] == "waiting_customer"
    assert paused["paused"]["by"] == "agent:zoe"
    assert paused["lease"] is None
    again = zoe.ok("POST", f"{call}/resume")
    assert again["lease"]["token"] > token
    late = zoe.post(f"{call}/complete", {"lease_token": token, "outcome": "signed"})
    assert code(late) == (409, "lease_lost")
    assert late.json()["holder"] == "zoe"
    done = zoe.ok("POST", f"{call}/complete", {"lease_token": again["lease"]["token"], "outcome": "signed"})["task"]
    assert (done["state"], done["completed_by"]) == ("completed", "zoe")
    assert code(zoe.post(f"{call}/complete", {"lease_token": 1}))[0] == 409
    steps = [step["act"] for step in zoe.ok("GET", f"{call}/history")["items"]]
    assert steps == ["create", "claim", "pause", "resume", "complete"]


def test_nothing_to_claim_says_why(any_house: House) -> None:
    zoe = any_house.of("zoe")
    nothing = {"task": None, "reason": "nothing_eligible", "detail": {"waiting": 0, "reasons": []}}
    assert zoe.ok("POST", "/api/v1/tasks/claim") == nothing
    zoe.put("/api/v1/agents/zoe/presence", {"status": "busy"})
    assert zoe.ok("POST", "/api/v1/tasks/claim")["reason"] == "not_available"
    zoe.put("/api/v1/agents/zoe/presence", {"status": "available"})
    any_house.of("lea").patch("/api/v1/agents/zoe", {"capacity": 1})
    any_house.task()
    any_house.taken("zoe")
    any_house.task()
    assert zoe.ok("POST", "/api/v1/tasks/claim")["reason"] == "at_capacity"


def test_an_offline_person_who_claims_is_available_again(house: House) -> None:
    zoe = house.of("zoe")
    zoe.put("/api/v1/agents/zoe/presence", {"status": "offline"})
    house.task()
    house.taken("zoe")
    assert zoe.ok("GET", "/api/v1/agents/zoe")["presence"] == "available"


def test_an_event_becomes_a_task_with_a_decision(any_house: House) -> None:
    sent = {"specversion": "1.0", "id": "7", "source": "crm", "type": "deal.won", "subject": "D1",
            "time": "2026-03-02T09:00:00Z", "data": {"deal": {"id": "D1", "name": "ACME"}}}  # fmt: skip
    (receipt,) = any_house.of("integration").ok("POST", "/api/v1/events", sent)["events"]
    assert (receipt["source"], receipt["id"], receipt["status"]) == ("crm", "7", "accepted")
    drain(any_house.db)
    event = any_house.of("admin").ok("GET", f"/api/v1/events/{receipt['event_id']}")
    assert event["state"] == "applied"
    (made,) = event["tasks"]
    assert any_house.of("zoe").ok("GET", f"/api/v1/tasks/{made}")["title"] == "Contract for ACME"
    any_house.taken("zoe")
    decision = any_house.of("lea").ok("GET", f"/api/v1/tasks/{made}/decision")
    assert decision.keys() >= {"outcome", "agent", "reason", "strategy", "strategy_version", "model", "candidates",
                               "decided_at"}  # fmt: skip
    assert (decision["outcome"], decision["agent"]) == ("assigned", "zoe")
    assert any_house.of("zoe").ok("GET", "/api/v1/deals/D1")["name"] == "ACME"


def test_a_list_pages_by_cursor_without_gaps_or_doubles(any_house: House) -> None:
    made = {any_house.task() for _ in range(7)}
    seen: list[str] = []
    cursor = None
    while True:
        query = "/api/v1/tasks?limit=3&state=queued&queue=desk" + (f"&cursor={cursor}" if cursor else "")
        page = any_house.of("zoe").ok("GET", query)
        seen += [task["id"] for task in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == 7
    assert set(seen) == made


def test_lists_show_what_the_caller_may_see(house: House) -> None:
    house.task("contract")
    house.task("billing")
    house.task("customs")
    asked = house.of("rob").ok("POST", "/api/v1/tasks", {"kind": "customs", "title": "For my customer"})["task"]["id"]

    def kinds(persona: str, query: str = "") -> list[str]:
        return sorted(task["kind"] for task in house.of(persona).ok("GET", f"/api/v1/tasks{query}")["items"])

    assert kinds("zoe") == ["contract"]
    assert kinds("yan") == ["billing"]
    assert kinds("lea") == ["contract"]
    assert kinds("dora") == ["billing", "contract"]
    assert kinds("admin") == kinds("auditor") == kinds("integration") == ["billing", "contract", "customs", "customs"]
    assert kinds("zoe", "?queue=front") == []
    assert [task["id"] for task in house.of("rob").ok("GET", "/api/v1/tasks")["items"]] == [asked]
    assert kinds("ria") == []
    assert code(house.of("ria").get(f"/api/v1/tasks/{asked}")) == (404, "not_found")


def test_patch_needs_the_version_that_was_read(any_house: House) -> None:
    made = any_house.task()
    lea = any_house.of("lea")
    version = lea.ok("GET", f"/api/v1/tasks/{made}")["version"]
    body = {"version": version, "priority": "urgent", "note": "call first", "data": {"a": 1}}
    changed = lea.ok("PATCH", f"/api/v1/tasks/{made}", body)["task"]
    assert (changed["priority"], changed["note"], changed["data"]) == ("urgent", "call first", {"a": 1})
    assert code(lea.patch(f"/api/v1/tasks/{made}", {"version": version, "note": "x"})) == (409, "version_clash")
    assert code(lea.patch(f"/api/v1/tasks/{made}", {"note": "x"})) == (422, "invalid_input")


def test_a_manager_moves_work_and_takes_it_back(any_house: House) -> None:
    made = any_house.task()
    lea, zoe = any_house.of("lea"), any_house.of("zoe")
    assert lea.ok("POST", f"/api/v1/tasks/{made}/assign", {"agent": "zoe"})["task"]["agent"] == "zoe"
    first = next(one for one in lea.ok("GET", "/api/v1/acts")["items"] if one["kind"] == "task.assign")
    assert first["can_undo"]
    lea.ok("POST", f"/api/v1/acts/{first['id']}/undo")
    assert zoe.ok("GET", f"/api/v1/tasks/{made}")["state"] == "queued"
    assert code(lea.post(f"/api/v1/acts/{first['id']}/undo")) == (409, "already_done")
    assert code(zoe.post(f"/api/v1/acts/{first['id']}/undo")) == (404, "not_found")


def test_start_release_skip_hand_over_kind_cancel_reopen(any_house: House) -> None:
    lea, zoe = any_house.of("lea"), any_house.of("zoe")
    made = any_house.task()
    lea.ok("POST", f"/api/v1/tasks/{made}/assign", {"agent": "zoe"})
    token = zoe.ok("POST", f"/api/v1/tasks/{made}/start")["lease"]["token"]
    held = {"lease_token": token}
    assert zoe.ok("POST", f"/api/v1/tasks/{made}/renew", held)["lease"]["token"] == token
    assert code(zoe.post(f"/api/v1/tasks/{made}/skip", {"reason": "tired", **held})) == (422, "unknown_reason")
    moved = zoe.ok("POST", f"/api/v1/tasks/{made}/hand-over", {"to": {"agent": "abe"}, "note": "yours", **held})
    assert (moved["task"]["state"], moved["task"]["agent"]) == ("assigned", "abe")
    assert code(zoe.post(f"/api/v1/tasks/{made}/complete", held)) == (409, "lease_lost")
    back = any_house.of("abe").ok("POST", f"/api/v1/tasks/{made}/release", {"reason": "too much"})["task"]
    assert back["state"] == "queued"
    changed = lea.ok("POST", f"/api/v1/tasks/{made}/kind", {"kind": "billing", "reason": "it is an invoice"})["task"]
    assert (changed["kind"], changed["queue"]) == ("billing", "front")
    gone = any_house.of("admin").ok("POST", f"/api/v1/tasks/{made}/cancel", {"reason": "paid"})["task"]
    assert gone["state"] == "cancelled"


def test_picking_one_task_needs_a_reason(any_house: House) -> None:
    made = any_house.task()
    zoe = any_house.of("zoe")
    assert code(zoe.post(f"/api/v1/tasks/{made}/claim", {})) == (422, "reason_missing")
    picked = zoe.ok("POST", f"/api/v1/tasks/{made}/claim", {"reason": "customer on the line"})
    assert picked["task"]["state"] == "in_progress"
    assert code(any_house.of("abe").post(f"/api/v1/tasks/{made}/claim", {"reason": "me too"}))[0] == 409


@pytest.mark.parametrize(
    ("kind", "queue", "expected"), [("nonsense", None, "unknown_kind"), ("contract", "front", "kind_not_in_queue")]
)
def test_a_task_of_a_wrong_kind_is_refused(house: House, kind: str, queue: str | None, expected: str) -> None:
    body = {"kind": kind, "title": "x", **({"queue": queue} if queue else {})}
    assert code(house.of("admin").post("/api/v1/tasks", body)) == (422, expected)


def test_queues_show_policy_counts_and_people(any_house: House) -> None:
    any_house.task()
    any_house.taken("zoe")
    any_house.task()
    lea = any_house.of("lea")
    (line,) = lea.ok("GET", "/api/v1/queues")["items"]
    assert (line["key"], line["counts"]["queued"], line["counts"]["in_progress"]) == ("desk", 1, 1)
    desk = lea.ok("GET", "/api/v1/queues/desk")
    assert {one["key"]: one["held"] for one in desk["people"]}["zoe"] == 1
    assert desk["model"] == "dedicated"
    assert code(lea.get("/api/v1/queues/front")) == (404, "not_found")
    assert code(lea.get("/api/v1/queues/nowhere")) == (404, "not_found")


def test_a_task_by_hand_tells_nobody_which_records_there_are(house: House) -> None:
    unseen = house.of("rob").ok("POST", "/api/v1/leads", {"name": "Ann"})["id"]
    zoe = house.of("zoe")
    assert code(zoe.get(f"/api/v1/leads/{unseen}")) == (404, "not_found")
    for id_ in (unseen, "not told yet"):
        told = zoe.ok("POST", "/api/v1/tasks", {"kind": "contract", "title": "Contract", "lead": id_})
        assert told["task"]["lead"] == id_
