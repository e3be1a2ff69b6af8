"""How duplicates are looked for: duplicates.toml."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DuplicatePolicy:
    """``region`` (ISO 3166, "FR") is where telephone numbers without a country code are at home.

    Scores from 0 to 100: from ``possible`` on a pair is shown, from ``likely`` on it is said to be the same.
    """

    region: str | None = None
    possible: float = 60.0
    likely: float = 80.0
