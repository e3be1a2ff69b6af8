"""``taskhub duplicates merge`` and ``unmerge``: what a look at everything found, accepted in bulk and taken back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from taskhub.acts import selling
from taskhub.cli import place
from taskhub.events.model import RecordRef
from taskhub.sales import service as sales
from taskhub.sales.duplicates import denials, runs
from taskhub.testing import organisation as org
from taskhub.testing.drain import drain

Run = Callable[..., Result]
PEOPLE = ("Jane Smith", "John Miller", "Ann Roux", "Zoe Klein")


def person(name: str) -> dict[str, str]:
    return {"name": name, "company": f"{name.split()[1]} Works", "email": f"{name.replace(' ', '.').lower()}@x.org"}


@pytest.fixture
def run(run: Run, data: Path) -> Run:
    with place.existing(data) as db:
        with db.begin(org.ADMIN, act="lead.create") as tx:
            made = [selling.create(tx, "lead", person(name)).ref for name in PEOPLE for _ in range(3)]
            denials.deny(tx, made[9], made[10])
        with db.begin() as tx:
            runs.begin(tx)
        drain(db)
    return run


def said(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def gone(data: Path) -> list[str]:
    with place.existing(data) as db, db.read() as tx:
        found, _ = sales.find(tx, "lead", {}, None, 100)
        return sorted(str(state.fields["name"]) for state in found)


def test_a_preview_writes_nothing_and_a_batch_is_done_and_taken_back(run: Run, data: Path) -> None:
    before = gone(data)
    would = said(run("duplicates", "merge", "--least", "90", "--json"))
    assert (would["batch"], set(would["counts"])) == (None, {"would_merge"})
    assert gone(data) == before
    done = said(run("duplicates", "merge", "--least", "90", "--yes", "--json"))
    assert done["counts"]["merged"] == 7
    assert gone(data) == ["Ann Roux", "Jane Smith", "John Miller", "Zoe Klein", "Zoe Klein"]
    left = [one["why"] for one in done["items"] if one["outcome"] == "left"]
    assert set(left) == {"already_merged", "not_the_same"}
    assert said(run("duplicates", "merge", "--least", "90", "--yes", "--json"))["batch"] is None
    back = said(run("duplicates", "unmerge", done["batch"], "--json"))
    assert (len(back["back"]), back["left"]) == (7, [])
    assert gone(data) == before
    with place.existing(data) as db:
        drain(db)
        with db.read() as tx:
            for record in back["back"]:
                noun, _, id_ = record.partition(":")
                assert not sales.get(tx, RecordRef(noun, id_)).fields["deleted"]


def test_words_for_people(run: Run) -> None:
    shown = run("duplicates", "merge", "--least", "90", "--most", "2").stdout
    assert "2 would merge" in shown
    done = run("duplicates", "merge", "--least", "90", "--most", "2", "--yes").stdout
    assert "2 merged" in done
    batch = done.split("unmerge ")[1].strip()
    assert "2 records are themselves again, 0 merges stay." in run("duplicates", "unmerge", batch).stdout
    assert "No pair is that likely" in run("duplicates", "merge", "--least", "100", "--noun", "account").stdout
    for words in (("merge", "--noun", "deal"), ("unmerge", "none")):
        refused = run("duplicates", *words)
        assert refused.exit_code != 0
        assert "Traceback" not in refused.output
