"""Pauses are closed time: due times and ledgers with stretches taken out of the calendar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice, pairwise

from taskhub.calendars.business_time import BusinessTime
from taskhub.calendars.explain import Interval
from taskhub.calendars.instants import in_utc
from taskhub.calendars.problems import PauseProblem

PauseSpan = tuple[datetime, datetime | None]


@dataclass(frozen=True, slots=True)
class Preview:
    """When a budget is used up, None while an open pause holds it, and the intervals that explain it."""

    due_at: datetime | None
    intervals: list[Interval]


@dataclass(frozen=True, slots=True)
class Elapsed:
    """Counted time and the intervals it is the sum of."""

    elapsed: timedelta
    intervals: list[Interval]


def in_order(pauses: Iterable[PauseSpan]) -> list[PauseSpan]:
    """The pauses by start, empty ones left out; PauseProblem for overlaps or an end before the start.

    An end of None means still open, so nothing may follow it. Naive instants raise ValueError.
    """
    numbered = list(enumerate(pauses))
    for _, pause in numbered:
        for instant in pause:
            in_utc(instant or pause[0])
    problems = [
        (f"pauses[{index}]", "ends before it starts") for index, (begin, end) in numbered if end and end < begin
    ]
    ordered = sorted((item for item in numbered if item[1][0] != item[1][1]), key=lambda item: item[1][0])
    for (_, (_, end)), (index, (begin, _)) in pairwise(ordered):
        if end is None or begin < end:
            problems.append((f"pauses[{index}]", "overlaps the pause before it"))
    if problems:
        raise PauseProblem(problems)
    return [pause for _, pause in ordered]


def due_after(
    calendar: BusinessTime, start: datetime, budget: timedelta, pauses: Iterable[PauseSpan] = ()
) -> datetime | None:
    """`calendar.add` with pauses as closed time; None when a pause without end begins before the budget is used up."""
    for begin, end in in_order(pauses):
        if end is not None and end <= start:
            continue
        due_at = _due_by(calendar, start, budget, begin)
        if due_at is not None or end is None:
            return due_at
        budget -= calendar.elapsed(start, max(start, begin))
        start = end
    return calendar.add(start, budget)


def _due_by(calendar: BusinessTime, start: datetime, budget: timedelta, limit: datetime) -> datetime | None:
    """The due time when it comes before a pause at `limit`; a budget used up exactly there is due there."""
    if limit <= start:
        return None
    if not budget:
        opening = calendar.next_opening(start)
        return opening if opening < limit else None
    return calendar.add(start, budget) if calendar.elapsed(start, limit) >= budget else None


def open_time(calendar: BusinessTime, begin: datetime, end: datetime, pauses: Iterable[PauseSpan] = ()) -> timedelta:
    """`calendar.elapsed` less the open time inside pauses."""
    counted = calendar.elapsed(begin, end)
    for first, last in in_order(pauses):
        paused_from, paused_to = max(first, begin), min(last or end, end)
        if paused_from < paused_to:
            counted -= calendar.elapsed(paused_from, paused_to)
    return counted


def cut(interval: Interval, pauses: Sequence[PauseSpan]) -> Iterator[tuple[Interval, int | None]]:
    """The interval in pieces, each inside one pause or none, with the position of that pause.

    `pauses` are as `in_order` gives them.
    """
    position = interval.starts_at
    for index, (first, last) in enumerate(pauses):
        begin, end = max(first, position), _earlier(interval.ends_at, last)
        if end is not None and end <= begin:
            continue
        if position < begin:
            yield replace(interval, starts_at=position, ends_at=begin), None
        yield replace(interval, starts_at=begin, ends_at=end), index
        if end is None:
            return
        position = end
    if interval.ends_at is None or position < interval.ends_at:
        yield replace(interval, starts_at=position), None


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((instant for instant in (one, other) if instant is not None), default=None)


def preview(
    calendar: BusinessTime, start: datetime, budget: timedelta, pauses: Iterable[PauseSpan] = (),
    *, most: int | None = None,
) -> Preview:  # fmt: skip
    """Due time of a budget and the intervals from `start` to it, the first `most` of them.

    While an open pause holds the budget, the last interval is that pause and its `ends_at` is None.
    """
    known = in_order(pauses)
    due_at = due_after(calendar, start, budget, known)
    if due_at is not None:
        return Preview(due_at, list(islice(_intervals(calendar, start, due_at, known), most)))
    held_from = max(start, known[-1][0])
    held = Interval(held_from, None, False, "paused")
    return Preview(None, [*islice(_intervals(calendar, start, held_from, known), most), held])


def elapsed_with(
    calendar: BusinessTime, begin: datetime, end: datetime, pauses: Iterable[PauseSpan] = (),
    *, most: int | None = None,
) -> Elapsed:  # fmt: skip
    """Counted time between two instants with its explanation, the first `most` intervals; all of them add up to it."""
    known = in_order(pauses)
    intervals = list(islice(_intervals(calendar, begin, end, known), most))
    if most is None:
        return Elapsed(sum((one.length for one in intervals if one.counted), timedelta()), intervals)
    return Elapsed(open_time(calendar, begin, end, known), intervals)


def _intervals(calendar: BusinessTime, begin: datetime, end: datetime, pauses: list[PauseSpan]) -> Iterator[Interval]:
    for interval in calendar.segments(begin, end):
        for piece, pause in cut(interval, pauses) if interval.counted else [(interval, None)]:
            paused = pause is not None and piece.counted
            yield replace(piece, counted=False, why="paused") if paused else piece
