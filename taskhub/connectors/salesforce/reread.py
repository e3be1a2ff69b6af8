"""What cannot be known without asking Salesforce for the record. Pure.

Nothing here asks: such a fact is kept as an ignored delivery. Its reason begins with ``REREAD`` and its subject names
the record, or its reason begins with ``RESYNC`` and its type names the object. A client that asks goes by these.
"""

from __future__ import annotations

REREAD = "reread_needed"
RESYNC = "resync_needed"


class RereadNeeded(Exception):
    """One record's state is in doubt; ``str()`` is the reason. ``everything`` when no single record is named."""

    def __init__(self, why: str, *, everything: bool = False) -> None:
        super().__init__(f"{RESYNC if everything else REREAD}: {why}")


class NotFollowed(Exception):
    """Understood, and nothing for taskhub to do; ``str()`` is the reason."""
