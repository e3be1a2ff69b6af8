"""What the edge refuses or says: people who are nobody, due times, misspelt filters, keys that end, nothing to take."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import update

from taskhub.api import live
from taskhub.db.tables import task
from tests.api.client import code
from tests.api.house import House

AGENTS, TASKS, TEAMS = "/api/v1/agents", "/api/v1/tasks", "/api/v1/teams"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (f"{TEAMS}/counter", {"leader": "nobody"}, "leader"),
        (f"{TEAMS}/counter", {"managers": ["lea", "nobody"]}, "managers[1]"),
        (f"{AGENTS}/zoe", {"stand_in": "nobody"}, "stand_in"),
    ],
)
def test_people_who_are_named_must_be_there(still_house: House, path: str, body: Any, field: str) -> None:
    answer = still_house.of("admin").patch(path, body)
    assert code(answer) == (422, "invalid_input")
    assert [one["path"] for one in answer.json()["errors"]] == [field]


def test_when_it_is_due_is_for_a_manager_to_change(house: House) -> None:
    id_ = house.task(due_at="2030-01-01T00:00:00Z")
    house.taken("zoe")
    version = house.of("zoe").ok("GET", f"{TASKS}/{id_}")["version"]
    later = {"version": version, "due_at": "2031-01-01T00:00:00Z"}
    assert code(house.of("zoe").patch(f"{TASKS}/{id_}", later)) == (403, "forbidden")
    kept = house.of("zoe").ok(
        "PATCH", f"{TASKS}/{id_}", {"version": version, "note": "x", "due_at": "2030-01-01T00:00:00Z"}
    )
    later["version"] = kept["task"]["version"]
    assert house.of("lea").ok("PATCH", f"{TASKS}/{id_}", later)["task"]["due_at"].startswith("2031")


def test_a_misspelt_filter_is_refused_with_what_was_meant(still_house: House) -> None:
    answer = still_house.of("admin").get(f"{TASKS}?stat=queued&limit=3")
    assert code(answer) == (422, "invalid_input")
    assert answer.json()["errors"] == [
        {"path": "query.stat", "message": "is no parameter of this call; did you mean state?"}
    ]
    assert code(still_house.of("admin").get(f"{AGENTS}/zoe?x=1")) == (422, "invalid_input")
    assert code(still_house.client.get(f"{TASKS}?stat=queued")) == (401, "unauthenticated")
    paths = still_house.client.ok("GET", "/openapi.json")["paths"]
    for path in ("/api/v1/metrics/tasks", "/api/v1/events", "/api/v1/leads"):
        named = [one["name"] for one in paths[path]["get"]["parameters"] if one["in"] == "query"]
        said = still_house.of("admin").get(f"{path}?zzz=1").json()["errors"][0]["message"]
        assert all(name in said for name in named)


def test_acts_refuse_unknown_parameters_too_and_senders_may_have_their_own(still_house: House) -> None:
    zoe, admin = still_house.of("zoe"), still_house.of("admin")
    for call in (
        lambda: zoe.post(f"{TASKS}/claim?queue=desk", {}),
        lambda: admin.patch(f"{AGENTS}/zoe?langage=fr", {"name": "Zoe"}),
        lambda: admin.put(f"{AGENTS}/zoe/presence?statu=away", {"status": "away"}),
        lambda: admin.delete(f"{AGENTS}/zoe/absences/none?force=1"),
    ):
        assert code(call()) == (422, "invalid_input")
    told = admin.post(f"{AGENTS}/zoe/lend?langage=fr", {}).json()["errors"]
    assert told == [{"path": "query.langage", "message": "is no parameter of this call; did you mean language?"}]
    assert code(still_house.client.post(f"{TASKS}/claim?x=1", {})) == (401, "unauthenticated")
    assert still_house.client.post("/hooks/nowhere?token=theirs", {}).status_code == 401


def test_a_stream_ends_with_the_key_behind_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EVERY", 0.05)
    made = house.of("admin").ok("POST", f"{AGENTS}/zoe/keys", {"name": "phone"})

    async def listen() -> int:
        answer = await live.live(_request(house, made["key"]))
        seen = 0
        async with asyncio.timeout(30):
            async for _ in answer.body_iterator:
                seen += 1
                if seen == 1:
                    await asyncio.to_thread(revoke)
        return seen

    def revoke() -> None:
        with house.db.begin() as tx:
            from taskhub.access import service as access

            access.revoke_key(tx, made["id"])

    assert house.client.portal.call(listen) >= 1


def _request(house: House, key: str) -> Any:
    from starlette.requests import Request

    scope = {
        "type": "http", "method": "GET", "path": "/api/v1/live", "query_string": b"", "app": house.app,
        "headers": [(b"authorization", f"Bearer {key}".encode())],
    }  # fmt: skip
    return Request(scope)


def test_nothing_to_take_says_what_keeps_it_back(any_house: House) -> None:
    empty = any_house.of("zoe").ok("POST", f"{TASKS}/claim")
    assert empty["detail"] == {"waiting": 0, "reasons": []}
    any_house.of("admin").ok("PATCH", f"{AGENTS}/zoe", {"skills": {"billing": 1}})
    for _ in range(2):
        any_house.task()
    said = any_house.of("zoe").ok("POST", f"{TASKS}/claim")
    assert (said["task"], said["reason"], said["detail"]["waiting"]) == (None, "nothing_eligible", 2)
    assert [(one["code"], one["tasks"]) for one in said["detail"]["reasons"]] == [("skill_missing", 2)]
    assert said["detail"]["reasons"][0]["text"]


def test_more_for_the_same_customer_is_offered_and_taken_without_a_reason(any_house: House) -> None:
    ids = [any_house.task() for _ in range(6)]
    other = any_house.task()
    with any_house.db.begin() as tx:
        tx.conn.execute(update(task).where(task.c.id.in_(ids)).values(customer="account:A1"))
    first, token = any_house.taken("zoe")
    assert first == ids[0]
    assert code(any_house.of("zoe").post(f"{TASKS}/{other}/claim")) == (422, "reason_missing")
    done = any_house.of("zoe").ok("POST", f"{TASKS}/{first}/complete", {"lease_token": token})
    more = [one["id"] for one in done["more_for_customer"]]
    assert more == ids[1:4]
    taken = any_house.of("zoe").ok("POST", f"{TASKS}/{more[1]}/claim")
    assert taken["task"]["id"] == more[1]
    steps = any_house.of("zoe").ok("GET", f"{TASKS}/{more[1]}/history")["items"]
    assert steps[-1]["change"]["reason"] == "same_customer"
    assert code(any_house.of("zoe").post(f"{TASKS}/{other}/claim")) == (422, "reason_missing")
