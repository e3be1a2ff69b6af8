"""Who stands where in a ring of kinds: every link equally staffed, people moved as little as possible. Pure.

Link i joins kind i and the next one. Who has a place keeps it while no link is two people better off than another;
newcomers join where the fewest are, in an order that has nothing to do with id or account age.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b

Pair = tuple[str, str]


def placed(ring: Sequence[str], people: Collection[str], before: Mapping[str, Sequence[str]]) -> dict[str, Pair]:
    """Agent -> their two kinds, for ``PoolState.kinds``. ``before``: the places so far.

    >>> sorted(placed(["a", "b", "c"], ["x", "y", "z"], {"y": ("b", "c")}).values())
    [('a', 'b'), ('b', 'c'), ('c', 'a')]
    """
    links = [(kind, ring[(place + 1) % len(ring)]) for place, kind in enumerate(ring)]
    rows: dict[Pair, list[str]] = {link: [] for link in links}
    newcomers: list[str] = []
    for agent in sorted(people, key=lambda one: _lot(ring, one)):
        kept = tuple(before.get(agent, ()))
        row = next((rows[link] for link in links if link == kept), newcomers)
        row.append(agent)
    for agent in newcomers:
        min(rows.values(), key=len).append(agent)
    while (most := max(rows.values(), key=len)) and len(most) - len(least := min(rows.values(), key=len)) > 1:
        least.append(most.pop())
    return {agent: link for link, row in rows.items() for agent in row}


def _lot(ring: Sequence[str], agent: str) -> bytes:
    return blake2b("\0".join((*ring, agent)).encode(), digest_size=8).digest()
