"""Where tests write: in memory where the machine has room there, since a database is hundreds of small files."""

import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ENOUGH = 4 * 2**30  # bytes; containers often get 64 MB there


def quick_folder() -> str | None:
    """A folder in memory; None where there is none, too little of it, or another place is asked for by TMPDIR."""
    if tempfile.gettempdir() != "/tmp" or not MEMORY.is_dir():
        return None
    return str(MEMORY) if shutil.disk_usage(MEMORY).free >= ENOUGH else None
