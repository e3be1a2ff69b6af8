"""Whole sizes, or small ones that only show that a benchmark runs: `--small`."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")

small = False


def of(whole: T, little: T) -> T:
    """The one that was asked for."""
    return little if small else whole
