"""Teams, people, presence, absences and keys through the API."""

from datetime import timedelta

from sqlalchemy import select, update

from taskhub.access import service as access
from taskhub.db.tables import api_key, history
from tests.api.client import code
from tests.api.house import House

AGENTS = "/api/v1/agents"


def test_a_team_is_made_changed_and_listed(any_house: House) -> None:
    admin = any_house.of("admin")
    made = admin.ok("POST", "/api/v1/teams", {"key": "new", "name": "New", "kind": "front_line", "managers": ["lea"]})
    assert (made["version"], made["leader"]) == (1, None)
    changed = admin.ok("PATCH", "/api/v1/teams/new", {"leader": "zoe", "version": 1})
    assert (changed["version"], changed["leader"]) == (2, "zoe")
    assert code(admin.patch("/api/v1/teams/new", {"leader": None, "version": 1})) == (409, "version_clash")
    assert admin.ok("PATCH", "/api/v1/teams/new", {"leader": "zoe"})["version"] == 2
    assert code(admin.post("/api/v1/teams", {"key": "new", "name": "x", "kind": "specialist"})) == (
        409,
        "already_exists",
    )
    assert code(admin.get("/api/v1/teams/nowhere")) == (404, "not_found")
    first = admin.ok("GET", "/api/v1/teams?limit=3")
    rest = admin.ok("GET", f"/api/v1/teams?limit=3&cursor={first['next_cursor']}")
    keys = [team["key"] for team in first["items"] + rest["items"]]
    assert keys == ["abroad", "counter", "new", "sales", "specialists"]
    assert rest["next_cursor"] is None


def test_a_person_is_made_with_every_field(any_house: House) -> None:
    body = {
        "key": "kim", "name": "Kim Ødegård 金", "email": "kim@example.org", "team": "sales",
        "roles": ["agent", "rep"],
        "skills": {"contract": 5}, "capacity": 2.5, "time_zone": "Europe/Oslo",
        "shifts": {"mon": ["13:00-17:00", "09:00-12:00"], "fri": ["22:00-06:00"], "sat": []}, "language": "fr",
        "attributes": {"language": ["no", "de"], "senior": True}, "stand_in": "zoe", "external_ids": {"crm": "7"},
        "hours_per_week": 37.5, "cost_per_hour": 0,
    }  # fmt: skip
    made = any_house.of("admin").ok("POST", AGENTS, body)
    assert made["shifts"] == {"mon": ["09:00-12:00", "13:00-17:00"], "fri": ["22:00-06:00"]}
    assert (made["presence"], made["active"], made["version"]) == ("offline", True, 1)
    assert {name: made[name] for name in body if name != "shifts"} == {n: v for n, v in body.items() if n != "shifts"}
    assert any_house.of("admin").ok("GET", f"{AGENTS}/kim") == made
    assert code(any_house.of("admin").post(AGENTS, body)) == (409, "already_exists")


def test_what_is_private_is_shown_to_the_person_and_their_managers(house: House) -> None:
    house.of("admin").ok("PATCH", f"{AGENTS}/zoe", {"email": "zoe@example.org", "cost_per_hour": 40})
    assert "email" not in house.of("abe").ok("GET", f"{AGENTS}/zoe")
    for persona in ("zoe", "lea", "dora", "admin", "auditor"):
        assert house.of(persona).ok("GET", f"{AGENTS}/zoe")["cost_per_hour"] == 40
    listed = {one["key"]: one for one in house.of("abe").ok("GET", AGENTS)["items"]}
    assert listed.keys() == {"abe", "lea", "zoe"}
    assert "email" in listed["abe"]
    assert "email" not in listed["zoe"]


def test_a_manager_adjusts_the_work_but_not_the_rights_of_their_people(house: House) -> None:
    lea = house.of("lea")
    assert lea.ok("PATCH", f"{AGENTS}/zoe", {"capacity": 2, "skills": {"contract": 4}})["capacity"] == 2
    for change in (
        {"roles": ["admin"]},
        {"team": "sales"},
        {"active": False},
        {"email": "x@example.org"},
        {"name": "X"},
    ):
        assert code(lea.patch(f"{AGENTS}/zoe", change)) == (403, "forbidden")
    assert code(lea.patch(f"{AGENTS}/lea", {"roles": ["admin"]})) == (403, "forbidden")


def test_going_away_returns_what_was_not_started(any_house: House) -> None:
    waiting = any_house.task()
    any_house.of("lea").ok("POST", f"/api/v1/tasks/{waiting}/assign", {"agent": "zoe"})
    other = any_house.task()
    any_house.of("zoe").ok("POST", f"/api/v1/tasks/{other}/claim", {"reason": "customer on the line"})
    shown = any_house.of("zoe").ok("PUT", f"{AGENTS}/zoe/presence", {"status": "away", "until": "2199-01-01T00:00:00Z"})
    assert (shown["presence"], shown["presence_until"][:4]) == ("away", "2199")
    after = any_house.of("admin").ok("GET", f"/api/v1/tasks/{other}")
    assert after["state"] in ("paused", "queued")


def test_absences_are_planned_listed_and_taken_back(any_house: House) -> None:
    zoe = any_house.of("zoe")
    body = {"from": "2190-05-01T00:00:00Z", "until": "2190-05-02T00:00:00Z", "reason": "Holiday"}
    made = zoe.ok("POST", f"{AGENTS}/zoe/absences", body)
    assert [(one["code"], one["kind"]) for one in made.pop("warnings")] == []
    assert zoe.ok("GET", f"{AGENTS}/zoe/absences")["items"] == [made]
    zoe.ok("DELETE", f"{AGENTS}/zoe/absences/{made['id']}")
    assert zoe.ok("GET", f"{AGENTS}/zoe/absences")["items"] == []
    assert code(zoe.delete(f"{AGENTS}/zoe/absences/{made['id']}")) == (404, "not_found")


def test_a_key_is_shown_once_listed_without_its_secret_and_revoked(any_house: House) -> None:
    admin = any_house.of("admin")
    made = admin.ok("POST", f"{AGENTS}/zoe/keys", {"name": "phone"})
    assert made["role"] == "agent"
    phone = any_house.client.as_(made["key"])
    listed = phone.ok("GET", f"{AGENTS}/zoe/keys")["items"]
    assert [one["name"] for one in listed] == ["zoe", "phone"]
    assert made["key"][-64:] not in str(listed)
    assert "hash" not in listed[0]
    phone.ok("DELETE", f"{AGENTS}/zoe/keys/{made['id']}")
    assert code(phone.get(f"{AGENTS}/zoe")) == (401, "unauthenticated")
    assert code(admin.delete(f"{AGENTS}/abe/keys/{made['id']}")) == (404, "not_found")


def test_keys_of_programs_are_listed_page_by_page_and_revoked(any_house: House) -> None:
    admin, program = any_house.of("admin"), any_house.of("integration")
    pages, cursor = [], ""
    while True:
        page = admin.ok("GET", f"/api/v1/keys?limit=3{cursor}")
        pages += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(one["name"] for one in pages) == sorted(any_house.keys)
    assert all(one.keys().isdisjoint({"hash", "key", "secret"}) for one in pages)
    assert [one["created_at"] for one in pages] == sorted((one["created_at"] for one in pages), reverse=True)
    (mine,) = (one["id"] for one in pages if one["name"] == "integration")
    assert code(any_house.of("auditor").delete(f"/api/v1/keys/{mine}")) == (403, "forbidden")
    assert code(any_house.of("zoe").delete(f"/api/v1/keys/{mine}")) == (404, "not_found")
    program.ok("GET", "/api/v1/events")
    admin.ok("DELETE", f"/api/v1/keys/{mine}")
    assert code(program.get("/api/v1/events")) == (401, "unauthenticated")
    (gone,) = (one for one in admin.ok("GET", "/api/v1/keys")["items"] if one["id"] == mine)
    assert gone["revoked_at"]
    with any_house.db.read() as tx:
        ended = select(history.c.id).where(history.c.noun == "key", history.c.act == "revoked")
        assert tx.conn.execute(ended).scalars().all() == [mine]


def test_the_list_of_keys_shows_people_their_own(any_house: House) -> None:
    assert [one["name"] for one in any_house.of("zoe").ok("GET", "/api/v1/keys")["items"]] == ["zoe"]
    assert len(any_house.of("auditor").ok("GET", "/api/v1/keys")["items"]) == len(any_house.keys)
    with any_house.db.begin() as tx:
        nobodys = any_house.client.as_(access.create_key(tx, "manager", "no person's"))
    assert nobodys.ok("GET", "/api/v1/keys")["items"] == []


def test_a_key_needs_a_role_its_person_has(house: House) -> None:
    admin = house.of("admin")
    assert code(admin.post(f"{AGENTS}/zoe/keys", {"role": "admin"})) == (422, "invalid_input")
    assert code(admin.post(f"{AGENTS}/zoe/keys", {"role": "root"})) == (422, "invalid_input")
    assert code(admin.post(f"{AGENTS}/nobody/keys", {})) == (404, "not_found")
    past = {"expires_at": "2020-01-01T00:00:00Z"}
    assert code(admin.post(f"{AGENTS}/zoe/keys", past)) == (422, "invalid_input")


def test_rights_end_at_once(any_house: House) -> None:
    admin, lea, zoe = any_house.of("admin"), any_house.of("lea"), any_house.of("zoe")
    admin.ok("PATCH", f"{AGENTS}/lea", {"roles": ["agent"]})
    assert code(lea.patch(f"{AGENTS}/zoe", {"capacity": 4})) == (403, "forbidden")
    admin.ok("PATCH", f"{AGENTS}/zoe", {"active": False})
    assert code(zoe.get("/api/v1/tasks")) == (401, "unauthenticated")
    with any_house.db.begin() as tx:
        gone = tx.real_now - timedelta(seconds=1)
        tx.conn.execute(update(api_key).where(api_key.c.agent == "abe").values(expires_at=gone))
    assert code(any_house.of("abe").get("/api/v1/tasks")) == (401, "unauthenticated")
