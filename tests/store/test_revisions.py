"""Every revision after the first release only adds, so that old code runs beside new code; what takes away says so.

docs/how-to/deploy.md tells why. A revision with ``contract = True`` may take away what no released code uses any more,
and must call ``taken_away``, so that older code refuses to start.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskhub.db.migrate import HERE

ADDS = {"create_table", "create_index", "add_column", "f", "get_bind", "get_context", "bulk_insert", "execute", "tune"}
TAKES = re.compile(r"\b(drop|rename|alter|truncate|delete)\b", re.IGNORECASE)
REVISIONS = sorted(path for path in (HERE / "versions").glob("[0-9]*.py") if not path.name.startswith("0001_"))


def offences(text: str) -> list[str]:
    """What a revision does that old code beside it may not survive."""
    tree = ast.parse(text)
    steps = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "taskhub.db.migrations.steps"
        for alias in node.names
    }
    calls = [(_step(node, steps), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    if _contracts(tree):
        return [] if any(name == "taken_away" for name, _ in calls) else ["a contract that does not call taken_away"]
    made = {_first(call) for name, call in calls if name == "create_table"}
    direct = [call for name, call in calls if name == "create_index" and isinstance(call.func, ast.Attribute)]
    waits = [f"{ast.unparse(call)[:60]} keeps writers waiting: take it from steps" for call in direct
             if _first(call, 1) not in made]  # fmt: skip
    return waits + [told for name, call in calls if name for told in _judge(name, call)]


def _first(call: ast.Call, place: int = 0) -> str:
    return ast.unparse(call.args[place])


def _contracts(tree: ast.Module) -> bool:
    named = [node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "contract"]
    return any(ast.unparse(node.value) == "True" for node in named)


def _step(call: ast.Call, steps: set[str]) -> str | None:
    if isinstance(call.func, ast.Name) and call.func.id in steps:
        return call.func.id
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        return call.func.attr if call.func.value.id in ("op", "batch", "batch_op") else None
    return None


def _judge(name: str, call: ast.Call) -> Iterator[str]:
    if name not in ADDS:
        yield f"{name} is no step that only adds"
    if name == "execute" and TAKES.search(ast.unparse(call)):
        yield f"{ast.unparse(call)[:60]} takes something away"
    if name == "add_column":
        words = {word.arg: ast.unparse(word.value) for part in ast.walk(call) if isinstance(part, ast.Call)
                 for word in part.keywords}  # fmt: skip
        if words.get("nullable") == "False" and "server_default" not in words:
            yield "a column that old code does not fill may be empty or has a server default"


@pytest.mark.parametrize("path", REVISIONS, ids=lambda path: path.stem)
def test_a_revision_only_adds(path: Path) -> None:
    assert offences(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        ('op.add_column("task", sa.Column("x", Key))', False),
        ('op.add_column("task", sa.Column("x", Key, nullable=False, server_default=""))', False),
        ('op.add_column("task", sa.Column("x", Key, nullable=False))', True),
        ('op.drop_column("task", "x")', True),
        ('op.alter_column("task", "x", nullable=False)', True),
        ('op.rename_table("task", "work")', True),
        ('op.execute("ALTER TABLE task DROP COLUMN x")', True),
        ('op.execute("UPDATE task SET x = y")', False),
        ('op.create_unique_constraint("uq", "task", ["x"])', True),
        ('op.create_table("new", sa.Column("x", Key, nullable=False))', False),
        ('op.create_table("new", sa.Column("x", Key)); op.create_index("ix", "new", ["x"])', False),
        ('op.create_index("ix", "task", ["x"])', True),
    ],
)
def test_the_judge_sees_what_takes_away(step: str, *, wrong: bool) -> None:
    assert bool(offences(f"contract = False\ndef upgrade():\n    {step}\n")) is wrong
    contract = f"from taskhub.db.migrations.steps import taken_away\ncontract = True\ndef upgrade():\n    {step}\n"
    assert offences(contract) == ["a contract that does not call taken_away"]
    assert offences(f"{contract}    taken_away(revision)\n") == []
