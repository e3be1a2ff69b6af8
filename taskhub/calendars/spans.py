"""Set arithmetic on half-open spans, of microseconds since 1970 or of instants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeVar

Span = tuple[int, int]
Point = TypeVar("Point", int, datetime)


def unite(spans: Iterable[tuple[Point, Point]]) -> list[tuple[Point, Point]]:
    """The same time as sorted spans that neither overlap nor touch; empty and reversed spans vanish.

    >>> unite([(5, 9), (0, 2), (2, 4), (3, 3), (8, 12)])
    [(0, 4), (5, 12)]
    """
    united: list[tuple[Point, Point]] = []
    for begin, end in sorted(spans):
        if begin >= end:
            continue
        if united and begin <= united[-1][1]:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((begin, end))
    return united


def clip(spans: Iterable[tuple[Point, Point]], begin: Point, end: Point) -> list[tuple[Point, Point]]:
    """The parts of `spans` inside [begin, end).

    >>> clip([(0, 4), (5, 12)], 3, 6)
    [(3, 4), (5, 6)]
    """
    clipped = ((max(first, begin), min(last, end)) for first, last in spans)
    return [span for span in clipped if span[0] < span[1]]


def subtract(spans: Iterable[Span], holes: Iterable[Span]) -> list[Span]:
    """The parts of `spans` outside all `holes`; the spans must not overlap each other.

    >>> subtract([(0, 10)], [(8, 12), (2, 3)])
    [(0, 2), (3, 8)]
    """
    cuts = unite(holes)
    return [piece for span in spans for piece in _outside(span, cuts)]


def _outside(span: Span, cuts: list[Span]) -> Iterator[Span]:
    begin, end = span
    for first, last in cuts:
        if begin < min(first, end):
            yield begin, min(first, end)
        begin = max(begin, last)
    if begin < end:
        yield begin, end
