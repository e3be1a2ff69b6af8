"""Which of our languages a caller reads."""

from __future__ import annotations

LANGUAGES = ("en", "fr")
MOST = 20


def preferred(header: str | None) -> str | None:
    """The language of ours that an Accept-Language header wants most; None when it names none of them.

    >>> preferred("de, fr-CH;q=0.8, en;q=0.9"), preferred("fr;q=0, *"), preferred("de")
    ('en', None, None)
    """
    best, weight = None, 0.0
    for part in (header or "").split(",")[:MOST]:
        name, _, more = part.strip().partition(";")
        short = name.strip().lower().partition("-")[0]
        found = _weight(more)
        if short in LANGUAGES and found > weight:
            best, weight = short, found
    return best


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if not name:
        return 1.0
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 0.0
