"""Refused rows as a CSV file, for people to mend and hand in again. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from taskhub.exporting.cells import cell
from taskhub.importing.model import Refusal

HEAD = ("line", "reason", "message", "row")
AT_ONCE = 500


def written(refusals: Iterable[Refusal]) -> Iterator[bytes]:
    """The file, some rows at a time; no cell of it is a formula."""
    held = io.StringIO(newline="")
    writer = csv.writer(held, lineterminator="\r\n")
    writer.writerow(HEAD)
    for number, one in enumerate(refusals, 1):
        writer.writerow((one.line, one.reason, cell(one.message), cell(one.raw)))
        if number % AT_ONCE == 0:
            yield held.getvalue().encode()
            held.seek(0)
            held.truncate()
    yield held.getvalue().encode()
