"""What finding doubles comes to on a world whose doubles are known: precision, recall, and what each error costs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from taskhub.policy.duplicates import DuplicatePolicy
from taskhub.sales.duplicates.blocking import keys_of
from taskhub.sales.duplicates.prints import PERSON, Print, print_of
from taskhub.sales.duplicates.runs import compared
from tests.twins.errors import ERRORS
from tests.twins.generate import Pair, World
from tests.twins.near import NEAR

REGION = "US"


@dataclass(frozen=True)
class Tally:
    """``found``: the pairs with their scores. ``errors``: kind -> (found, there were); ``near``: kind -> the same."""

    found: Mapping[Pair, float]
    precision: float
    recall: float
    errors: Mapping[str, tuple[int, int]]
    near: Mapping[str, tuple[int, int]]
    strangers: int

    def table(self) -> str:
        """The figures as a table."""
        rows = [("kind", "found", "of", "share"), ("---", "---", "---", "---")]
        rows += [(f"copy with {kind}", *_share(*self.errors[kind])) for kind in ERRORS]
        rows += [(f"near miss: {kind}", *_share(*self.near[kind])) for kind in NEAR]
        rows += [("two strangers", f"{self.strangers:,}", "", "")]
        head = f"precision {self.precision:.4f}, recall {self.recall:.4f}, {len(self.found):,} pairs found"
        return "\n".join([head, "", *(f"| {' | '.join(row)} |" for row in rows)])


def prints_of(world: World) -> dict[str, Print]:
    """The print of every lead."""
    return {lead.id: print_of("lead", asdict(lead), REGION) for lead in world.leads}


def pairs_of(prints: Mapping[str, Print], rules: DuplicatePolicy) -> dict[Pair, float]:
    """Every pair the rules find, with its score, as a look at everything would."""
    blocks = blocks_of(prints)
    return {(each.one[5:], each.two[5:]): each.score for block in blocks for each in compared(block, rules)}


def blocks_of(prints: Mapping[str, Print]) -> Iterator[Sequence[tuple[str, Print]]]:
    """Records that have a key in common."""
    by_key: dict[int, list[tuple[str, Print]]] = defaultdict(list)
    for id_, one in prints.items():
        for key in keys_of(one, PERSON):
            by_key[key].append((f"lead:{id_}", one))
    return (block for block in by_key.values() if len(block) > 1)


def tally(world: World, found: Mapping[Pair, float]) -> Tally:
    """The recount."""
    right = found.keys() & world.twins.keys()
    there, seen = Counter[str](), Counter[str]()
    for pair, errors in world.twins.items():
        there.update(errors)
        seen.update(errors if pair in found else ())
    wrong = Counter(world.near[pair] for pair in found if pair in world.near)
    near = Counter(world.near.values())
    return Tally(
        found, len(right) / max(1, len(found)), len(right) / len(world.twins),
        {kind: (seen[kind], there[kind]) for kind in ERRORS}, {kind: (wrong[kind], near[kind]) for kind in NEAR},
        len(found) - len(right) - sum(wrong.values()),
    )  # fmt: skip


def _share(some: int, of: int) -> tuple[str, str, str]:
    return f"{some:,}", f"{of:,}", f"{some / max(1, of):.1%}"
