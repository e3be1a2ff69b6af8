"""Open time as sorted arrays with running totals, compiled in chunks of local dates when first looked at.

Adding, subtracting and measuring are binary searches inside a chunk; whole chunks in between are skipped by their
totals. Instants are UTC datetimes: comparing them in C beats turning each one into a number first.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from threading import Lock

from taskhub.calendars.hours import Hours
from taskhub.calendars.instants import to_instant, to_micros
from taskhub.calendars.problems import CalendarNeverOpens, SpanTooLong
from taskhub.calendars.spans import clip

CHUNK_DAYS = 128
CHUNKS_KEPT = 128
LAST_CHUNK = date.max.toordinal() // CHUNK_DAYS
NO_OPENING_FOR = timedelta(days=1827)
HORIZON = timedelta(days=36_525)
NOTHING = timedelta()
_FIRST, _LAST = to_micros(datetime(1, 1, 1, tzinfo=UTC)), to_micros(datetime(9999, 12, 31, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Chunk:
    """`starts[i]`, `ends[i]` of each open span, and `done[i]`, the open time of the chunk up to `ends[i]`."""

    number: int
    begins: datetime
    finishes: datetime
    starts: list[datetime]
    ends: list[datetime]
    done: list[timedelta]
    total: timedelta

    def served(self, at: datetime) -> timedelta:
        """Open time from the beginning of the chunk to `at`."""
        index = bisect_right(self.starts, at) - 1
        if index < 0:
            return NOTHING
        end = self.ends[index]
        return self.done[index] - (end - at) if at < end else self.done[index]


class Timeline:
    """The open time of one calendar; safe to share between threads, as a chunk never changes once made."""

    def __init__(self, hours: Hours) -> None:
        self._hours = hours
        self._chunks: dict[int, Chunk] = {}
        self._lock = Lock()

    def add(self, at: datetime, budget: timedelta) -> datetime:
        """The earliest instant by which `budget` has been served since `at`; a zero budget waits for an opening."""
        if not budget:
            return self.next_opening(at)
        chunk = self._around(at)
        wanted = chunk.served(at) + budget
        if wanted > chunk.total:
            chunk, wanted = self._walk_on(chunk, wanted, at)
        index = bisect_left(chunk.done, wanted)
        return chunk.ends[index] - (chunk.done[index] - wanted)

    def sub(self, at: datetime, budget: timedelta) -> datetime:
        """The latest instant from which exactly `budget` is served up to `at`; `at` itself for a zero budget."""
        if not budget:
            return at
        chunk = self._around(at)
        wanted = chunk.served(at) - budget
        if wanted < NOTHING:
            chunk, wanted = self._walk_back(chunk, wanted, at)
        index = bisect_right(chunk.done, wanted)
        return chunk.ends[index] - (chunk.done[index] - wanted)

    def elapsed(self, begin: datetime, end: datetime) -> timedelta:
        """Open time between two instants, begin <= end."""
        check_reach(end - begin)
        first, last = self._around(begin), self._around(end)
        if first is last:
            return last.served(end) - first.served(begin)
        between = (self._chunk(number).total for number in range(first.number, last.number))
        return sum(between, last.served(end) - first.served(begin))

    def is_open(self, at: datetime) -> bool:
        """Whether time counts right after `at`."""
        chunk = self._around(at)
        index = bisect_right(chunk.starts, at) - 1
        return index >= 0 and at < chunk.ends[index]

    def next_opening(self, at: datetime) -> datetime:
        """`at` when open, else the first instant after it that is."""
        chunk = self._around(at)
        index = bisect_right(chunk.ends, at)
        if index == len(chunk.ends):
            chunk, index = self._walk_on(chunk, chunk.total + timedelta.resolution, at)[0], 0
        return max(at, chunk.starts[index])

    def spans(self, begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """The open spans inside [begin, end); touching ones appear where chunks meet."""
        check_reach(end - begin)
        numbers = range(self._around(begin).number, self._around(end).number + 1)
        chunks = (self._chunk(number) for number in numbers)
        return [span for chunk in chunks for span in clip(zip(chunk.starts, chunk.ends, strict=True), begin, end)]

    def _walk_on(self, chunk: Chunk, wanted: timedelta, at: datetime) -> tuple[Chunk, timedelta]:
        last_open = at
        while wanted > chunk.total:
            wanted -= chunk.total
            last_open = max(last_open, *chunk.ends[-1:], at)
            chunk = self._following(chunk, 1)
            _check_gap(last_open, chunk.starts[0] if chunk.starts else chunk.finishes)
            check_reach(chunk.begins - at)
        return chunk, wanted

    def _walk_back(self, chunk: Chunk, wanted: timedelta, at: datetime) -> tuple[Chunk, timedelta]:
        first_open = at
        while wanted < NOTHING:
            first_open = min(first_open, *chunk.starts[:1], at)
            chunk = self._following(chunk, -1)
            wanted += chunk.total
            _check_gap(chunk.ends[-1] if chunk.ends else chunk.begins, first_open)
            check_reach(at - chunk.finishes)
        return chunk, wanted

    def _following(self, chunk: Chunk, step: int) -> Chunk:
        if not 0 <= chunk.number + step <= LAST_CHUNK:
            raise _never()
        return self._chunk(chunk.number + step)

    def _around(self, at: datetime) -> Chunk:
        # The guess takes the date in UTC; the local date is at most one off, so the chunk is too.
        number = at.toordinal() // CHUNK_DAYS
        chunk = self._chunks.get(number) or self._chunk(number)
        if at < chunk.begins:
            return self._chunk(number - 1)
        return self._chunk(number + 1) if at >= chunk.finishes else chunk

    def _chunk(self, number: int) -> Chunk:
        chunk = self._chunks.get(number)
        if chunk is None:
            chunk = _compile(self._hours, number)
            with self._lock:
                if len(self._chunks) >= CHUNKS_KEPT:
                    del self._chunks[next(iter(self._chunks))]
                self._chunks[number] = chunk
        return chunk


def check_reach(length: timedelta) -> None:
    """SpanTooLong when it is more than a hundred years."""
    if length > HORIZON:
        raise SpanTooLong([("", "more than a hundred years")])


def _compile(hours: Hours, number: int) -> Chunk:
    first, last = number * CHUNK_DAYS, (number + 1) * CHUNK_DAYS
    spans = hours.open_spans(first, last)
    starts, ends = [to_instant(span[0]) for span in spans], [to_instant(span[1]) for span in spans]
    done: list[timedelta] = []
    total = NOTHING
    for begin, end in zip(starts, ends, strict=True):
        total += end - begin
        done.append(total)
    begins, finishes = (to_instant(min(max(hours.begins(edge), _FIRST), _LAST)) for edge in (first, last))
    return Chunk(number, begins, finishes, starts, ends, done, total)


def _check_gap(last_open: datetime, opens: datetime) -> None:
    if opens - last_open > NO_OPENING_FOR:
        raise _never()


def _never() -> CalendarNeverOpens:
    return CalendarNeverOpens([("", "the calendar does not open within five years")])
