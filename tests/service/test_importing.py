"""Files come in: looked at without a trace, brought in once whatever happens, refused row by row, taken back whole."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhub import failpoints
from taskhub.acts import selling
from taskhub.db.tables import event, task
from taskhub.db.tables_duplicates import duplicate_print
from taskhub.db.tables_importing import import_made, import_piece
from taskhub.db.tables_sales import RECORDS, stage_change
from taskhub.errors import Conflict, InvalidInput
from taskhub.events.model import Event, RecordRef
from taskhub.importing import handing_in, pieces, service
from taskhub.metrics.invariants.queries import broken
from taskhub.sales import service as sales
from taskhub.tasks import service as tasks
from tests.service.customs import Customs, lost_rows

LEADS = "ID,Name,Company,E-mail,Owner,Stage,Status,Created\n"
ONE = "1,Ann,Roux,ann@roux.example,Zoe,Known,,2026-01-05\n"


@pytest.fixture
def desk(database_url: str) -> Iterator[Customs]:
    made = Customs(database_url)
    made.staff("specialists", "zoe", "abe")
    yield made
    made.db.close()


def lines(count: int) -> str:
    return LEADS + "".join(f"{n},Ann {n},Roux {n},ann{n}@roux.example,zoe,new,,2026-01-05\n" for n in range(count))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces so small that a short file has many."""
    monkeypatch.setattr(handing_in, "AT_ONCE", 3)


def test_a_look_leaves_no_trace_and_says_what_would_be(desk: Customs) -> None:
    run = desk.handed_in("lead", LEADS + ONE + "2,Bob,,bob@x,Zoe,new,,\n3,Cy,,,Zo,new,,\n")
    assert (run.state, run.total, run.counts["new"]) == ("checked", 3, 1)
    assert run.counts["refused"] == {"invalid_input": 1, "unknown_owner": 1}
    assert run.counts["tasks"] == 1
    assert run.preview["rows"][0]["owner"] == "zoe"
    assert "did you mean" in run.preview["rows"][2]["message"]
    assert desk.records("lead") == {}
    assert desk.count(task) == desk.count(stage_change) == desk.count(event) == 0


def test_a_lead_comes_in_with_its_own_dates_and_no_rule_fires(desk: Customs) -> None:
    run = desk.brought("lead", LEADS + ONE)
    assert (run.state, run.counts["new"], run.counts["refused"]) == ("ended", 1, {})
    (row,) = desk.rows(RECORDS["lead"])
    assert (row.owner, row.stage, row.status, row.version) == ("zoe", "known", "open", 1)
    assert row.first_seen_at == datetime(2026, 1, 5, tzinfo=UTC)
    (move,) = desk.rows(stage_change)
    assert (move.type, move.at, move.source) == ("lead.created", datetime(2026, 1, 5, tzinfo=UTC), "import")
    assert desk.count(task) == 0
    with desk.db.read() as tx:
        assert [one["act"] for one in sales.history(tx, RecordRef("lead", "1"))] == ["lead.created", "import"]
    assert desk.count(import_piece) == 0


def test_rules_fire_where_that_is_wanted_after_the_look_has_said_how_often(desk: Customs) -> None:
    run = desk.handed_in("lead", lines(3))
    assert run.counts["tasks"] == 3
    desk.do("admin", service.start, run.id, create_tasks=True)
    desk.drain()
    assert [row.title for row in desk.rows_of("billing")] == ["Call Ann 0", "Call Ann 1", "Call Ann 2"]
    assert len(desk.rows(stage_change)) == 3
    undone = desk.undone(run)
    assert (undone.state, undone.counts["undone"], undone.counts["kept"]) == ("undone", 3, 0)
    assert {row.state for row in desk.rows_of("billing")} == {"cancelled"}
    assert desk.rows(stage_change) == []


def test_the_same_file_twice_changes_nothing(desk: Customs) -> None:
    text = lines(5) + ONE.replace("1,Ann", "1,Eve")
    assert desk.brought("lead", text).counts["known"] == 1
    before = desk.records("lead")
    again = desk.brought("lead", text.replace("Roux", "Other"))
    assert (again.counts["new"], again.counts["known"], lost_rows(again)) == (0, 6, 0)
    assert desk.records("lead") == before


def test_rows_without_an_id_are_known_by_all_they_say(desk: Customs) -> None:
    text = "Name,Company\nAnn,Roux\nAnn,Roux\nAnn,Blanc\n"
    assert desk.brought("lead", text).counts["new"] == 2
    assert desk.brought("lead", text).counts["known"] == 3


BAD = [
    ("4,Ann,Roux,ann@roux.example,nobody,new,,\n", "unknown_owner"),
    ("4,Ann,Roux,ann@roux.example,zoe,nw,,\n", "unknown_stage"),
    ("4,Ann,Roux,ann@roux.example,zoe,new,perhaps,\n", "unknown_status"),
    ("4,Ann,Roux,ann@roux.example,zoe,new,,tomorrow\n", "bad_value"),
    ("4,Ann,Roux,ann@roux.example,zoe,new,,2199-01-01\n", "time_in_future"),
    ("4,Ann,Roux,not an address,zoe,new,,\n", "invalid_input"),
    ("4,Ann,Roux\n", "column_count"),
    ("4,Ann,Roux,a@b.example,zoe,new,,,more\n", "column_count"),
    ("4,A\x00n,Roux,a@b.example,zoe,new,,\n", "bad_text"),
    (f"4,{'A' * 501},Roux,a@b.example,zoe,new,,\n", "invalid_input"),
    (f"{'4' * 201},Ann,Roux,a@b.example,zoe,new,,\n", "bad_value"),
    ('4,"Ann"x,Roux,a@b.example,zoe,new,,\n', "broken_quotes"),
    (f"4,{'A' * 200_000},Roux,a@b.example,zoe,new,,\n", "row_too_long"),
]


@pytest.mark.parametrize(("row", "reason"), BAD)
def test_a_bad_row_is_refused_with_its_reason_and_kept_as_it_came(desk: Customs, row: str, reason: str) -> None:
    run = desk.brought("lead", LEADS + ONE + row + "9,Last,,,,,,\n")
    assert (run.counts["new"], run.counts["refused"]) == (2, {reason: 1})
    (refusal,) = desk.refusals(run)
    assert (refusal.line, refusal.reason) == (3, reason)
    assert refusal.raw[:2] == row[:2]
    assert refusal.message


MONEY = [
    ("5,EURO,", "unknown_currency"), ("5,eur,", "unknown_currency"), ("1.5,JPY,", "amount_invalid"),
    ("-5,EUR,", "amount_invalid"), ("x,EUR,", "amount_invalid"), ("1234567890123456,EUR,", "amount_invalid"),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "reason"), MONEY)
def test_money_that_cannot_be_paid_is_refused(desk: Customs, cells: str, reason: str) -> None:
    run = desk.brought("lead", f"Name,Amount,Currency,Lost reason\nAnn,{cells}\n")
    assert run.counts["refused"] == {reason: 1}


def test_formulas_are_text(desk: Customs) -> None:
    desk.brought("lead", "ID,Name,Company\n1,=1+1,\"'=cmd()\"\n2,'t Hooft,@home\n")
    assert {id_: (one["name"], one["company"]) for id_, one in desk.records("lead").items()} == {
        "1": ("=1+1", "=cmd()"), "2": ("'t Hooft", "@home"),
    }  # fmt: skip


DEALS = "Opportunity,Account,Contact,Contact e-mail,Owner,Stage,Value,Currency,Created,Close date\n"


def test_deals_come_with_their_accounts_and_contacts_each_made_once(desk: Customs) -> None:
    text = DEALS + (
        'A,Roux,Ann,ann@roux.example,zoe,Won,"1,000.50",EUR,2026-01-05,2026-02-01\n'
        "B, ROUX ,Ann,Ann@Roux.example,zoe,Offer,7,EUR,2026-01-06,\n"
        "C,Blanc,,,abe,Lost,,,2026-01-07,2026-01-08\n"
    )
    run = desk.brought("deal", text, {"columns": {
        "Opportunity": "title", "Account": "account.name", "Contact": "contact.name", "Contact e-mail": "contact.email",
        "Owner": "owner", "Stage": "stage", "Value": "amount", "Currency": "currency", "Created": "created_at",
        "Close date": "closed_at",
    }})  # fmt: skip
    assert (run.counts["new"], run.counts["accounts"], run.counts["contacts"]) == (3, 2, 1)
    deals = {one["title"]: one for one in desk.records("deal").values()}
    assert deals["A"]["account"] == deals["B"]["account"] != deals["C"]["account"]
    assert (deals["A"]["status"], deals["A"]["amount"], "stage" in deals["A"]) == ("won", 1000.5, False)
    assert (deals["B"]["status"], deals["B"]["stage"], deals["C"]["status"]) == ("open", "offer", "lost")
    (contact,) = desk.records("contact").values()
    assert (contact["name"], contact["account"]) == ("Ann", deals["A"]["account"])
    report = desk.report(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))["sales"]
    assert (report["created"], report["won"], report["lost"], report["open"]) == (3, 1, 1, 1)
    assert report["amounts"] == {"EUR": "1000.50"}
    undone = desk.undone(run)
    assert (undone.counts["undone"], undone.counts["kept"]) == (6, 0)
    assert [desk.count(RECORDS[noun]) for noun in ("deal", "account", "contact")] == [0, 0, 0]
    assert desk.count(duplicate_print) == desk.count(stage_change) == desk.count(import_made) == 0
    assert desk.brought("deal", text, dict(run.mapping)).counts["new"] == 3


def test_an_account_that_is_there_is_used_and_stays(desk: Customs) -> None:
    account = desk.do("admin", selling.create, "account", {"name": "Roux"})
    desk.drain()
    run = desk.brought("deal", "Title,Account name\nA,roux\n")
    (deal,) = desk.records("deal").values()
    assert deal["account"] == account.ref.id
    assert run.counts["accounts"] == 0
    desk.undone(run)
    assert desk.count(RECORDS["account"]) == 1
    missing = desk.brought("deal", "Title,Account,Account name\nA,none,\nB,mine,Mine\n")
    assert missing.counts["refused"] == {"unknown_record": 1}
    assert desk.records("account")["mine"]["name"] == "Mine"


def test_who_has_gone_on_with_a_record_keeps_it_and_all_the_rest(desk: Customs) -> None:
    run = desk.brought("lead", lines(4))
    desk.do("zoe", selling.patch, RecordRef("lead", "2"), 1, {"company": "Other"})
    desk.drain()
    with pytest.raises(Conflict) as error:
        desk.do("admin", service.undo, run.id)
    assert (error.value.stable_code, error.value.fields["touched"]) == ("import_touched", {"leads": 1})
    assert error.value.fields["some"] == ["lead:2"]
    assert len(desk.records("lead")) == 4
    assert desk.run(run.id).state == "ended"


def test_an_event_from_elsewhere_and_work_for_a_record_count_as_touched(desk: Customs) -> None:
    run = desk.brought("lead", lines(3))
    said = Event(
        "crm", "e1", ("lead.updated",), desk.clock.now, RecordRef("lead", "0"), {"lead": {"id": "0", "phone": "1"}}
    )
    with desk.db.begin() as tx:
        sales.apply(tx, said)
    desk.make("contract", lead="1", record="lead:1")
    with pytest.raises(Conflict) as error:
        desk.do("admin", service.undo, run.id)
    assert error.value.fields["touched"] == {"leads": 2}


def test_what_is_touched_while_it_is_taken_back_stays_and_is_counted(desk: Customs, small: None) -> None:
    run = desk.brought("lead", lines(5))
    desk.do("admin", service.undo, run.id)
    desk.do("zoe", selling.patch, RecordRef("lead", "4"), 1, {"company": "Other"})
    desk.drain()
    undone = desk.run(run.id)
    assert (undone.state, undone.counts["undone"], undone.counts["kept"]) == ("undone", 4, 1)
    assert list(desk.records("lead")) == ["4"]


TASKS = "Ref;Kind;Subject;Assigned to;Created;Due;Priority;Waiting for;Until;Steps\n"


def test_the_backlog_of_yesterday_is_taken_over_as_it_is(desk: Customs) -> None:
    created, due = desk.clock.now - timedelta(days=9), desk.clock.now + timedelta(days=2)
    until = desk.clock.now + timedelta(days=1)
    days = [at.strftime("%d.%m.%Y") for at in (created, due, until)]
    text = TASKS + (
        f"T1;Contract;Write it;zoe;{days[0]};{days[1]};high;;;\n"
        f"T2;contract;Wait;zoe;{days[0]};;;Customer;{days[2]};\n"
        f"T3;Credit check;Look;;{days[0]};;;;;\n"
        f"T4;credit;Later;;{days[0]};;;;{days[2]};\n"
        f"T5;credit;None;nobody;{days[0]};;;;;\n"
        f"T6;credt;None;;{days[0]};;;;;\n"
    )
    names = ["id", "kind", "title", "owner", "created_at", "due_at", "priority", "waiting_reason", "waiting_until",
             "checklist"]  # fmt: skip
    heads = TASKS.strip().split(";")
    run = desk.brought("task", text, {"columns": dict(zip(heads, names, strict=True))})
    assert (run.counts["new"], run.counts["refused"]) == (4, {"unknown_owner": 1, "unknown_kind": 1})
    by = {row.title: row for row in desk.rows(task)}
    assert {title: row.state for title, row in by.items()} == {
        "Write it": "assigned", "Wait": "paused", "Look": "assigned", "Later": "blocked",
    }  # fmt: skip
    midnight = created.replace(hour=0, minute=0, second=0, microsecond=0)
    assert {row.created_at for row in by.values()} == {midnight}
    assert (by["Write it"].agent, by["Write it"].priority, by["Write it"].explicit_due) == ("zoe", 2, True)
    assert (by["Wait"].paused_reason, by["Wait"].agent, by["Wait"].started_at) == ("waiting_customer", "zoe", None)
    assert by["Look"].ready_at == midnight
    assert by["Look"].sla_state == "breached"
    again = desk.brought("task", text, dict(run.mapping))
    assert (again.counts["new"], again.counts["known"]) == (0, 4)
    undone = desk.undone(run)
    assert (undone.counts["undone"], undone.counts["kept"]) == (4, 0)
    assert {row.state for row in desk.rows(task)} == {"cancelled"}
    assert desk.brought("task", text, dict(run.mapping)).counts["new"] == 4


def test_who_has_more_than_they_can_hold_keeps_it_aside(desk: Customs) -> None:
    text = "ID,Kind,Owner\n" + "".join(f"{n},contract,zoe\n" for n in range(5))
    desk.brought("task", text)
    states = [row.state for row in desk.rows(task)]
    assert sorted(states) == ["assigned"] * 3 + ["paused"] * 2
    aside = [row for row in desk.rows(task) if row.state == "paused"]
    assert {(row.agent, row.paused_reason) for row in aside} == {("zoe", "set_aside")}
    with desk.db.read() as tx:
        assert broken(tx.conn, tx.now, deep=True) == []


def test_a_task_that_was_begun_stands_in_the_way(desk: Customs) -> None:
    run = desk.brought("task", "ID,Kind,Owner\n1,contract,zoe\n2,contract,zoe\n")
    first = desk.rows(task)[0]
    desk.do("zoe", tasks.start, first.id)
    with pytest.raises(Conflict) as error:
        desk.do("admin", service.undo, run.id)
    assert error.value.fields["touched"] == {"tasks": 1}


def test_only_open_work_of_people_who_are_there(desk: Customs) -> None:
    rows = (
        "contract,completed,,,,",
        "contract,,,Customer,,",
        "contract,,,,17,",
        "contract,,,,,front",
        "contract,odd,,,,",
    )
    text = "\n".join(("Kind,State,Owner,Waiting reason,Lead,Queue", *rows))
    run = desk.brought("task", text)
    assert run.counts["refused"] == {
        "not_open": 1, "owner_missing": 1, "unknown_record": 1, "kind_not_in_queue": 1, "unknown_status": 1,
    }  # fmt: skip


def test_an_import_is_started_once_and_only_when_it_was_looked_at(desk: Customs) -> None:
    run = desk.do("admin", service.hand_in, desk.file("lead", lines(1)))
    with pytest.raises(Conflict) as error:
        desk.do("admin", service.start, run.id)
    assert error.value.stable_code == "import_checking"
    desk.drain()
    with pytest.raises(Conflict) as error:
        desk.do("admin", service.undo, run.id)
    assert error.value.stable_code == "import_not_ended"
    desk.do("admin", service.start, run.id)
    with pytest.raises(Conflict) as error:
        desk.do("admin", service.start, run.id)
    assert error.value.stable_code == "import_started"
    desk.drain()
    desk.undone(run)
    with pytest.raises(Conflict):
        desk.do("admin", service.undo, run.id)


def test_a_file_without_rows_ends_as_well(desk: Customs) -> None:
    run = desk.brought("lead", LEADS)
    assert (run.state, run.total, run.counts["new"]) == ("ended", 0, 0)


class Died(Exception):
    pass


PLACES = (
    "importing.brought", "importing.kept", "importing.stepped", "arriving.records", "arriving.made",
    "arriving.withdrawn", "arriving.taken_out", "importing.undone",
)  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.usefixtures("small")
def test_a_crash_at_any_place_neither_loses_nor_doubles_a_row(desk: Customs, place: str) -> None:
    noun = "task" if place in ("arriving.made", "arriving.withdrawn") else "lead"
    text = "ID,Kind\n" + "".join(f"{n},contract\n" for n in range(8)) if noun == "task" else lines(8)
    run = desk.handed_in(noun, text)
    struck = 0

    def strike(name: str) -> None:
        nonlocal struck
        struck += name == place
        if name == place and struck in (1, 3):
            raise Died

    def until_done() -> None:
        failpoints.arm(strike)
        try:
            for _ in range(100):
                with desk.db.read() as tx:
                    state = service.get(tx, run.id).state
                if state in ("ended", "undone"):
                    return
                try:
                    with desk.db.begin() as tx:
                        pieces.advance(tx, run.id)
                except Died:
                    continue
        finally:
            failpoints.arm(None)

    desk.do("admin", service.start, run.id)
    until_done()
    ended = desk.run(run.id)
    assert (ended.counts["new"], lost_rows(ended)) == (8, 0)
    table: Any = task if noun == "task" else RECORDS["lead"]
    assert desk.count(table) == 8
    desk.do("admin", service.undo, run.id)
    until_done()
    assert desk.run(run.id).counts["undone"] == 8
    assert struck >= 1


def test_mappings_are_kept_under_a_name(desk: Customs) -> None:
    body = {"columns": {"A": "name"}}
    desk.do("admin", service.save_mapping, "lead", "mine", body)
    assert desk.brought("lead", "A,B\nAnn,x\n", "mine").counts["new"] == 1
    assert [one["name"] for one in desk.records("lead").values()] == ["Ann"]
    with pytest.raises(InvalidInput, match="did you mean mine"):
        desk.file("lead", "A\nx\n", "mime")
    with pytest.raises(InvalidInput):
        desk.do("admin", service.save_mapping, "lead", "No Name", body)


def test_likely_doubles_are_shown_before_they_are_made(desk: Customs) -> None:
    desk.brought("lead", LEADS + ONE)
    run = desk.handed_in("lead", "Name,Company,E-mail\nANN,roux,ann@roux.example\nZed,Other,zed@other.example\n")
    assert [(one["line"], one["record"]) for one in run.preview["doubles"]] == [(2, "lead:1")]


@pytest.mark.usefixtures("small")
def test_two_files_at_once_make_each_record_once(desk: Customs) -> None:
    text = "ID,Title,Account name\n" + "".join(f"{n},Deal {n},Firm {n % 4}\n" for n in range(40))
    runs = [desk.handed_in("deal", text) for _ in "ab"]
    for run in runs:
        desk.do("admin", service.start, run.id)
    gate = threading.Barrier(2)

    def work(run_id: str) -> None:
        gate.wait()
        state = "running"
        while state == "running":
            with desk.db.begin() as tx:
                done = pieces.advance(tx, run_id)
            state = done.state if done else ""

    with ThreadPoolExecutor(2) as both:
        list(both.map(work, [run.id for run in runs]))
    ended = [desk.run(run.id) for run in runs]
    assert sum(run.counts["new"] for run in ended) == sum(run.counts["known"] for run in ended) == 40
    assert sum(run.counts["accounts"] for run in ended) == len(desk.records("account")) == 4
    assert len(desk.records("deal")) == 40


@pytest.mark.usefixtures("small")
def test_an_import_under_way_can_be_taken_back_as_well(desk: Customs) -> None:
    run = desk.handed_in("lead", lines(9))
    desk.do("admin", service.start, run.id)
    with desk.db.begin() as tx:
        pieces.advance(tx, run.id)
    assert len(desk.records("lead")) == 3
    undone = desk.undone(run)
    assert (undone.state, undone.counts["undone"], desk.records("lead")) == ("undone", 3, {})
    assert desk.count(import_piece) == 0
