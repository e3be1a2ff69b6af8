"""Files and functions stay small enough to read at one go: what separates the easy from the feared is the tail."""

import ast
import statistics
from collections.abc import Iterator

from tests.architecture.source import Module, modules, report

FILE, TABLES, FUNCTION, NESTING = 300, 400, 40, 3
MEDIAN_FILE, P90_FUNCTION = 120, 25
PAGES = {"taskhub.db.tables", "taskhub.db.migrations.versions.0001_tables"}  # the tables, and their frozen copy
VAGUE = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.With, ast.AsyncWith, ast.Match)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def test_no_file_is_too_long() -> None:
    offences = [
        f"{module.at(1)} has {module.lines} lines, at most {limit}"
        for module in modules()
        if module.lines > (limit := TABLES if module.name in PAGES else FILE)
    ]
    assert not offences, report(offences)


def test_no_function_is_too_long() -> None:
    offences = [
        f"{module.at(function.lineno)} {function.name} has {_length(function)} lines, at most {FUNCTION}"
        for module, function in _functions()
        if _length(function) > FUNCTION
    ]
    assert not offences, report(offences)


def test_no_function_nests_too_deep() -> None:
    offences = [
        f"{module.at(line)} {function.name} nests {depth} deep, at most {NESTING}"
        for module, function in _functions()
        for depth, line in [max(_depths(function.body, 0), default=(0, 0))]
        if depth > NESTING
    ]
    assert not offences, report(offences)


def test_most_files_and_functions_are_short() -> None:
    files = [module.lines for module in modules() if module.path.name != "__init__.py"]
    functions = [_length(function) for _, function in _functions()]
    assert statistics.median(files) <= MEDIAN_FILE
    assert statistics.quantiles(functions, n=10)[-1] <= P90_FUNCTION


def test_no_file_has_a_vague_name() -> None:
    offences = [
        f"{module.at(1)} is named for nothing: say what it decides"
        for module in modules()
        if VAGUE & set(module.name.split("."))
    ]
    assert not offences, report(offences)


def test_the_measures_see_depth_and_length() -> None:
    source = "def f(a):\n    if a:\n        for b in a:\n            pass\n    elif b:\n        pass\n"
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert _length(function) == 6
    assert max(_depths(function.body, 0)) == (2, 3)


def _functions() -> Iterator[tuple[Module, Function]]:
    for module in modules():
        yield from ((module, node) for node in ast.walk(module.tree) if isinstance(node, Function))


def _length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _depths(body: list[ast.stmt], depth: int) -> Iterator[tuple[int, int]]:
    """(depth, line) of every block; an elif is as deep as its if, an inner function counts for itself."""
    for statement in body:
        if isinstance(statement, BLOCKS):
            yield depth + 1, statement.lineno
            for part in _parts(statement):
                elif_ = isinstance(statement, ast.If) and part is statement.orelse and _is_elif(part)
                yield from _depths(part, depth if elif_ else depth + 1)


def _parts(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        if part := getattr(statement, name, None):
            yield part
    for name in ("handlers", "cases"):
        yield from (branch.body for branch in getattr(statement, name, []))


def _is_elif(part: list[ast.stmt]) -> bool:
    return len(part) == 1 and isinstance(part[0], ast.If)
