"""Rows of a piece become what they would be, each by itself: a bad one is refused and says why. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from taskhub.errors import TaskhubError
from taskhub.importing.backlog import task_of
from taskhub.importing.cells import table_of
from taskhub.importing.house import House
from taskhub.importing.mapping import FieldMap
from taskhub.importing.model import TASK, Judged, Refused, Row
from taskhub.importing.records import record_of


def judge(map_: FieldMap, header: Sequence[str], house: House) -> Callable[[Iterable[Row]], list[Judged]]:
    """A function from rows to what they would become, in their order."""
    read = table_of(map_, header)
    become = task_of if map_.noun == TASK else record_of

    def one(row: Row) -> Judged:
        try:
            return become(row.line, read(row), map_, house)
        except TaskhubError as error:
            return Refused(row.line, error.stable_code, error.message)
        except ValueError as error:
            return Refused(row.line, "bad_value", str(error))

    return lambda rows: [one(row) for row in rows]
