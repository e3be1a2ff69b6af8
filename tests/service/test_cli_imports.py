"""``taskhub import`` and ``taskhub export``: what people see, and a file that goes on where its process was killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from taskhub.cli import place
from taskhub.db.tables_sales import lead
from taskhub.importing import service
from taskhub.importing.model import RUNNING

Run = Callable[..., Result]
ROWS = 1_500


@pytest.fixture
def leads(tmp_path: Path) -> Path:
    path = tmp_path / "leads.csv"
    path.write_text("ID;Name;Stage;Amount\n" + "".join(f"{n};Ann {n};new;1,5\n" for n in range(ROWS)), "utf-8")
    return path


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_look_bring_in_take_back_and_take_out(run: Run, leads: Path, tmp_path: Path) -> None:
    leads.write_text("ID,Name,Stage\n1,Ann,New\n2,Bob,nw\n", "utf-8")
    said = told(run("import", "leads", leads, "--dry-run", "--json"))
    assert (said["state"], said["new"], said["refused"], said["tasks"]) == ("preview", 1, {"unknown_stage": 1}, 1)
    assert told(run("import", "list", "--json")) == []
    shown = run("import", "leads", leads, "--dry-run").stdout
    assert "did you mean new?" in shown
    brought = told(run("import", "leads", leads, "--save-map", "mine", "--json"))
    assert (brought["state"], brought["new"]) == ("ended", 1)
    assert told(run("import", "leads", leads, "--map", "mine", "--json"))["known"] == 1
    assert run("import", "refused", brought["id"], tmp_path / "refused.csv").exit_code == 0
    assert (tmp_path / "refused.csv").read_text("utf-8").splitlines()[1].startswith("3,unknown_stage,")
    assert told(run("export", tmp_path / "out", "--json"))["rows"]["leads"] == 1
    assert told(run("export", tmp_path / "out.zip", "--only", "leads,tasks", "--json"))["rows"] == {
        "leads": 1,
        "tasks": 0,
    }
    assert told(run("import", "undo", brought["id"], "--json"))["state"] == "undone"
    assert told(run("export", tmp_path / "out", "--format", "jsonl", "--json"))["rows"]["leads"] == 0


def test_what_is_shown_of_rows_is_what_would_come_of_them(run: Run, tmp_path: Path) -> None:
    """Rows that name a lead nobody knows are refused by the house, not by their own words."""
    path = tmp_path / "tasks.csv"
    path.write_text("ID,Kind,Title,Lead\n1,contract,Call,none\n2,contract,Call,\n", "utf-8")
    said = told(run("import", "tasks", path, "--dry-run", "--json"))
    assert said["refused"] == {"unknown_record": 1}
    assert [(row["line"], row.get("refused")) for row in said["rows"]] == [(2, "unknown_record"), (3, None)]
    assert "there is no lead 'none'" in run("import", "tasks", path, "--dry-run").stdout
    deals = tmp_path / "deals.csv"
    deals.write_text("ID,Title,Company\n1,Boxes,Roux\n", "utf-8")
    assert "account.name: Roux" in run("import", "deals", deals, "--dry-run").stdout


def test_a_mapping_from_a_file(run: Run, leads: Path, tmp_path: Path) -> None:
    leads.write_text("A,B\nAnn,Roux\n", "utf-8")
    map_ = tmp_path / "map.toml"
    map_.write_text('[columns]\nA = "name"\nB = ["company", "fields.was"]\n', "utf-8")
    assert told(run("import", "leads", leads, "--map", map_, "--json"))["new"] == 1
    map_.write_text('[columns]\nA = "nme"\n', "utf-8")
    for words in (("--map", map_), ("--map", "none"), ("--map", tmp_path / "none.toml")):
        result = run("import", "leads", leads, *words)
        assert result.exit_code == 1
        assert "Traceback" not in result.output
    assert run("import", "leads", tmp_path / "none.csv").exit_code == 1
    assert run("export", tmp_path / "x", "--only", "leds").exit_code == 1
    assert run("import", "undo", "none").exit_code == 1


PROGRAM = textwrap.dedent("""
    import os, signal, sys
    from taskhub import failpoints
    from taskhub.cli import main
    left = int(sys.argv.pop(1))
    def strike(name):
        global left
        left -= name == "importing.kept"
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    failpoints.arm(strike)
    sys.exit(main())
""")


@pytest.mark.slow
def test_killed_again_and_again_it_goes_on_where_it_stood(run: Run, data: Path, leads: Path) -> None:
    words = ["import", "leads", str(leads), "--data", str(data), "--json"]
    for left in (2, 1, 0):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(left), *words], capture_output=True, check=False, env=dict(os.environ)
        )
        assert done.returncode == -9, done.stderr
    with place.existing(data) as db, db.read() as tx:
        (under_way,) = service.find(tx, None, None, 10)
        assert (under_way.state, under_way.step) == (RUNNING, 3)
        assert under_way.counts["new"] == 600
    said = told(run("import", "leads", leads, "--json"))
    assert (said["id"], said["new"], said["known"], said["refused"]) == (under_way.id, ROWS, 0, {})
    with place.existing(data) as db, db.read() as tx:
        assert len(tx.conn.execute(lead.select()).all()) == ROWS
