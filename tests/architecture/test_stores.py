"""A store is imported by its own room's service only, so that a table has one way in.

A service may stand in several files; each shows itself as one by a function whose first argument is `tx`.
"""

import ast
from collections.abc import Iterator

from tests.architecture.source import Module, modules, report

# Writes several rooms' tables in one transaction by design: ARCHITECTURE.md says why.
EXCEPTIONS = {"taskhub.assignment.take"}


def test_a_store_is_imported_by_its_own_service_only() -> None:
    offences = [
        f"{module.at(line)} imports {store}, which belongs to the service of its room"
        for module in modules()
        for store, line in _foreign_stores(module)
    ]
    assert not offences, report(offences)


def _foreign_stores(module: Module) -> Iterator[tuple[str, int]]:
    if any(_within(module.name, name) for name in EXCEPTIONS):
        return
    for name, line in module.imports():
        parts = name.split(".")
        if parts[0] != "taskhub" or "store" not in parts[1:]:
            continue
        room = ".".join(parts[: parts.index("store")])
        own = _within(module.name, room) and (_within(module.name, f"{room}.store") or _serves(module))
        if not own:
            yield f"{room}.store", line


def _serves(module: Module) -> bool:
    functions = [node for node in module.tree.body if isinstance(node, ast.FunctionDef)]
    return any(function.args.args[:1] and function.args.args[0].arg == "tx" for function in functions)


def _within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")
