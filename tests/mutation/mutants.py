"""Small faults put into a module, one at a time: what a test suite worth its name must notice."""

import ast
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
BOOLEAN: dict[type[ast.boolop], type[ast.boolop]] = {ast.And: ast.Or, ast.Or: ast.And}
Step = str | int
Path = tuple[Step, ...]


@dataclass(frozen=True)
class Mutant:
    """One fault: where, what was there and what stands there instead."""

    line: int
    what: str
    tree: ast.Module


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines as far as the tree keeps it."""
    tree = ast.parse(source)
    for path, node in _nodes(tree, ()):
        for changed in _changes(node):
            mutated = deepcopy(tree)
            before = ast.unparse(node).splitlines()[0]
            _put(mutated, path, changed)
            after = ast.unparse(changed).splitlines()[0]
            yield Mutant(getattr(node, "lineno", 0), f"{before}  →  {after}", ast.fix_missing_locations(mutated))


def _nodes(node: ast.AST, path: Path) -> Iterator[tuple[Path, ast.AST]]:
    """Every node that says what is done: no annotations, docstrings, decorators or imports."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "type_params", "bases"}:
            continue
        for place, child in enumerate(value) if isinstance(value, list) else ((None, value),):
            if not isinstance(child, ast.AST) or _told(child):
                continue
            here = (*path, name) if place is None else (*path, name, place)
            yield here, child
            if not isinstance(child, ast.JoinedStr | ast.Import | ast.ImportFrom):
                yield from _nodes(child, here)


def _told(node: ast.AST) -> bool:
    """A docstring, or an alias of a type."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript | ast.BinOp) and _is_alias(node)


def _is_alias(node: ast.Assign) -> bool:
    target = node.targets[0]
    return isinstance(target, ast.Name) and target.id[:1].isupper() and not target.id.isupper()


def _changes(node: Any) -> Iterator[ast.AST]:
    for kinds, change in CHANGES:
        if isinstance(node, kinds):
            yield from change(node)


def _compared(node: ast.Compare) -> Iterator[ast.AST]:
    for place, op in enumerate(node.ops):
        if type(op) in COMPARE:
            yield _with(node, ops=[*node.ops[:place], COMPARE[type(op)](), *node.ops[place + 1 :]])


def _computed(node: ast.BinOp | ast.AugAssign) -> Iterator[ast.AST]:
    if type(node.op) in ARITHMETIC:
        yield _with(node, op=ARITHMETIC[type(node.op)]())


def _joined(node: ast.BoolOp) -> Iterator[ast.AST]:
    yield _with(node, op=BOOLEAN[type(node.op)]())


def _turned(node: ast.UnaryOp) -> Iterator[ast.AST]:
    if isinstance(node.op, ast.Not | ast.USub):
        yield node.operand


def _answered(node: ast.Return) -> Iterator[ast.AST]:
    if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield _with(node, value=ast.Constant(None))


def _asked(node: ast.If | ast.While) -> Iterator[ast.AST]:
    yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))


def _chosen(node: ast.IfExp) -> Iterator[ast.AST]:
    yield _with(node, body=node.orelse, orelse=node.body)


def _sifted(node: ast.comprehension) -> Iterator[ast.AST]:
    if node.ifs:
        yield _with(node, ifs=[])


def _done(node: ast.Expr) -> Iterator[ast.AST]:
    if isinstance(node.value, ast.Call | ast.YieldFrom | ast.Yield):
        yield ast.copy_location(ast.Pass(), node)


def _other_constants(node: ast.Constant) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.copy_location(ast.Constant(not value), node)
    elif isinstance(value, int | float):
        yield ast.copy_location(ast.Constant(value + 1), node)
    elif isinstance(value, str) and " " not in value:
        yield ast.copy_location(ast.Constant(f"{value}_x"), node)


def _with(node: Any, **fields: Any) -> Any:
    changed = deepcopy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _put(tree: ast.AST, path: Path, changed: ast.AST) -> None:
    holder: Any = tree
    for step in path[:-1]:
        holder = holder[step] if isinstance(step, int) else getattr(holder, step)
    last = path[-1]
    if isinstance(last, int):
        holder[last] = changed
    else:
        setattr(holder, last, changed)


CHANGES: tuple[tuple[Any, Callable[[Any], Iterator[ast.AST]]], ...] = (
    (ast.Compare, _compared),
    (ast.BinOp | ast.AugAssign, _computed),
    (ast.BoolOp, _joined),
    (ast.UnaryOp, _turned),
    (ast.Constant, _other_constants),
    (ast.Return, _answered),
    (ast.If | ast.While, _asked),
    (ast.IfExp, _chosen),
    (ast.comprehension, _sifted),
    (ast.Expr, _done),
)
