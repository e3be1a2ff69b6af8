"""Keys of those who look around, in a file beside the demo's own database: a key noted once opens the next start too.

Only the user who runs the demo may read the file. A key counts only while the database still accepts it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from taskhub.access import service as access
from taskhub.db.database import Database
from taskhub.demo.settle import Kept, Staff
from taskhub.errors import TaskhubError
from taskhub.settings import Settings

FILE = "demo-keys.json"


def stays(chosen: Settings) -> bool:
    """Whether keys outlast a start: a database elsewhere may be others' too, and has no folder of the demo's."""
    return chosen.database_url is None


def kept(chosen: Settings, db: Database) -> Kept:
    """Person (None for nobody's key) and key by role; empty where there is no file that can be read."""
    if not stays(chosen):
        return {}
    try:
        read: Any = json.loads((chosen.data / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    told = read.items() if isinstance(read, Mapping) else ()
    found = {role: _opened(db, str(key)) for role, key in told}
    return {role: (by[1], str(read[role])) for role, by in found.items() if by is not None and by[0] == role}


def keep(chosen: Settings, staff: Staff) -> None:
    """Writes the file anew; it is whole at every moment."""
    if not stays(chosen):
        return
    whole = chosen.data / FILE
    part = whole.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump({role: key for role, _, key in staff.personas}, file, indent=1)
    part.replace(whole)


def _opened(db: Database, key: str) -> tuple[str, str | None] | None:
    """Role and person of a key; None when it opens nothing."""
    try:
        id_, judge = access.identify(f"Bearer {key}")
        with db.read(judge, key_id=id_) as tx:
            return tx.by.role, tx.by.agent
    except TaskhubError:
        return None
