"""Did you mean …? The valid name that looks most like a wrong one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

LEAST = 0.5
BEGUN = 0.9


def nearest(wrong: str, valid: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The nearest of ``valid``, or None when nothing is near. Two swapped letters count as near, also in short names.

    >>> nearest("quue", ["queue", "kind"])
    'queue'
    """
    folded = wrong[:100].casefold()
    scored = sorted((-_likeness(folded, name.casefold()), name) for name in set(valid))
    return scored[0][1] if scored and -scored[0][0] >= cutoff else None


def _likeness(a: str, b: str) -> float:
    if a == b or sorted(a) == sorted(b):
        return 1.0
    if len(a) > 2 and b.startswith(a):
        return BEGUN
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    # The quick ratio is an upper bound: most names are ruled out by it at a fraction of the cost.
    return 0.0 if matcher.quick_ratio() < LEAST else matcher.ratio()
