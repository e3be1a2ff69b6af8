"""A world of leads whose doubles are known. The same size, seed and data give the same world, on every Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from tests.twins.errors import spoilt
from tests.twins.near import NEAR
from tests.twins.people import Lead, People, pick, pools, rewritten

ORIGINALS, COPIES = 0.6, 0.2

Pair = tuple[str, str]


@dataclass(frozen=True)
class World:
    """``twins``: (id, id) in order -> the errors between them; ``near``: pairs that only look alike -> how."""

    leads: Sequence[Lead]
    twins: Mapping[Pair, tuple[str, ...]]
    near: Mapping[Pair, str]


def pair(one: str, two: str) -> Pair:
    """Two ids in order."""
    return (one, two) if one < two else (two, one)


def world(size: int, seed: int, data: Path) -> World:
    """``size`` leads, in no order that says anything. Raises DataMissing."""
    rng = Random(seed)
    people = People(rng, pools(data))
    ids = _ids(rng, size)
    originals = [people.original(next(ids)) for _ in range(round(size * ORIGINALS))]
    copied = [originals[at] for at in _some(rng, len(originals), round(size * COPIES))]
    leads, twins, near = list(originals), {}, {}
    for lead in copied:
        copy, errors = spoilt(rng, replace(lead, id=next(ids)))
        if copy.phone is not None and copy.phone == lead.phone:
            copy = replace(copy, phone=rewritten(rng, copy.phone))
        leads.append(copy)
        twins[pair(lead.id, copy.id)] = errors
    mailboxes = [lead for lead in originals if lead.company and lead.email == people.role(lead.company)]
    while len(leads) < size:
        kind = pick(rng, tuple(NEAR))
        lead = pick(rng, mailboxes if kind == "shared_mailbox" and mailboxes else originals)
        id_ = next(ids)
        other = NEAR[kind](people, lead, id_)
        if other is not None:
            leads.append(other)
            near[pair(lead.id, id_)] = kind
    return World([leads[at] for at in _some(rng, len(leads), len(leads))], twins, near)


def _some(rng: Random, among: int, count: int) -> list[int]:
    """``count`` of the first ``among`` numbers, each once, in an order of chance."""
    order = list(range(among))
    for at in range(count):
        other = at + int(rng.random() * (among - at))
        order[at], order[other] = order[other], order[at]
    return order[:count]


def _ids(rng: Random, size: int) -> Iterator[str]:
    """Ids that do not tell what came first; more than enough, since a near miss may not come about."""
    yield from (f"lead-{number:07d}" for number in _some(rng, size * 10, size * 10))
