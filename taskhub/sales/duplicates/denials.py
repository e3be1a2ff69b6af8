"""“Not a duplicate” is remembered: the pair is not shown again, until somebody takes it back."""

from __future__ import annotations

from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.events.model import RecordRef
from taskhub.sales.duplicates.prints import FAMILIES
from taskhub.sales.duplicates.store import pairs

NOUN = "duplicate"


def pair_of(one: RecordRef, two: RecordRef) -> pairs.Pair:
    """Two records as a pair. Raises InvalidInput for two that cannot be doubles."""
    if one == two:
        raise InvalidInput("Name two different records.", code="same_record")
    families = [FAMILIES.get(ref.noun) for ref in (one, two)]
    if None in families or families[0] != families[1]:
        raise InvalidInput(
            f"A {one.noun} and a {two.noun} are never the same. Name leads and contacts, or accounts.",
            code="not_comparable",
        )
    first, second = sorted((str(one), str(two)))
    return first, second


def deny(tx: Tx, one: RecordRef, two: RecordRef, reason: str | None = None) -> bool:
    """Remembers that they are not the same; False when it was known. Raises InvalidInput."""
    pair = pair_of(one, two)
    new = pairs.deny(tx, pair, reason)
    if new:
        tx.record(NOUN, "|".join(pair), "deny", {"reason": reason})
    return new


def undeny(tx: Tx, one: RecordRef, two: RecordRef) -> bool:
    """Takes it back; False when nobody had said so. Raises InvalidInput."""
    pair = pair_of(one, two)
    gone = pairs.undeny(tx, pair)
    if gone:
        tx.record(NOUN, "|".join(pair), "undeny", {})
    return gone


def of(tx: Tx, record: str) -> frozenset[str]:
    """The records this one was said not to be."""
    return frozenset(each for pair in pairs.denied(tx, record) for each in pair if each != record)
