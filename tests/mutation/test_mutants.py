"""Mutants are what they say: one small fault each, in what is done, never in what is told."""

import ast

from tests.mutation.mutants import mutants

SOURCE = '''
"""A module."""
Pair = tuple[int, int]

def f(a: int, b: "B" = 2) -> bool:
    """What it does."""
    found = [one for one in range(a) if one]
    if a < b and not found:
        return a + 1
    print(a)
    return None
'''


def test_each_mutant_differs_by_one_fault_and_compiles() -> None:
    found = list(mutants(SOURCE))
    for mutant in found:
        compile(mutant.tree, "mutant", "exec")
    texts = [ast.unparse(mutant.tree) for mutant in found]
    assert len(set(texts)) == len(texts)
    assert ast.unparse(ast.parse(SOURCE)) not in texts


def test_every_kind_of_fault_is_made() -> None:
    assert [(mutant.line, mutant.what) for mutant in mutants(SOURCE)] == [
        (5, "2  →  3"),
        (0, " for one in range(a) if one  →   for one in range(a)"),
        (8, "if a < b and (not found):  →  if not (a < b and (not found)):"),
        (8, "a < b and (not found)  →  a < b or not found"),
        (8, "a < b  →  a <= b"),
        (8, "not found  →  found"),
        (9, "return a + 1  →  return None"),
        (9, "a + 1  →  a - 1"),
        (9, "1  →  2"),
        (10, "print(a)  →  pass"),
    ]
