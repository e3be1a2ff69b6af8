"""Which pool the next task belongs to where pools share the work: by largest remainder, exact over every cycle. Pure.

After n tasks pool p should have had n x weight / sum; the next one goes to the pool that is furthest behind. After each
cycle of as many tasks as the weights sum to (their common divisor taken out) every pool has had exactly its weight.
"""

from __future__ import annotations

from collections import Counter
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


def next_lane(weights: Mapping[str, int], counts: Mapping[str, int]) -> str:
    """The pool of the next task where the pools have had so many each, some of which nobody drew: work people took.

    Without such work it is ``lane_for``: the pool furthest behind its share; of several the heavier, then by name.

    >>> next_lane({"red": 1, "blue": 1}, {"red": 3}), next_lane({"red": 3, "blue": 1}, {"red": 2})
    ('blue', 'blue')
    """
    total = sum(weights.values())
    drawn = sum(counts.get(pool, 0) for pool, weight in weights.items() if weight)
    able = sorted(pool for pool, weight in weights.items() if weight)
    return max(able, key=lambda pool: ((drawn + 1) * weights[pool] - total * counts.get(pool, 0), weights[pool]))


def counts_after(weights: Mapping[str, int], drawn: int) -> dict[str, int]:
    """How many each pool has had after ``drawn`` tasks in the order of ``lane_for``.

    >>> counts_after({"red": 3, "blue": 1}, 6)
    {'blue': 1, 'red': 5}
    """
    row = cycle(tuple(sorted(weights.items())))
    whole, part = Counter(row), Counter(row[: drawn % len(row)])
    return {pool: whole[pool] * (drawn // len(row)) + part[pool] for pool in sorted(whole)}


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
