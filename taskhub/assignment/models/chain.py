"""Chain: each person is there for two kinds, and the pairs close into a ring over all kinds.

Nearly all the pooling of "everybody does everything" with two skills each: load moves along the ring. ``ring`` is the
kinds in the order of the ring, people are placed by workers (ring_plan.py) and come in as ``pool_state``; or it is a
table agent -> two kinds. Until people are placed, everybody serves every kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from taskhub.assignment.model import PoolState
from taskhub.assignment.params import some_teams, unknown
from taskhub.assignment.reasons import NOT_IN_POOL, OTHER_KINDS
from taskhub.assignment.seams import Complaint, PoolAsk

PARAMS = ("ring", "teams")
FORM = 'a list of kinds such as ["offer", "contract", "renewal"], or a table agent = ["kind", "next kind"]'


class Chain:
    """``ring`` as above, ``teams`` (default the queue's).

    >>> from taskhub.assignment.model import AgentFacts, QueueFacts
    >>> ring = {"ann": ["offer", "contract"], "bob": ["contract", "renewal"], "cyd": ["renewal", "offer"]}
    >>> people = tuple(AgentFacts(key, "red") for key in ring)
    >>> chain.refused(PoolAsk(QueueFacts("desk", ("red",), params={"ring": ring}), people, None, kind="contract"))
    {'cyd': 'other_kinds'}
    """

    name = "chain"
    version = "1"
    needs: tuple[str, ...] = ()

    def refused(self, ask: PoolAsk) -> Mapping[str, str]:
        teams = frozenset(ask.queue.params.get("teams") or ask.queue.teams)
        places = _places(ask)
        found: dict[str, str] = {}
        for agent in ask.agents:
            if agent.team not in teams or (places.listed and agent.key not in places.kinds):
                found[agent.key] = NOT_IN_POOL
            elif ask.kind and ask.kind not in places.kinds.get(agent.key, (ask.kind,)):
                found[agent.key] = OTHER_KINDS
        return found

    def check(self, params: Mapping[str, Any], teams: Sequence[str]) -> Iterator[Complaint]:
        yield from unknown(self.name, params, PARAMS)
        yield from some_teams(params, "teams", teams)
        ring = params.get("ring")
        if isinstance(ring, Mapping):
            yield from _table_complaints(ring)
        elif not isinstance(ring, list | tuple) or not all(isinstance(kind, str) for kind in ring):
            yield "ring", f"must be {FORM}"
        elif len(set(ring)) != len(ring) or len(ring) < 2:
            yield "ring", f"must name at least two kinds, each once, not {list(ring)!r}"

    def kinds(self, params: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
        ring = params["ring"]
        if isinstance(ring, Mapping):
            return {f"ring.{agent}": pair for agent, pair in ring.items()}
        return {"ring": ring}


class _Places:
    """Who is there for which kinds; ``listed``: who is not named is not there."""

    def __init__(self, kinds: Mapping[str, Sequence[str]], *, listed: bool) -> None:
        self.kinds = kinds
        self.listed = listed


def _places(ask: PoolAsk) -> _Places:
    ring = ask.queue.params.get("ring")
    if isinstance(ring, Mapping):
        return _Places(ring, listed=True)
    return _Places((ask.queue.pool_state or PoolState()).kinds, listed=False)


def _table_complaints(ring: Mapping[str, Any]) -> Iterator[Complaint]:
    wrong = [agent for agent, pair in ring.items() if not _is_pair(pair)]
    yield from ((f"ring.{agent}", f"must be two different kinds, not {ring[agent]!r}") for agent in wrong)
    if not wrong and not is_ring({frozenset(pair) for pair in ring.values()}):
        pairs = "; ".join(f"{agent}: {', '.join(pair)}" for agent, pair in ring.items())
        yield (
            "ring",
            f"is not one ring: every kind must lie in two pairs, all joined in one circle ({pairs or 'empty'})",
        )


def _is_pair(pair: object) -> bool:
    return (
        isinstance(pair, list | tuple)
        and len(pair) == 2
        and all(isinstance(kind, str) for kind in pair)
        and pair[0] != pair[1]
    )


def is_ring(links: set[frozenset[str]]) -> bool:
    """Whether the links make one circle over all their kinds; two kinds and one link are the smallest.

    >>> is_ring({frozenset("ab"), frozenset("bc"), frozenset("ca")}), is_ring({frozenset("ab"), frozenset("bc")})
    (True, False)
    """
    around: dict[str, set[str]] = {}
    for first, second in (sorted(link) for link in links):
        around.setdefault(first, set()).add(second)
        around.setdefault(second, set()).add(first)
    if len(links) == 1:
        return True
    seen: set[str] = set()
    ahead = [min(around)] if around else []
    while ahead:
        kind = ahead.pop()
        if kind not in seen:
            seen.add(kind)
            ahead.extend(around[kind])
    return bool(links) and all(len(next_to) == 2 for next_to in around.values()) and seen == around.keys()


chain = Chain()
