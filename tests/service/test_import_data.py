"""Recorded pipelines come in by their files with no lost row, and the report equals a count made apart from it.

The files lie beside the project; where they are missing the test is skipped and says so.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from taskhub.db.tables_importing import import_refusal
from taskhub.importing import handing_in, service
from tests.service.customs import Customs, lost_rows

pytestmark = pytest.mark.slow
STAGES = {"Prospecting": "offer", "Engaging": "signed"}
PERIODS = [("2016-10-01", "2018-01-01"), ("2017-03-01", "2017-06-01"), ("2017-12-31", "2018-01-01")]


@pytest.fixture
def desk(database_url: str) -> Iterator[Customs]:
    made = Customs(database_url)
    made.staff("specialists", "zoe")
    yield made
    made.db.close()


def rows_of(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        pytest.skip(f"{path} is missing: the recorded pipelines lie beside the project")
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def brought(desk: Customs, noun: str, path: Path, map_: dict[str, Any]) -> Any:
    with desk.db.read() as tx:
        file = handing_in.look(tx, noun, path.name, lambda: iter([path.read_bytes()]), map_).whole()
    run = desk.do("admin", service.hand_in, file)
    desk.drain()
    desk.do("admin", service.start, run.id)
    desk.drain()
    return desk.run(run.id)


def test_the_pipeline_of_a_hardware_seller(desk: Customs, shared_data: Path) -> None:
    path = shared_data / "crm-maven" / "sales_pipeline.csv"
    rows = rows_of(path)
    people = {row["sales_agent"]: f"s{n}" for n, row in enumerate(rows_of(path.with_name("sales_teams.csv")))}
    with desk.as_("admin") as tx:
        from taskhub.agents import service as agents

        for name, key in people.items():
            agents.create_agent(tx, {"key": key, "name": name, "team": "specialists", "roles": ["rep"]})
    run = brought(desk, "deal", path, {"values": {"stage": STAGES}, "constants": {"currency": "USD"}})
    assert (run.state, run.total, run.counts["new"], lost_rows(run)) == ("ended", len(rows), len(rows), 0)
    assert desk.count(import_refusal) == 0
    accounts = {row["account"] for row in rows if row["account"]}
    assert run.counts["accounts"] == len(accounts) == len(desk.records("account"))
    _each_row(desk, rows, people)
    for since, until in PERIODS:
        _same(desk, rows, since, until)


def _each_row(desk: Customs, rows: list[dict[str, str]], people: dict[str, str]) -> None:
    known, names = desk.records("deal"), desk.records("account")
    assert known.keys() == {row["opportunity_id"] for row in rows}
    for row in rows:
        one = known[row["opportunity_id"]]
        assert one["owner"] == people[row["sales_agent"]], row
        assert one["status"] == {"Won": "won", "Lost": "lost"}.get(row["deal_stage"], "open"), row
        assert one.get("stage") == STAGES.get(row["deal_stage"]), row
        assert Decimal(str(one.get("amount", 0))) == Decimal(row["close_value"] or 0), row
        assert (names[one["account"]]["name"] if "account" in one else "") == row["account"], row
        assert one["product"] == row["product"], row


def _same(desk: Customs, rows: list[dict[str, str]], since: str, until: str) -> None:
    """The report of that period, beside a count of the lines themselves."""
    report = desk.report(_at(since), _at(until))["sales"]
    engaged = [row for row in rows if row["engage_date"] and since <= row["engage_date"] < until]
    ended = [row for row in rows if row["close_date"] and since <= row["close_date"] < until]
    won = [row for row in ended if row["deal_stage"] == "Won"]
    lost = [row for row in ended if row["deal_stage"] == "Lost"]
    assert report["created"] == len(engaged)
    assert (report["won"], report["lost"]) == (len(won), len(lost))
    assert report["rate"] == round(len(won) / (len(won) + len(lost)), 4)
    assert report["amounts"] == {"USD": str(sum(Decimal(row["close_value"]) for row in won).quantize(Decimal("0.01")))}
    standing = Counter(STAGES[row["deal_stage"]] for row in rows if row["deal_stage"] in STAGES)
    assert report["open"] == standing.total()
    entered = Counter(STAGES[row["deal_stage"]] for row in engaged if row["deal_stage"] in STAGES)
    stages = {stage["stage"]: stage for stage in report["stages"]}
    assert {name: stages[name]["now"] for name in standing} == standing
    assert {name: stages[name]["entered"] for name in standing} == {name: entered[name] for name in standing}


def _at(on: str) -> datetime:
    return datetime.fromisoformat(on).replace(tzinfo=UTC)


def test_the_leads_of_a_seller_of_courses(desk: Customs, shared_data: Path) -> None:
    path = shared_data / "lead-scoring-xeducation" / "Leads.csv"
    rows = rows_of(path)
    run = brought(desk, "lead", path, {})
    assert (run.state, run.total, run.counts["new"], lost_rows(run)) == ("ended", len(rows), len(rows), 0)
    known = desk.records("lead")
    assert known.keys() == {row["ProspectID"] for row in rows}
    for row in rows:
        one = known[row["ProspectID"]]
        assert one["status"] == ("converted" if row["Converted"] == "1" else "open")
        assert (one.get("lead_source", ""), one.get("total_visits", "")) == (
            row["LeadSource"].strip(), row["TotalVisits"].strip(),
        )  # fmt: skip
    report = desk.report(run.at, desk.clock.forward(hours=1))["leads"]
    converted = sum(row["Converted"] == "1" for row in rows)
    assert (report["created"], report["converted"], report["open"]) == (len(rows), converted, len(rows) - converted)
