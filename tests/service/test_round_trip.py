"""What is exported comes in again as it was: leads, deals with their accounts and contacts, open tasks."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from taskhub.acts import selling
from taskhub.agents import service as agents
from taskhub.db.tables import task
from taskhub.events.model import Event, RecordRef
from taskhub.exporting import nouns, service
from taskhub.policy.policies import Connection
from taskhub.policy.text import LocalText
from taskhub.sales import service as sales
from taskhub.tasks import service as tasks
from tests.service.customs import Customs, lost_rows, policies

ODD = {"name": "=1+1", "company": 'Müller, "Söhne" & Co', "phone": "+49 30 901820", "title": "'=x"}


@pytest.fixture
def desk(database_url: str) -> Iterator[Customs]:
    made = furnished(database_url)
    yield made
    made.db.close()


def furnished(url: str) -> Customs:
    made = Customs(url, policies(connections={"crm": Connection("crm", "pipedrive", LocalText("CRM"))}))
    made.staff("specialists", "zoe", "abe")
    made.staff("front", "finn")
    return made


def fill(desk: Customs) -> None:
    """Records in every state, with fields of their own; tasks that wait, are held, are blocked and are done."""
    for n, stage in enumerate(("new", "known", "ready")):
        fields = {**ODD, "owner": "zoe", "email": f"a{n}@roux.example", "amount": "1234.5", "currency": "EUR"}
        lead = desk.do("zoe", selling.create, "lead", fields, {"colour": "blue", "seats": 3})
        if stage != "new":
            desk.clock.forward(hours=n)
            desk.do("zoe", selling.move, lead.ref, stage)
    desk.do("zoe", selling.lose, lead.ref, "price")
    account = desk.do("admin", selling.create, "account", {"name": "Roux", "email": "x@roux.example"})
    contact = desk.do("admin", selling.create, "contact", {"name": "Ann", "account": account.ref.id})
    links = {"account": account.ref.id, "contact": contact.ref.id, "lead": lead.ref.id}
    for n in range(3):
        desk.clock.forward(minutes=1)
        made = desk.do(
            "admin", selling.create, "deal", {"title": f"D{n}", "amount": n + 0.25, "currency": "EUR", **links}
        )
        if n:
            desk.do("admin", selling.move, made.ref, "signed")
    desk.do("admin", selling.win, made.ref)
    desk.drain()
    mine = desk.make("contract", title="Held", deal=made.ref.id, record=str(made.ref), note="say\n=hi")
    desk.do("admin", tasks.assign, mine, "abe")
    desk.make("billing", title="Waiting", due_at=desk.clock.now.replace(microsecond=0))
    desk.do("admin", tasks.cancel, desk.make("credit", title="Gone"), "x")


def of_the_crm(desk: Customs, *nouns: str) -> None:
    """Records of a CRM, as it tells of them."""
    known: dict[str, dict[str, Any]] = {
        "lead": {"name": "Odile", "company": "Roux", "owner": "zoe", "pipeline": "leads", "stage": "new"},
        "deal": {"title": "Press", "owner": "zoe", "pipeline": "sales", "stage": "offer", "account": "crm:1"},
        "account": {"name": "Asked & Co"},
    }  # fmt: skip
    for noun in nouns:
        ref = RecordRef(noun, "crm:1")
        data = {noun: {**known[noun], "id": ref.id}}
        told = Event("pipedrive:crm", noun, (f"{noun}.created",), desk.clock.now, ref, data, connection="crm")
        desk.do("worker", sales.apply, told, noun)


def exported(desk: Customs, noun: str, format_: str = "csv") -> bytes:
    held = io.BytesIO()
    with desk.db.begin(write=False, snapshot=True) as tx:
        service.write(tx, noun, format_, held.write)
    return held.getvalue()


def open_rows(raw: bytes) -> bytes:
    rows = list(csv.DictReader(io.StringIO(raw.decode(), newline="")))
    held = io.StringIO(newline="")
    writer = csv.DictWriter(held, rows[0])
    writer.writeheader()
    writer.writerows(row for row in rows if row["state"] not in ("completed", "cancelled"))
    return held.getvalue().encode()


def test_there_and_back(desk: Customs, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    fill(desk)
    of_the_crm(desk, "lead", "account", "deal")
    files = {noun: exported(desk, noun) for noun in ("leads", "deals", "tasks")}
    request.getfixturevalue("sqlite_url")
    other = furnished(f"sqlite:///{tmp_path}/other.db")
    other.clock.forward(seconds=(desk.clock.now - other.clock.now).total_seconds())
    try:
        for noun, raw in files.items():
            run = other.brought(noun.removesuffix("s"), open_rows(raw) if noun == "tasks" else raw)
            assert (run.state, run.counts["refused"], lost_rows(run)) == ("ended", {}, 0), noun
        for noun in ("lead", "deal", "account", "contact"):
            mine, theirs = desk.records(noun), other.records(noun)
            assert theirs.keys() == mine.keys()
            assert other.owners(noun) == desk.owners(noun), noun
            for id_, fields in mine.items():
                kept = {name: value for name, value in fields.items() if value is not None}
                assert {name: theirs[id_].get(name) for name in kept} == kept, noun
        period = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
        for line in ("leads", "sales"):
            here, there = desk.report(*period)[line], other.report(*period)[line]
            for name in ("created", "lost", "open", "amounts", "lost_reasons"):
                assert there[name] == here[name], name
        _same_tasks(desk, other)
        again = other.brought("lead", exported(other, "leads"))
        assert (again.counts["new"], again.counts["known"]) == (0, 4)
    finally:
        other.db.close()


def _same_tasks(desk: Customs, other: Customs) -> None:
    names = ("kind", "title", "queue", "agent", "priority", "created_at", "due_at", "lead", "deal", "note", "checklist")
    mine = [row for row in desk.rows(task) if row.state not in ("completed", "cancelled")]
    told = [sorted(repr([getattr(row, name) for name in names]) for row in rows) for rows in (mine, other.rows(task))]
    assert told[1] == told[0]
    assert {row.title: row.state for row in other.rows(task)} == {row.title: row.state for row in mine}


def test_every_noun_in_both_formats_says_the_same(desk: Customs, tmp_path: Path) -> None:
    fill(desk)
    with desk.as_("admin") as tx:
        agents.patch_agent(tx, "zoe", {"external_ids": {"crm": "=7"}})
    for noun in nouns.NOUNS:
        table = list(csv.DictReader(io.StringIO(exported(desk, noun).decode(), newline="")))
        lines = [json.loads(line) for line in exported(desk, noun, "jsonl").splitlines()]
        assert len(table) == len(lines), noun
        assert all(list(row) == list(nouns.COLUMNS[noun]) for row in table)
        assert not [cell for row in table for cell in row.values() if cell[:1] in ("=", "+", "-", "@")], noun
    with desk.db.begin(write=False, snapshot=True) as tx:
        counts = service.to_folder(tx, tmp_path / "all", service.chosen(()), "csv")
        with (tmp_path / "all.zip").open("wb") as file:
            assert service.to_zip(tx, file, service.chosen(()), "csv") == counts
    assert counts["leads"] == 3
    assert json.loads((tmp_path / "all" / "manifest.json").read_text())["rows"] == counts
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        for noun in nouns.NOUNS:
            assert archive.read(f"{noun}.csv") == (tmp_path / "all" / f"{noun}.csv").read_bytes()
    whole = b"".join((tmp_path / "all" / f"{noun}.csv").read_bytes() for noun in nouns.NOUNS)
    assert b"raw" not in whole.splitlines()[0]


def test_an_export_is_one_moment_and_pages_lose_nothing(desk: Customs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that is made while an export is under way is in none of its files."""
    from taskhub.exporting import queries

    monkeypatch.setattr(queries.pages, "__kwdefaults__", {"at_once": 2})
    fill(desk)
    parts: list[bytes] = []
    done: list[Any] = []

    def write(part: bytes) -> None:
        parts.append(part)
        if not done:
            done.append(True)
            desk.do("admin", selling.create, "lead", {"name": "late"})

    with desk.db.begin(write=False, snapshot=True) as tx:
        assert service.write(tx, "leads", "csv", write) == 3
        assert service.write(tx, "deals", "csv", parts.append) == 3
    assert b"late" not in b"".join(parts)
    assert b"late" in exported(desk, "leads")


def test_what_there_is_not_is_told_with_what_there_is() -> None:
    with pytest.raises(Exception, match="did you mean leads"):
        service.chosen(["leds"])
