"""What other files would have done with the last days: created, not created, otherwise, due; nothing is written."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from taskhub.acts.dry_run import Findings, dry_run
from taskhub.calendars import parse_target
from taskhub.cli import dry_runs
from taskhub.cli.app import app
from taskhub.db.columns import metadata
from taskhub.events import service as events
from taskhub.events.cloudevents import read_structured
from taskhub.policy.policies import Policies
from taskhub.policy.promise import SlaPolicy
from taskhub.policy.rule import Condition, Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk

DAY = timedelta(days=1)
EXAMPLE = Path(__file__).resolve().parents[2] / "config"
RULES = (
    Rule("welcome", ("lead.created",), tasks=(TaskTemplate("call", "Call {lead.name}"),)),
    Rule(
        "moved", ("lead.stage_changed",), when=(Condition("lead.stage", "changed_to", "offer"),),
        tasks=(TaskTemplate("offer", "Offer for {lead.name}", priority="high"),),
    ),
    Rule("after", ("task.completed",), when=(Condition("task.kind", "eq", "call"),), tasks=(TaskTemplate("note"),)),
)  # fmt: skip


def today(**changes: Any) -> Policies:
    desk = org.queue("desk", calendar="always", mode="push")
    side = org.queue("side", calendar="always", mode="pull", teams=("front",), staffing=Staffing("rotating"))
    kinds = [Kind(key, LocalText(key.title()), "desk", sla="standard") for key in ("call", "offer", "note")]
    return replace(org.policies(queues=[desk, side], kinds=kinds, rules=RULES), **changes)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    made = Desk(database_url, today())
    made.staff("specialists", "sue", "tom")
    made.staff("front", "una")
    made.drain()
    yield made
    made.db.close()


class Crm:
    """Says things about leads through the real intake, at the desk's time."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.number = 0

    def say(self, type_: str, subject: str, lead: dict[str, Any], previous: dict[str, Any] | None = None) -> None:
        self.number += 1
        data: dict[str, Any] = {"lead": {"id": subject, **lead}}
        envelope = {
            "specversion": "1.0", "id": str(self.number), "source": "crm", "type": type_,
            "time": self.desk.clock.now.isoformat(), "data": data | ({"previous": previous} if previous else {}),
        }  # fmt: skip
        with self.desk.db.begin() as tx:
            raw = json.dumps(envelope).encode()
            events.ingest(tx, [read_structured(envelope, tx.now)], raw, {}, "application/cloudevents+json")
        self.desk.drain()


def week(desk: Desk) -> None:
    """Two leads come, one gets an offer, one call is done."""
    crm = Crm(desk)
    crm.say("lead.created", "L1", lead={"name": "Ann", "stage": "new"})
    crm.say("lead.created", "L2", lead={"name": "Bob", "stage": "new"})
    desk.forward(hours=2)
    crm.say("lead.stage_changed", "L1", lead={"name": "Ann", "stage": "offer"}, previous={"stage": "new"})
    desk.drain()
    first = desk.rows_of("call")[0]
    token = desk.do(first.agent, tasks.start, first.id)[1].token
    desk.do(first.agent, tasks.complete, first.id, token)
    desk.forward(hours=1)


def asked(desk: Desk, new: Policies, since: timedelta = DAY) -> Findings:
    with desk.db.read() as tx:
        return dry_run(tx, new, tx.now - since)


def what(found: Findings) -> list[tuple[str, str, str]]:
    return sorted((one.what, one.rule, one.kind) for one in found.differences)


def test_the_same_files_would_have_done_the_same(desk: Desk) -> None:
    week(desk)
    before = census(desk)
    found = asked(desk, today())
    assert (found.events, found.completions, found.tasks, found.complete) == (3, 1, 4, True)
    assert (found.planned, found.as_made) == (4, 4)
    assert (what(found), found.due, found.queues, found.decisions) == ([], [], (), None)
    assert census(desk) == before


def census(desk: Desk) -> dict[str, int]:
    with desk.db.read() as tx:
        return {
            name: tx.conn.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
        }


def test_what_would_be_created_and_what_would_not(desk: Desk) -> None:
    week(desk)
    more = replace(RULES[0], tasks=(*RULES[0].tasks, TaskTemplate("note", "About {lead.name}")))
    only_bob = replace(RULES[1], when=(Condition("lead.name", "eq", "Bob"),))
    found = asked(desk, today(rules=(more, only_bob)))
    assert what(found) == [
        ("created", "welcome", "note"), ("created", "welcome", "note"), ("not_created", "after", "note"),
        ("not_created", "moved", "offer"),
    ]  # fmt: skip
    offer = next(one for one in found.differences if one.kind == "offer")
    assert (offer.task, offer.title) == (desk.rows_of("offer")[0].id, "Offer for Ann")
    assert {one.title for one in found.differences if one.what == "created"} == {"About Ann", "About Bob"}
    assert {one.task for one in found.differences if one.what == "created"} == {None}


def test_what_would_come_out_otherwise(desk: Desk) -> None:
    week(desk)
    urgent = replace(RULES[1], key="offers", tasks=(replace(RULES[1].tasks[0], priority="urgent", level=2),))
    kinds = dict(today().kinds)
    kinds["call"] = replace(kinds["call"], queue="side")
    found = asked(desk, today(rules=(RULES[0], urgent, RULES[2]), kinds=kinds))
    changed = {one.kind: dict(one.fields or {}) for one in found.differences}
    assert {one.what for one in found.differences} == {"changed"}
    assert changed == {
        "call": {"queue": ("desk", "side")}, "offer": {"priority": ("high", "urgent"), "level": (1, 2)},
    }  # fmt: skip


def test_when_tasks_would_be_due(desk: Desk) -> None:
    week(desk)
    slow = today(sla={"standard": SlaPolicy("standard", parse_target("8h"))})
    found = asked(desk, slow)
    assert len(found.due) == 4
    assert {one.now - one.was for one in found.due if one.now and one.was} == {timedelta(hours=4)}
    none = asked(desk, today(kinds={key: replace(kind, sla=None) for key, kind in today().kinds.items()}))
    assert {(one.was is None, one.now) for one in none.due} == {(False, None)}


def test_a_kind_that_is_gone_is_counted_and_never_an_error(desk: Desk) -> None:
    week(desk)
    kinds = {key: kind for key, kind in today().kinds.items() if key != "call"}
    found = asked(desk, today(kinds=kinds))
    assert found.gone == {"call": 2}
    assert ("not_created", "welcome", "call") in what(found)


def test_decisions_of_queues_served_otherwise_are_asked_again(desk: Desk) -> None:
    week(desk)
    by_turn = replace(today().queues["desk"], staffing=Staffing("dedicated", {"team": "specialists"}, "round_robin"))
    found = asked(desk, today(queues={**today().queues, "desk": by_turn}))
    assert found.queues == ("desk",)
    assert found.decisions is not None
    assert found.decisions.decisions == 4
    assert found.decisions.verdicts["same"] + found.decisions.verdicts["other_person"] == 4
    assert sum(now for _, now in found.decisions.people.values()) == 4
    shut = replace(today().queues["desk"], paused=True)
    waits = asked(desk, today(queues={**today().queues, "desk": shut})).decisions
    assert waits is not None
    assert (waits.verdicts["would_wait"], dict(waits.reasons)) == (4, {"queue_paused": 4})


def test_only_the_time_asked_for_is_looked_at(desk: Desk) -> None:
    week(desk)
    desk.forward(days=3)
    found = asked(desk, today(rules=()), DAY)
    assert (found.events, found.tasks, what(found)) == (0, 0, [])
    assert asked(desk, today(rules=()), 7 * DAY).events == 3


def test_more_than_it_looks_at_is_said(desk: Desk) -> None:
    week(desk)
    with desk.db.read() as tx:
        assert dry_run(tx, today(), tx.now - DAY, most=2).complete is False


def test_rules_see_what_was_known_then_not_what_came_later(desk: Desk) -> None:
    """Ann was new when her lead came; today she is lost: a rule on open leads would have met her all the same."""
    crm = Crm(desk)
    crm.say("lead.created", "L1", lead={"name": "Ann", "stage": "new"})
    desk.drain()
    desk.forward(hours=1)
    crm.say("lead.updated", "L1", lead={"score": 7})
    desk.drain()
    desk.forward(hours=1)
    crm.say("lead.stage_changed", "L1", lead={"stage": "offer"}, previous={"stage": "new"})
    desk.forward(hours=1)
    watch = Rule(
        "scored", ("lead.updated",), when=(Condition("lead.stage", "eq", "new"),), tasks=(TaskTemplate("note"),)
    )
    found = asked(desk, today(rules=(*RULES, watch)))
    assert what(found) == [("created", "scored", "note")]


# ── chains and rules that wait ───────────────────────────────────────────────────────────────────────────────────────
def chain(*kinds: str) -> tuple[Rule, ...]:
    """Each kind leads to the next once it is done."""
    return tuple(
        replace(RULES[2], key=f"after-{kind}", when=(Condition("task.kind", "eq", kind),), tasks=(TaskTemplate(to),))
        for kind, to in pairwise(kinds)
    )


def test_what_was_never_made_is_followed_to_the_last_link(desk: Desk) -> None:
    week(desk)
    kinds = {key: Kind(key, LocalText(key), "desk") for key in "abcdefgh"}
    start = Rule("begin", ("lead.created",), tasks=(TaskTemplate("a"),))
    found = asked(desk, today(rules=(*RULES, start, *chain(*kinds)), kinds={**today().kinds, **kinds}))
    made = [(one.kind, one.assumed) for one in found.differences if one.what == "created"]
    # Two leads, a chain of five links behind the first task of each: the sixth would be too deep.
    assert Counter(made) == {("a", False): 2} | {(kind, True): 2 for kind in "bcdef"}
    assert desk.rows_of("a") == []


def test_a_circle_of_rules_ends(desk: Desk) -> None:
    week(desk)
    kinds = {key: Kind(key, LocalText(key), "desk") for key in "ab"}
    start = Rule("begin", ("lead.created",), tasks=(TaskTemplate("a"),))
    found = asked(desk, today(rules=(*RULES, start, *chain("a", "b", "a")), kinds={**today().kinds, **kinds}))
    assert Counter(one.kind for one in found.differences) == {"a": 6, "b": 6}


def test_work_that_would_not_have_been_there_leads_to_nothing(desk: Desk) -> None:
    week(desk)
    found = asked(desk, today(rules=RULES[1:]))
    assert what(found) == [
        ("not_created", "after", "note"), ("not_created", "welcome", "call"), ("not_created", "welcome", "call"),
    ]  # fmt: skip


def quiet(after: timedelta, **changes: Any) -> Rule:
    return Rule("quiet", (), after=after, tasks=(TaskTemplate("note", "Remind {lead.name}"),), **changes)


def silence(desk: Desk) -> None:
    """Ann is heard of again after three days, Bob never."""
    crm = Crm(desk)
    crm.say("lead.created", "L1", lead={"name": "Ann", "stage": "new"})
    crm.say("lead.created", "L2", lead={"name": "Bob", "stage": "new"})
    desk.forward(days=3)
    crm.say("lead.updated", "L1", lead={"name": "Ann", "score": 1})
    desk.forward(days=3)


def test_rules_that_wait_for_silence_are_asked_within_the_window(desk: Desk) -> None:
    silence(desk)
    found = asked(desk, today(rules=(*RULES, quiet(2 * DAY))), 7 * DAY)
    begun = desk.clock.now - 6 * DAY
    reminders = sorted((one.title, (one.at - begun) / DAY) for one in found.differences if one.rule == "quiet")
    assert reminders == [("Remind Ann", 2.0), ("Remind Ann", 5.0), ("Remind Bob", 2.0)]
    short = asked(desk, today(rules=(*RULES, quiet(2 * DAY))), 2 * DAY)
    assert [(one.title, one.cause) for one in short.differences] == [("Remind Ann", "lead:L1")]
    assert asked(desk, today(rules=(*RULES, quiet(5 * DAY))), 7 * DAY).differences[0].title == "Remind Bob"


def test_a_silence_that_was_answered_in_time_asks_for_nothing(desk: Desk) -> None:
    silence(desk)
    found = asked(desk, today(rules=(*RULES, quiet(4 * DAY))), 7 * DAY)
    assert [one.title for one in found.differences] == ["Remind Bob"]
    never = quiet(2 * DAY, when=(Condition("lead.stage", "eq", "offer"),))
    assert asked(desk, today(rules=(*RULES, never)), 7 * DAY).differences == []


def test_rules_that_count_back_from_a_date_are_asked_too(desk: Desk) -> None:
    crm = Crm(desk)
    crm.say("lead.created", "L1", lead={"name": "Ann", "stage": "new", "expected_close_on": "2026-03-07"})
    crm.say("lead.created", "L2", lead={"name": "Bob", "stage": "new", "expected_close_on": "2026-03-30"})
    desk.forward(days=6)
    near = Rule("near", (), before_field="lead.expected_close_on", before_by=3 * DAY, tasks=(TaskTemplate("note"),))
    found = asked(desk, today(rules=(*RULES, near)), 7 * DAY)
    assert [(one.cause, one.at.date().isoformat()) for one in found.differences] == [("lead:L1", "2026-03-04")]


def test_the_same_waiting_rules_show_no_difference_and_a_shorter_wait_shows_when(desk: Desk) -> None:
    desk.db.close()
    waiting = today(rules=(*RULES, quiet(2 * DAY)))
    other = Desk(desk.db.url, replace(waiting, hash="waiting"))
    silence(other)
    made = Counter(row.title for row in other.rows_of("note"))
    assert made == {"Remind Ann": 2, "Remind Bob": 1}
    same = asked(other, replace(waiting, hash="again"), 7 * DAY)
    assert (what(same), same.planned, same.as_made) == ([], 5, 5)
    sooner = asked(other, today(rules=(*RULES, quiet(DAY))), 7 * DAY)
    assert {one.what for one in sooner.differences} == {"changed"}
    assert {tuple(one.fields or ()) for one in sooner.differences} == {("asked_at",)}
    other.db.close()


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _run(*arguments: str, data: Path) -> Any:
    return CliRunner().invoke(app, ["config", "dry-run", *arguments, "--data", str(data)])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A database with the example's policies and one event of the example's pipeline."""
    folder = tmp_path / "data"
    made = CliRunner().invoke(app, ["config", "apply", str(EXAMPLE), "--data", str(folder)])
    assert made.exit_code == 0, made.output
    return folder


def test_the_command_prints_counts_and_a_stable_json(data: Path, tmp_path: Path) -> None:
    assert _run(str(EXAMPLE), data=data).exit_code == 0
    told = _run(str(EXAMPLE), "--json", "--since", "36h", data=data)
    assert told.exit_code == 0, told.output
    body = json.loads(told.stdout)
    assert body.keys() == {
        "since", "until", "policies", "looked_at", "complete", "replay", "tasks", "due", "kinds_gone", "decisions",
        "notes",
    }  # fmt: skip
    assert body["tasks"] == {"created": 0, "not_created": 0, "changed": 0, "fields": {}, "differences": []}
    assert body["due"] == {"earlier": 0, "later": 0, "new": 0, "none": 0, "differences": []}
    assert body["decisions"] is None


def test_bad_files_and_bad_times_are_told_and_end_with_one(data: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    shutil.copytree(EXAMPLE, bad)
    with (bad / "queues.toml").open("a", encoding="utf-8") as file:
        file.write('\n[queue.extra]\nnme = "Extra"\n')
    told = _run(str(bad), "--json", data=data)
    assert (told.exit_code, json.loads(told.stdout)["ok"]) == (1, False)
    told = _run(str(bad), data=data)
    assert told.exit_code == 1
    assert "queues.toml" in told.output
    for since in ("yesterday", "0d", "2198-01-01T00:00:00Z"):
        told = _run(str(EXAMPLE), "--since", since, data=data)
        assert (told.exit_code, "since" in told.output) == (1, True), told.output
    assert _run(str(EXAMPLE), data=tmp_path / "nowhere").exit_code == 1


def test_findings_are_shown_to_people(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    week(desk)
    urgent = replace(RULES[1], tasks=(replace(RULES[1].tasks[0], priority="urgent"),))
    by_turn = replace(today().queues["desk"], paused=True)
    new = today(
        rules=(urgent, RULES[2]), queues={**today().queues, "desk": by_turn},
        sla={"standard": SlaPolicy("standard", parse_target("2h"))},
    )  # fmt: skip
    dry_runs.show(asked(desk, new), "a" * 32, "b" * 32)
    said = capsys.readouterr().out
    assert "Tasks: 0 more, 3 fewer, 1 otherwise (1 priority)" in said
    assert "priority: high -> urgent" in said
    assert "Due times: 4 earlier, 0 later, 0 new, 0 none" in said
    assert "Decisions in desk: 4 would wait" in said
