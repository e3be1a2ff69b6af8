"""GET /tasks/{id}/decision: managers see everybody, an agent one sentence about themselves, each in their language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from taskhub.policy.work import Staffing
from taskhub.testing import organisation
from taskhub.testing.drain import drain
from tests.api import house as houses
from tests.api.client import code
from tests.api.house import House, open_house

FIELDS = {
    "stood_in_for",
    "outcome", "agent", "reason", "strategy", "strategy_version", "model", "candidates", "decided_at", "rerun",
    "rerun_detail", "rerun_text", "reasons", "way", "passed_over", "policy_hash",
}  # fmt: skip


@pytest.fixture
def house(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    def push(key: str, team: str) -> Any:
        staffing = Staffing("dedicated", {"team": team})
        mode = "push" if key == "desk" else "pull"
        return organisation.queue(key, teams=(team,), mode=mode, calendar="always", staffing=staffing)

    monkeypatch.setattr(houses, "pull", push)
    with open_house(database_url) as made:
        yield made


def decided(house: House, who: str, task: str, query: str = "", **headers: str) -> Any:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return house.of(who).ok("GET", f"/api/v1/tasks/{task}/decision{query}", headers=names)


def test_a_manager_sees_everybody_with_rank_score_and_reasons(house: House) -> None:
    task = house.task()
    drain(house.db)
    told = decided(house, "lea", task)
    assert told.keys() == FIELDS
    assert (told["outcome"], told["strategy"], told["model"], told["rerun"]) == (
        "assigned", "least_loaded", "dedicated", "same",
    )  # fmt: skip
    chosen = told["agent"]
    assert told["candidates"][0]["agent"] == chosen
    assert [one["rank"] for one in told["candidates"] if one["eligible"]] == list(
        range(1, 1 + sum(one["eligible"] for one in told["candidates"]))
    )
    assert told["reason"].startswith("It was " + chosen.title())
    assert told["rerun_text"] == "Run again on what was known then, the decision is the same."
    assert decided(house, "lea", task, accept_language="fr")["reason"].startswith(
        "Le tour revenait à " + chosen.title()
    )
    assert decided(house, "lea", task, "?language=fr", accept_language="en")["reason"].startswith("Le tour")


def test_an_agent_is_told_one_sentence_about_themselves(house: House) -> None:
    task = house.task()
    drain(house.db)
    chosen = house.of("admin").ok("GET", f"/api/v1/tasks/{task}")["agent"]
    other = next(key for key in ("zoe", "abe") if key != chosen)
    told = decided(house, chosen, task)
    assert told["reason"].startswith("It is your turn among")
    other_ = decided(house, other, task)
    assert other_["reason"] == "Somebody else came first for this task."
    for one in (told, other_):
        assert (one["candidates"], one["rerun_detail"]) == ([], None)
    assert chosen.title() not in other_["reason"]


def test_a_person_reads_their_own_language_where_the_call_names_none(house: House) -> None:
    task = house.task()
    drain(house.db)
    chosen = house.of("admin").ok("GET", f"/api/v1/tasks/{task}")["agent"]
    house.of("admin").ok("PATCH", f"/api/v1/agents/{chosen}", {"language": "fr"})
    assert decided(house, chosen, task)["reason"].startswith("C'est votre tour parmi")
    assert decided(house, chosen, task, accept_language="en-GB")["reason"].startswith("It is your turn")
    assert decided(house, chosen, task, accept_language="de")["reason"].startswith("C'est votre tour")


def test_earlier_decisions_come_on_request_newest_first(house: House) -> None:
    task = house.task()
    drain(house.db)
    first = decided(house, "lea", task)
    other = next(key for key in ("zoe", "abe") if key != first["agent"])
    house.of("lea").ok("POST", f"/api/v1/tasks/{task}/assign", {"agent": other})
    told = decided(house, "lea", task, "?all=true")
    assert (told["way"], told["agent"], told["reason"]) == ("manual", other, "Given by hand by Lea.")
    (before,) = told["history"]
    assert before == first
    assert "history" not in decided(house, "lea", task)


def test_what_a_gift_by_hand_overrode_stands_in_its_reasons(house: House) -> None:
    task = house.task("billing")
    house.of("admin").ok("POST", f"/api/v1/tasks/{task}/assign", {"agent": "zoe"})
    assert decided(house, "admin", task)["reasons"] == ["not_in_pool"]


def test_work_is_given_to_nobody_whose_roles_could_not_work_on_it(house: House) -> None:
    task = house.task()
    refused = house.of("admin").post(f"/api/v1/tasks/{task}/assign", {"agent": "rob"})
    assert (code(refused), refused.json()["reasons"]) == ((409, "not_eligible"), ["no_role"])
    assert house.of("admin").ok("GET", f"/api/v1/tasks/{task}")["agent"] != "rob"


def test_a_pulled_task_says_who_asked(house: House) -> None:
    task = house.task("billing")
    house.taken("yan")
    assert decided(house, "yan", task)["reason"] == "It was the next task you may take."
    assert decided(house, "dora", task)["reason"] == "Yan asked for work; it was the next task they may take."
    french = decided(house, "dora", task, accept_language="fr")["reason"]
    assert french == "Yan a demandé du travail\u00a0: c'était la prochaine tâche à sa portée."


def test_a_task_that_waits_says_why(house: House) -> None:
    for who in ("zoe", "abe"):
        house.of(who).ok("PUT", f"/api/v1/agents/{who}/presence", {"status": "offline"})
    house.of("admin").ok("PUT", "/api/v1/agents/lea/presence", {"status": "offline"})
    task = house.task()
    drain(house.db)
    told = decided(house, "zoe", task)
    assert (told["outcome"], told["agent"], told["reasons"]) == ("waiting", None, ["presence_offline"])
    assert told["reason"] == "Nobody may take it now: people are offline."
    assert decided(house, "zoe", task, "?language=fr")["reason"].startswith("Personne ne peut la prendre")


def test_bad_questions_are_refused(house: House) -> None:
    task = house.task()
    assert house.of("lea").get(f"/api/v1/tasks/{task}/decision").json()["code"] == "no_decision"
    drain(house.db)
    for query in ("?language=de", "?all=maybe"):
        assert house.of("lea").get(f"/api/v1/tasks/{task}/decision{query}").status_code == 422
