"""Which pool the next task belongs to where pools share the work: by largest remainder, exact over every cycle. Pure.

After n tasks pool p should have had n x weight / sum; the next one goes to the pool that is furthest behind. After each
cycle of as many tasks as the weights sum to (their common divisor taken out) every pool has had exactly its weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import gcd


def lane_for(weights: Mapping[str, int], drawn: int) -> str:
    """The pool of the next task, ``drawn`` tasks having been drawn so far; the weights sum to more than 0.

    Count anew from 0 when weights change.

    >>> [lane_for({"red": 3, "blue": 1}, drawn) for drawn in range(8)]
    ['red', 'red', 'blue', 'red', 'red', 'red', 'blue', 'red']
    """
    row = cycle(tuple(sorted(weights.items())))
    return row[drawn % len(row)]


@lru_cache(maxsize=256)
def cycle(weights: tuple[tuple[str, int], ...]) -> tuple[str, ...]:
    """The pools of one whole cycle; among pools equally far behind the heavier goes first, then by name."""
    total = sum(weight for _, weight in weights) // gcd(*(weight for _, weight in weights))
    behind = {pool: 0 for pool, weight in weights if weight}
    row = []
    for _ in range(total):
        for pool, weight in weights:
            if weight:
                behind[pool] += weight
        pool = max(behind, key=lambda one: (behind[one], dict(weights)[one]))
        behind[pool] -= sum(weight for _, weight in weights)
        row.append(pool)
    return tuple(row)
