"""A lead moves into another pipeline: a stage change like any other, for history, undo and rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from taskhub.db.tables_sales import stage_change
from taskhub.policy.policies import Pipeline, Stage
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.testing.drain import drain
from tests.api.client import Client, code
from tests.api.house import House, open_house, policies

LEADS = "/api/v1/leads"


@pytest.fixture
def house(sqlite_url: str) -> Iterator[House]:
    new, checked = Stage("new", LocalText("New"), required_fields=("phone",)), Stage("checked", LocalText("Checked"))
    other = Pipeline("partners", LocalText("Partners"), "lead", (new, checked))
    moved = Rule("moved", on=("lead.stage_changed",), tasks=(TaskTemplate("contract", "Now in {lead.pipeline}"),))
    old = policies()
    set_ = replace(old, pipelines={**old.pipelines, other.key: other}, rules=(*old.rules, moved), hash="with partners")
    with open_house(sqlite_url) as made:
        made.follow(set_)
        yield made


def lead(rob: Client, **more: Any) -> str:
    return str(rob.ok("POST", LEADS, {"name": "Ann", "company": "Roux", **more})["id"])


def place(rob: Client, id_: str) -> tuple[str, str]:
    found = rob.ok("GET", f"{LEADS}/{id_}")
    return found["pipeline"], found["stage"]


def test_into_another_pipeline_undone_and_heard_by_rules(house: House) -> None:
    rob = house.of("rob")
    id_ = lead(rob)
    refused = rob.patch(f"{LEADS}/{id_}", {"version": 1, "pipeline": "partners"})
    assert (code(refused), "/stage" in refused.json()["detail"]) == ((422, "use_the_act"), True)
    moved = rob.ok("POST", f"{LEADS}/{id_}/stage", {"pipeline": "partners", "stage": "new"})
    assert (moved["pipeline"], moved["stage"]) == ("partners", "new")
    drain(house.db)
    tasks = house.of("admin").ok("GET", f"/api/v1/tasks?lead={id_}&kind=contract")["items"]
    assert [one["title"] for one in tasks] == ["Now in partners"]
    history = rob.ok("GET", f"{LEADS}/{id_}/history")["items"]
    assert history[-1]["change"]["pipeline"] == ["leads", "partners"]
    with house.db.read() as tx:
        move = tx.conn.execute(select(stage_change).order_by(stage_change.c.at.desc())).first()
    assert move is not None
    assert (move.type, move.pipeline, move.stage) == ("lead.stage_changed", "partners", "new")
    assert datetime.fromisoformat(rob.ok("GET", f"{LEADS}/{id_}")["stage_since"]) == move.at
    act = rob.ok("GET", "/api/v1/acts")["items"][0]
    assert (act["kind"], act["can_undo"]) == ("lead.stage", True)
    rob.ok("POST", f"/api/v1/acts/{act['id']}/undo")
    assert place(rob, id_) == ("leads", "new")


def test_what_the_stages_before_it_there_require_is_asked_for(house: House) -> None:
    rob = house.of("rob")
    id_ = lead(rob, stage="known")
    answer = rob.post(f"{LEADS}/{id_}/stage", {"pipeline": "partners", "stage": "checked"})
    assert (code(answer), answer.json()["missing"]) == ((422, "fields_missing"), ["phone"])
    full = lead(rob, phone="+33 1 23 45 67 89")
    assert rob.ok("POST", f"{LEADS}/{full}/stage", {"pipeline": "partners", "stage": "checked"})["stage"] == "checked"
    assert rob.ok("POST", f"{LEADS}/{full}/stage", {"stage": "new"})["pipeline"] == "partners"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"pipeline": "partner", "stage": "new"}, (422, "unknown_pipeline")),
        ({"pipeline": "sales", "stage": "offer"}, (422, "unknown_pipeline")),
        ({"pipeline": "partners", "stage": "known"}, (422, "unknown_stage")),
        ({"pipeline": "leads", "stage": "new"}, (409, "nothing_to_change")),
    ],
)
def test_what_cannot_be(house: House, body: dict[str, str], said: tuple[int, str]) -> None:
    rob = house.of("rob")
    id_ = lead(rob)
    assert code(rob.post(f"{LEADS}/{id_}/stage", body)) == said
    assert place(rob, id_) == ("leads", "new")
