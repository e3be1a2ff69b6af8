"""The failpoints there are: read from the source, so that none can be forgotten."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_CALL = re.compile(r'failpoint\("([^"]+)"\)')
_ROW = re.compile(r"^\| `([a-z_]+\.[a-z_]+)` \| \S", re.MULTILINE)


# Acts of sales people, which the days of the campaign do not know: test_conversion.py, test_merges.py and
# test_questions.py of tests/api strike each of them.
OF_SALES = ("convert.", "unconvert.", "event.own_stored", "merge.", "unmerge.", "question.")
# What a CRM is told, which needs one: tests/crm/test_crash.py strikes each of those.
OF_CRMS = ("write_back.", "asking.")
# Looks at CRMs and what they meet: tests/crm/test_looks.py strikes each of them.
OF_LOOKS = ("firing.", "look.", "reread.", "webhooks.")
# Files that come in, which they do not know either: tests/service/test_importing.py strikes each of them.
OF_FILES = ("importing.", "arriving.")
# Events that leave, which need a receiver: tests/service/test_sending_beside.py strikes each of them.
OF_RECEIVERS = ("sending.",)
ELSEWHERE = (*OF_SALES, *OF_CRMS, *OF_LOOKS, *OF_FILES, *OF_RECEIVERS)


def in_days() -> list[str]:
    """The failpoints that the days of the campaign come by, in order."""
    return sorted(name for name in in_source() if not name.startswith(ELSEWHERE))


def in_source() -> Counter[str]:
    """How often each name stands in the source."""
    files = sorted((ROOT / "taskhub").rglob("*.py"))
    told = (ROOT / "taskhub" / "failpoints.py").resolve()
    return Counter(name for file in files if file != told for name in _CALL.findall(file.read_text("utf-8")))


def documented() -> list[str]:
    """The names in the table of README.md, in its order."""
    return _ROW.findall((Path(__file__).parent / "README.md").read_text("utf-8"))
