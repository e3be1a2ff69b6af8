"""Figures of people: one's own at once, for a manager from the next day on; teams without names; quality."""

from datetime import timedelta

from sqlalchemy import insert, update

from taskhub.agents import service as agents
from taskhub.db.tables import fairness, task
from tests.api.client import code
from tests.api.house import House

AGENTS = "/api/v1/agents"


def done(house: House, persona: str = "zoe", kind: str = "contract") -> str:
    id_ = house.task(kind)
    taken, token = house.taken(persona)
    assert taken == id_
    house.of(persona).ok("POST", f"/api/v1/tasks/{id_}/complete", {"lease_token": token})
    return id_


def yesterday(house: House, id_: str) -> None:
    """As if it had been done a day earlier."""
    with house.db.begin() as tx:
        row = tx.conn.execute(task.select().where(task.c.id == id_)).one()
        earlier = {name: getattr(row, name) - timedelta(days=1) for name in ("completed_at", "started_at", "ready_at")}
        tx.conn.execute(update(task).where(task.c.id == id_).values(**earlier))


def test_own_figures_are_there_at_once(any_house: House) -> None:
    done(any_house)
    mine = any_house.of("zoe").ok("GET", f"{AGENTS}/zoe/metrics")
    assert (mine["completed"], mine["by_kind"], mine["variety"]) == (1, {"contract": 1}, 1.0)
    assert (mine["share_today"], mine["even_share"], mine["overdue"]) == (1.0, 1 / 3, 0)
    assert mine["quality"]["completed"] == 1
    assert mine["looked"] == []
    assert mine["metrics"]["variety"]["unit"] == "kinds"


def test_a_manager_sees_whole_days_and_the_person_sees_who_looked(any_house: House) -> None:
    first = done(any_house)
    seen = any_house.of("lea").ok("GET", f"{AGENTS}/zoe/metrics?period=month")
    assert (seen["completed"], seen["share_today"], seen["overdue"]) == (0, None, None)
    assert "looked" not in seen
    yesterday(any_house, first)
    assert any_house.of("admin").ok("GET", f"{AGENTS}/zoe/metrics")["completed"] == 1
    looked = any_house.of("zoe").ok("GET", f"{AGENTS}/zoe/metrics")["looked"]
    assert [(one["by"].partition(":")[0], one["period"]) for one in looked] == [("key", "week"), ("agent", "month")]
    assert looked[1]["by"] == "agent:lea"


def test_nobody_else_sees_them(still_house: House) -> None:
    assert code(still_house.of("abe").get(f"{AGENTS}/zoe/metrics")) == (403, "forbidden")
    assert code(still_house.of("yan").get(f"{AGENTS}/zoe/metrics")) == (404, "not_found")
    assert code(still_house.of("auditor").get(f"{AGENTS}/zoe/metrics")) == (403, "forbidden")
    assert code(still_house.of("zoe").get(f"{AGENTS}/zoe/metrics?period=year")) == (422, "invalid_input")


def test_the_ledger_stands_beside_the_middle_of_the_team_where_that_names_nobody(any_house: House) -> None:
    with any_house.db.begin() as tx:
        today = tx.now.date().isoformat()
        for key, minutes in (("zoe", 60.0), ("abe", 20.0), ("lea", 10.0)):
            row = {"agent": key, "on": today, "tasks": 2, "hard": 1, "late": 0, "duty": 0, "minutes": minutes}
            tx.conn.execute(insert(fairness).values(**row))
    minutes = any_house.of("zoe").ok("GET", f"{AGENTS}/zoe/metrics")["fairness"]["minutes"]
    assert minutes == {"own": 60.0, "team_median": None}
    any_house.of("admin").ok("POST", AGENTS, {"key": "kim", "name": "Kim", "team": "specialists"})
    answer = any_house.of("zoe").request("GET", f"{AGENTS}/zoe/metrics")
    assert answer.json()["fairness"]["minutes"] == {"own": 60.0, "team_median": 15.0}
    assert not {"abe", "lea", "kim"} & set(answer.text.replace('"', " ").split())


def test_a_team_is_shown_without_names(any_house: House) -> None:
    done(any_house)
    shown = any_house.of("lea").request("GET", "/api/v1/metrics/teams/specialists")
    body = shown.json()
    assert (body["people"], body["completed"], body["variety"]) == (3, 1, None)
    assert not {"zoe", "abe"} & set(shown.text.replace('"', " ").split())
    assert code(any_house.of("lea").get("/api/v1/metrics/teams/counter"))[0] in (403, 404)
    assert code(any_house.of("admin").get("/api/v1/metrics/teams/nowhere")) == (404, "not_found")


def test_quality_says_how_sure_it_is(any_house: House) -> None:
    first = done(any_house)
    look = any_house.task("billing")
    with any_house.db.begin() as tx:
        tx.conn.execute(update(task).where(task.c.id == look).values(checks=first, blocking=False))
    taken, token = any_house.taken("yan")
    answer = any_house.of("yan").post(f"/api/v1/tasks/{taken}/complete", {"lease_token": token, "outcome": "fine"})
    assert code(answer) == (422, "unknown_outcome")
    body = {"lease_token": token, "outcome": "wrong", "note": "The amount"}
    any_house.of("yan").ok("POST", f"/api/v1/tasks/{taken}/complete", body)
    (item,) = [i for i in any_house.of("admin").ok("GET", "/api/v1/metrics/quality")["items"] if i["key"] == "contract"]
    assert (item["checked"], item["right"], item["wrong"], item["rate"]) == (1, 0, 1, 0.0)
    assert item["interval"]["low"] == 0.0
    assert 0.79 < item["interval"]["high"] < 0.8
    teams = any_house.of("admin").ok("GET", "/api/v1/metrics/quality?by=team")["items"]
    assert {i["key"]: i["wrong"] for i in teams} == {"specialists": 1}
    mine = any_house.of("zoe").ok("GET", f"{AGENTS}/zoe/metrics")["quality"]
    assert (mine["checked"], mine["wrong"]) == (1, 1)
    shown = any_house.of("zoe").ok("GET", f"/api/v1/tasks/{first}")["second_looks"]
    assert [(one["outcome"], one["note"]) for one in shown] == [("wrong", "The amount")]


def test_offers_let_run_out_are_counted_for_the_person_and_by_day_for_their_manager(any_house: House) -> None:
    with any_house.db.begin() as tx:
        agents.missed(tx, "zoe")
        agents.missed(tx, "zoe")
    mine = any_house.of("zoe").ok("GET", f"{AGENTS}/zoe/metrics")
    assert (mine["missed_offers"], mine["missed_in_a_row"]) == (2, 2)
    assert mine["metrics"]["missed_offers"]["unit"] == "tasks"
    seen = any_house.of("lea").ok("GET", f"{AGENTS}/zoe/metrics")
    assert (seen["missed_offers"], seen["missed_in_a_row"]) == (0, None)
    with any_house.db.begin() as tx:
        agents.accepted(tx, "zoe")
    again = any_house.of("zoe").ok("GET", f"{AGENTS}/zoe/metrics")
    assert (again["missed_offers"], again["missed_in_a_row"]) == (2, 0)
