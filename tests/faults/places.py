"""The failpoints there are: read from the source, so that none can be forgotten."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_CALL = re.compile(r'failpoint\("([^"]+)"\)')
_ROW = re.compile(r"^\| `([a-z_]+\.[a-z_]+)` \| \S", re.MULTILINE)


# Acts of sales people, which the days of the campaign do not know: tests/api/test_conversion.py and
# tests/api/test_questions.py strike each of them.
OF_SALES = ("convert.", "unconvert.", "event.own_stored", "question.")


def in_days() -> list[str]:
    """The failpoints that the days of the campaign come by, in order."""
    return sorted(name for name in in_source() if not name.startswith(OF_SALES))


def in_source() -> Counter[str]:
    """How often each name stands in the source."""
    files = sorted((ROOT / "taskhub").rglob("*.py"))
    told = (ROOT / "taskhub" / "failpoints.py").resolve()
    return Counter(name for file in files if file != told for name in _CALL.findall(file.read_text("utf-8")))


def documented() -> list[str]:
    """The names in the table of README.md, in its order."""
    return _ROW.findall((Path(__file__).parent / "README.md").read_text("utf-8"))
