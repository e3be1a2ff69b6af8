"""The examples in docstrings of the room are true."""

import doctest
import pkgutil
from importlib import import_module

import pytest

import taskhub.assignment

PURE = ("models.", "strategies.", "params", "sentences", "eligibility", "codec", "decide", "row", "floor", "standing")
NAMES = [
    found.name
    for found in pkgutil.walk_packages(taskhub.assignment.__path__, "taskhub.assignment.")
    if found.name.removeprefix("taskhub.assignment.").startswith(PURE)
]


@pytest.mark.parametrize("name", NAMES)
def test_examples_hold(name: str) -> None:
    assert doctest.testmod(import_module(name), verbose=False).failed == 0


@pytest.mark.parametrize("folder", ["models", "strategies"])
def test_every_model_and_strategy_shows_an_example(folder: str) -> None:
    for name in NAMES:
        if f".{folder}." in name:
            tests = doctest.DocTestFinder().find(import_module(name))
            assert any(test.examples for test in tests), name
