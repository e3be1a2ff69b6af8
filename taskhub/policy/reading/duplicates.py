"""duplicates.toml: from which score on two records are shown as one, and where telephone numbers are at home."""

from __future__ import annotations

import re

from taskhub.policy.duplicates import DuplicatePolicy
from taskhub.policy.reading.table import Table

_REGION = re.compile(r"[A-Z]{2}")


def read(root: Table) -> DuplicatePolicy:
    """The page; what it does not say stays as it is."""
    plain = DuplicatePolicy()
    found = DuplicatePolicy(
        region=_region(root),
        possible=root.number("possible", plain.possible, most=100),
        likely=root.number("likely", plain.likely, most=100),
    )
    if found.likely < found.possible:
        root.problem("likely", f"likely must be at least possible ({found.possible:g}), not {found.likely:g}.")
    root.done()
    return found


def _region(root: Table) -> str | None:
    text = root.opt_text("region", most=20)
    if text is None or _REGION.fullmatch(text):
        return text
    root.wrong("region", 'a country in two capital letters, such as "FR"', text)
    return None
