"""Somebody leaves, through the API; who could do what once they are gone or away."""

from typing import Any

from tests.api.client import code
from tests.api.house import House

AGENTS = "/api/v1/agents"


def test_leaving_is_previewed_done_and_undone(any_house: House) -> None:
    begun = any_house.task()
    assert any_house.taken("zoe")[0] == begun
    admin = any_house.of("admin")
    before = admin.ok("POST", f"{AGENTS}/zoe/leave/preview", {"to": {"agent": "abe"}})
    (move,) = before["tasks"]
    assert (move["task"], move["to"], move["half_done"]) == (begun, {"agent": "abe"}, True)
    assert admin.ok("GET", f"{AGENTS}/zoe")["active"] is True
    done = admin.ok("POST", f"{AGENTS}/zoe/leave", {"to": {"agent": "abe"}, "note": "Seal is missing"})
    assert done["tasks"] == before["tasks"]
    assert (done["agent"]["active"], done["agent"]["presence"]) == (False, "offline")
    assert any_house.of("zoe").get("/api/v1/tasks").status_code == 401
    task = admin.ok("GET", f"/api/v1/tasks/{begun}")
    assert (task["agent"], task["state"], task["note"]) == ("abe", "assigned", "Seal is missing")
    assert code(admin.post(f"{AGENTS}/zoe/leave")) == (409, "already_left")
    admin.ok("POST", f"/api/v1/acts/{done['act']}/undo")
    assert any_house.of("zoe").ok("GET", f"/api/v1/tasks/{begun}")["agent"] == "zoe"


def test_a_key_that_was_withdrawn_stays_so_when_its_person_comes_back(any_house: House) -> None:
    admin, zoe = any_house.of("admin"), any_house.of("zoe")
    (key,) = admin.ok("GET", f"{AGENTS}/zoe/keys")["items"]
    done = admin.ok("POST", f"{AGENTS}/zoe/leave", {"to": {"agent": "abe"}})
    for _ in range(2):
        admin.ok("DELETE", f"/api/v1/keys/{key['id']}")
    admin.ok("POST", f"/api/v1/acts/{done['act']}/undo")
    assert admin.ok("GET", f"{AGENTS}/zoe")["active"] is True
    assert zoe.get("/api/v1/tasks").status_code == 401


def test_a_manager_lets_their_own_people_go_and_nobody_else(house: House) -> None:
    assert house.of("lea").ok("POST", f"{AGENTS}/abe/leave")["agent"]["active"] is False
    assert code(house.of("lea").post(f"{AGENTS}/yan/leave")) == (404, "not_found")
    assert code(house.of("zoe").post(f"{AGENTS}/zoe/leave")) == (403, "forbidden")
    assert code(house.of("admin").post(f"{AGENTS}/zoe/leave", {"to": {"agent": "zoe"}})) == (422, "invalid_input")
    assert code(house.of("admin").post(f"{AGENTS}/zoe/leave", {"to": {"agent": "nobody"}})) == (404, "not_found")


def test_an_absence_says_which_kinds_it_leaves_bare(any_house: House) -> None:
    away = {"from": "2190-05-01T00:00:00Z", "until": "2190-05-08T00:00:00Z"}
    assert any_house.of("lea").ok("POST", f"{AGENTS}/lea/absences", away)["warnings"] == []
    (one,) = any_house.of("zoe").ok("POST", f"{AGENTS}/zoe/absences", away)["warnings"]
    assert (one["code"], one["kind"], one["left"]) == ("kind_with_one", "contract", 1)
    assert "people" not in one
    last = {"from": "2190-05-03T00:00:00Z", "until": "2190-05-04T00:00:00Z"}
    answer = any_house.of("lea").request("POST", f"{AGENTS}/abe/absences", json=last, headers={"accept-language": "fr"})
    (bare,) = answer.json()["warnings"]
    assert (bare["code"], bare["people"]) == ("kind_without_anyone", [])
    assert bare["message"].startswith("Plus personne pour «\u00a0Contract\u00a0» du 2190-05-03")


def test_a_skill_taken_away_says_what_is_left(house: House) -> None:
    for key in ("lea", "abe"):
        house.of("admin").ok("PATCH", f"{AGENTS}/{key}", {"skills": {"billing": 3}})
    (one,) = house.of("admin").ok("PATCH", f"{AGENTS}/zoe", {"skills": {"billing": 3}})["warnings"]
    assert (one["code"], one["kind"]) == ("kind_without_anyone", "contract")
    assert house.of("admin").ok("PATCH", f"{AGENTS}/zoe", {"capacity": 3})["warnings"] == []


def test_coverage_shows_people_and_the_next_gap(any_house: House) -> None:
    def shown(persona: str) -> dict[str, Any]:
        found = any_house.of(persona).ok("GET", "/api/v1/metrics/coverage?days=30")
        return {item["kind"]: item for item in found["items"]}

    contract = shown("admin")["contract"]
    assert (contract["bus_factor"], contract["people"], contract["next_gap"]) == (3, ["abe", "lea", "zoe"], None)
    assert shown("lea").keys() == {"contract"}
    with any_house.db.begin() as tx:
        now = tx.now
    for key in ("abe", "lea", "zoe"):
        away = {"from": now.isoformat(), "until": now.replace(year=now.year + 1).isoformat()}
        any_house.of("admin").ok("POST", f"{AGENTS}/{key}/absences", away)
    gap = shown("admin")["contract"]["next_gap"]
    assert (gap["code"], gap["left"]) == ("kind_without_anyone", 0)
    assert code(any_house.of("admin").get("/api/v1/metrics/coverage?days=0")) == (422, "invalid_input")
