"""What cannot be known without asking Salesforce for the record. Pure.

Nothing here asks: such a fact is kept as an ignored delivery. Its reason begins with ``REREAD`` and its subject names
the record, or its reason begins with ``RESYNC`` and its type names the object. Its ``doubt`` is what a client asks for.
"""

from __future__ import annotations

REREAD = "reread_needed"
RESYNC = "resync_needed"


class RereadNeeded(Exception):
    """One record's state is in doubt; ``str()`` is the reason. ``of``: no single record is named, but all of a noun.

    ``born``: what is not told is that it was made; ``gone``: it is gone, and what is not told is where to.
    """

    def __init__(self, why: str, *, of: str = "", born: bool = False, gone: bool = False) -> None:
        super().__init__(f"{RESYNC if of else REREAD}: {why}")
        self.of, self.born, self.gone = of, born, gone


class NotFollowed(Exception):
    """Understood, and nothing for taskhub to do; ``str()`` is the reason."""
