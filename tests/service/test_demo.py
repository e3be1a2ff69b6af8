"""The demo: its story is repeatable and bounded, and as a process it works, ends in order and goes on later."""

from __future__ import annotations

import io
import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select

from taskhub import bootstrap
from taskhub.access import service as access
from taskhub.acts.activate import activate
from taskhub.cli import place
from taskhub.clock import DemoClock, real_now
from taskhub.db.tables import history
from taskhub.demo import store, time, visitors
from taskhub.demo.people import plan
from taskhub.demo.queries import Person, Picture
from taskhub.demo.settle import settle
from taskhub.demo.story import MOST_LIVES, Scene, Story
from taskhub.demo.view import Frame, draw
from taskhub.demo.watch import Moment
from taskhub.demo.words import WORDS
from taskhub.errors import InvalidInput
from taskhub.events.cloudevents import read_cloudevents
from taskhub.metrics.invariants import queries as invariants
from taskhub.settings import Settings
from tests.service.test_server import Process, taskhub

MONDAY = datetime(2026, 8, 24, 7, 0, tzinfo=UTC)


def scene() -> Scene:
    set_ = bootstrap.policies(bootstrap.read_config(bootstrap.example_config()))
    long, *_, short = time.calendars_in_use(set_)
    stages = ["new", "contacted", "qualified", "ready"], ["discovery", "proposal", "signature"]
    return Scene(*stages, ["no_need"], ["price"], ["rita", "sam"], long, short)


def told(seed: int, hours: int = 40) -> list[dict[str, Any]]:
    story = Story(scene(), Random(seed), "r", MONDAY)
    return [event for step in range(hours * 6) for event in story.due(MONDAY + timedelta(minutes=10 * step), 100)]


def test_the_same_seed_tells_the_same_story() -> None:
    assert told(1) == told(1)
    assert told(1) != told(2)


def test_a_story_has_leads_deals_won_and_lost_and_every_event_can_be_read() -> None:
    events = told(1)
    types = {event["type"] for event in events}
    assert types == {
        "lead.created", "lead.stage_changed", "lead.converted", "lead.lost", "deal.created", "deal.stage_changed",
        "deal.won", "deal.lost",
    }  # fmt: skip
    assert len({event["id"] for event in events}) == len(events)
    for event in events:
        [one] = read_cloudevents({"content-type": "application/json"}, json.dumps(event).encode(), MONDAY)
        assert one.outcome == "accepted", one.reason


def test_a_story_that_nobody_listens_to_does_not_grow() -> None:
    story = Story(scene(), Random(1), "r", MONDAY)
    for day in range(60):
        story.due(MONDAY + timedelta(days=day), 0)
    assert len(story._due) <= MOST_LIVES
    late = story.due(MONDAY + timedelta(days=61), 1000, room=False)
    assert not [event for event in late if event["type"] == "lead.created" and event["id"] == "never"]


def test_the_demo_begins_on_a_monday_at_least_thirteen_weeks_back() -> None:
    for hours in range(0, 24 * 14, 5):
        now = datetime(2026, 11, 16, tzinfo=UTC) + timedelta(hours=hours)
        start = time.first_monday(now, "Europe/Paris")
        assert (start.weekday(), start.hour, start.minute) == (0, 9, 0)
        assert timedelta(weeks=13) <= now - start < timedelta(weeks=14, days=1)


def test_what_is_said_of_later_is_never_a_skipped_hour() -> None:
    evening, morning = MONDAY + timedelta(hours=11), MONDAY + timedelta(hours=24)
    spans = ((MONDAY, evening), (morning, morning + timedelta(hours=11)))
    clock = DemoClock(real_now() - timedelta(hours=10, minutes=58), 1, spans)
    assert MONDAY < time.later(clock, 1, 0) <= evening
    assert morning < time.later(clock, 1, 10) < morning + timedelta(minutes=60)


def test_people_fit_the_example_queues() -> None:
    set_ = bootstrap.policies(bootstrap.read_config(bootstrap.example_config()))
    found = plan(set_, {"contract-desk": "specialist", "front-line": "front_line"}, "fr")
    teams = [one["team"] for one in found.people if one["roles"] == ["agent"]]
    assert (teams.count("contract-desk"), teams.count("front-line")) == (4, 8)
    assert set(found.leaders) == {"contract-desk", "front-line"}
    assert {one["language"] for one in found.people} == {"fr"}


def test_a_database_with_real_work_is_left_alone(sqlite_url: str) -> None:
    from taskhub.db.database import Database
    from taskhub.flow import FLOW

    db = Database(sqlite_url, flow=FLOW, loader=bootstrap.policies)
    calendars = [scene().customers]
    with db.begin() as tx:
        time.start_clock(tx, calendars, 60)
        tx.record("team", "x", "create", {})
    with db.begin() as tx:
        assert tx.now < tx.real_now - timedelta(weeks=12)
        assert time.start_clock(tx, calendars, 60) == 1
        tx.conn.exec_driver_sql("DELETE FROM demo_clock")
    with db.begin() as tx, pytest.raises(InvalidInput, match="Real work"):
        time.start_clock(tx, calendars, 60)
    db.close()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_view_draws_whatever_there_is(language: str) -> None:
    from rich.console import Console

    people = (Person("ana", "Ana [Silva]", "desk", "away", MONDAY, ("Contract for [bold]Alpha",)),)
    picture = Picture(MONDAY, {("desk", "queued"): 2}, {"desk": MONDAY - timedelta(hours=30)}, {"at_risk": 1}, people)
    moment = Moment(MONDAY, "completed: [x]", "complete")
    frame = Frame(picture, "http://x", 60, 3, 1, "UTC", WORDS[language], {"desk": "Desk"}, (moment,), (moment,))
    for width in range(1, 20):
        Console(width=width, file=io.StringIO()).print(draw(frame))
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(draw(frame))
    console.file.close()
    text = console.export_text()
    assert "30:00" in text
    assert "[bold]Alpha" in text


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize(("width", "height", "people"), [(80, 24, 0), (100, 30, 4), (140, 40, 12), (60, 12, 0)])
def test_the_story_is_seen_on_every_terminal(language: str, width: int, height: int, people: int) -> None:
    from rich.console import Console

    words, set_ = WORDS[language], bootstrap.policies(bootstrap.read_config(bootstrap.example_config()))
    queues = {key: queue.name.in_(language) for key, queue in set_.queues.items()}
    staff = tuple(Person(f"p{n}", f"Person {n}", "desk", "available", None, ("x" * 90,)) for n in range(12))
    moments = [Moment(MONDAY + timedelta(minutes=n), f"move {n}: {'why ' * 22}end", "offer") for n in range(40)]
    alarms = [Moment(MONDAY, f"late {n}", "sla.breached", alarm=True) for n in range(12)]
    picture = Picture(MONDAY, people=staff)
    frame = Frame(picture, "http://127.0.0.1:8000", 60, 44, 0, "UTC", words, queues, moments, alarms)
    out = io.StringIO()
    Console(width=width, height=height, file=out).print(draw(frame))
    lines = out.getvalue().splitlines()
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    top, just, late = (
        next(at for at, line in enumerate(lines) if word in line)
        for word in (words["stop"][-5:], words["decisions"], words["alarms"])
    )
    assert top < just < late
    assert late - just - 1 >= (5 if height >= 24 else 2)
    assert [line for line in lines[just:late] if line.strip().endswith("end")]
    assert "move 39" in "".join(lines[just:late])
    assert "late 11" in "".join(lines[late:])
    if height >= 24:
        assert all(any(line.startswith(name) for line in lines[late:]) for name in queues.values())
    assert sum("Person " in line for line in lines) >= people


def test_both_languages_have_the_same_words() -> None:
    assert WORDS["en"].keys() == WORDS["fr"].keys()


def test_visitors_keep_their_keys_while_the_database_accepts_them(tmp_path: Path) -> None:
    chosen = Settings(data=tmp_path)
    bootstrap.make_tables(chosen)
    db = bootstrap.database(chosen)
    texts = bootstrap.read_config(bootstrap.example_config())
    with db.begin() as tx:
        activate(tx, bootstrap.policies(texts), texts)

    def start() -> dict[str, str]:
        kept = visitors.kept(chosen, db)
        with db.begin() as tx:
            staff = settle(tx, "en", kept)
        visitors.keep(chosen, staff)
        return {role: key for role, _, key in staff.personas}

    first = start()
    path = tmp_path / visitors.FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert start() == first
    with db.begin() as tx:
        access.revoke_key(tx, first["admin"].split("_")[2])
        access.revoke_key(tx, first["agent"].split("_")[2])
    second = start()
    assert {role for role in first if first[role] != second[role]} == {"admin", "agent"}
    told = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**told, "admin": told["auditor"], "rep": 1}), encoding="utf-8")
    third = start()
    assert {role for role in second if second[role] != third[role]} == {"admin", "rep"}
    path.write_text("[", encoding="utf-8")
    assert not set(start().values()) & set(third.values())
    db.close()


def keys_of(process: Process) -> dict[str, str]:
    found = {}
    for role in ("agent", "rep", "manager", "admin", "integration", "auditor"):
        found[role] = process.until(f"  {role} (").split()[-1]
    return found


@pytest.mark.slow
def test_the_demo_works_ends_in_order_and_goes_on_later(tmp_path: Path) -> None:
    words = ("demo", "--data", str(tmp_path), "--port", "0", "--speed", "600", "--seconds")
    with taskhub(*words, "12") as process:
        keys = keys_of(process)
        assert len(set(keys.values())) == 6
        process.until("→")
        process.until("completed")
        assert process.child.wait(40) == 0
        assert "goes on with it" in process.until("has ended")
    with place.existing(tmp_path) as db, db.read() as tx:
        before = store.newest(tx.conn)
        assert invariants.broken(tx.conn, tx.now, deep=True) == []
        assert tx.conn.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert tx.conn.exec_driver_sql("SELECT count(*) FROM message WHERE dead_at IS NOT NULL").scalar() == 0
        assert tx.conn.exec_driver_sql("SELECT count(*) FROM task WHERE state = 'completed'").scalar() > 0
    with taskhub(*words, "60") as process:
        assert keys_of(process) == keys
        process.until("completed")
        assert process.end(signal.SIGINT)[0] == 0
    assert not [line for line in process.errors if "Traceback" in line], process.errors
    with place.existing(tmp_path) as db, db.read() as tx:
        first = tx.conn.execute(select(func.min(history.c.at)).where(history.c.row > before[0])).scalar_one()
        assert first >= before[1]
        assert invariants.broken(tx.conn, tx.now, deep=True) == []
