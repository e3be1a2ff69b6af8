"""What can be wrong with a calendar, a span or a list of pauses."""

from __future__ import annotations

from collections.abc import Iterable

Problem = tuple[str, str]


class CalendarProblem(ValueError):
    """Everything found wrong at once.

    `problems` holds (path, message) pairs; a path such as `weekly.mon[0]` leads to the faulty value, and an
    empty path means the whole object.

    >>> str(CalendarProblem([("tz", "is missing")]))
    'tz: is missing'
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("; ".join(f"{path}: {message}" if path else message for path, message in self.problems))

    def __reduce__(self) -> tuple[type[CalendarProblem], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class CalendarNeverOpens(CalendarProblem):
    """No opening within five years, found at load time or while time was being added."""


class PauseProblem(CalendarProblem):
    """Pauses that end before they start, or overlap. Paths look like `pauses[1]`."""


class SpanTooLong(CalendarProblem):
    """The question reaches over more than a hundred years; answering it would only burn time."""
