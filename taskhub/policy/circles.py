"""Circles in a graph of names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def circle(links: Mapping[str, Iterable[str]]) -> list[str]:
    """The names of one circle, the first again at the end; empty when there is none.

    >>> circle({"a": ["b"], "b": ["c"], "c": ["b"]})
    ['b', 'c', 'b']
    """
    settled: set[str] = set()
    for start in links:
        found = _from(start, links, settled)
        if found:
            return found
    return []


def _from(start: str, links: Mapping[str, Iterable[str]], settled: set[str]) -> list[str]:
    if start in settled:
        return []
    names, steps, entered = [start], [iter(links.get(start, ()))], {start}
    while names:
        step = next(steps[-1], None)
        if step is None:
            steps.pop()
            entered.discard(names[-1])
            settled.add(names.pop())
        elif step in entered:
            return [*names[names.index(step) :], step]
        elif step not in settled:
            names.append(step)
            entered.add(step)
            steps.append(iter(links.get(step, ())))
    return []
