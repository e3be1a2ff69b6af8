"""``/calendars``: try a calendar before you trust it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any

from taskhub.api.bodies import ElapsedIn, PreviewIn
from taskhub.calendars import BusinessCalendar, CalendarNeverOpens, CalendarProblem, Interval, parse
from taskhub.calendars import elapsed_with as elapsed_in
from taskhub.calendars import preview as preview_in
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.http.edge import look
from taskhub.http.route import router
from taskhub.policy.reading.regions import dates_of

routes = router("calendars")
FURTHEST = timedelta(days=3660)
SHOWN = 5_000
OPENINGS = 20
DATES = 1_000


@routes.post("/calendars/preview")
@look("calendar.try")
def preview(tx: Tx, body: PreviewIn) -> dict[str, Any]:
    """When a budget of open time is used up, and the intervals that explain it."""
    with _as_problems():
        calendar = _calendar(tx, body.calendar, body.start)
        found = preview_in(calendar, body.start, timedelta(seconds=body.budget_s), body.pauses, most=SHOWN)
    return {"due_at": found.due_at, "intervals": _intervals(found.intervals)}


@routes.post("/calendars/elapsed")
@look("calendar.try")
def elapsed(tx: Tx, body: ElapsedIn) -> dict[str, Any]:
    """The open time between two instants, and the intervals that explain it."""
    if body.to - body.from_ > FURTHEST:
        raise InvalidInput("More than ten years cannot be explained at once.", code="span_too_long")
    with _as_problems():
        calendar = _calendar(tx, body.calendar, body.from_)
        found = elapsed_in(calendar, body.from_, body.to, body.pauses, most=SHOWN)
    return {"elapsed_s": found.elapsed.total_seconds(), "intervals": _intervals(found.intervals)}


def _calendar(tx: Tx, wanted: str | dict[str, Any], at: datetime) -> BusinessCalendar:
    if not isinstance(wanted, str):
        _refuse_bulk(wanted)
        region = wanted.get("holiday_region")
        return parse(wanted, key="preview", holidays=_holidays(region) if isinstance(region, str) else (), at=at)
    found = tx.policies.calendars.get(wanted)
    if found is None:
        known = ", ".join(sorted(tx.policies.calendars))
        raise InvalidInput(f"There is no calendar {wanted[:64]!r}. Calendars: {known}.", code="unknown_calendar")
    return found


def _refuse_bulk(wanted: dict[str, Any]) -> None:
    """A calendar somebody sends is walked in this very request: it may not be larger than a real one."""
    for part, most in (("weekly", OPENINGS), ("special_dates", OPENINGS), ("breaks", OPENINGS)):
        days = wanted.get(part)
        if not isinstance(days, dict):
            continue
        long = next(
            (day for day, openings in days.items() if isinstance(openings, list) and len(openings) > most), None
        )
        if long is not None or len(days) > DATES:
            raise InvalidInput(
                f"{part}: at most {DATES} days, {most} openings each.", code="calendar_invalid",
                errors=[{"path": f"{part}.{long}" if long else part, "message": "is too long"}],
            )  # fmt: skip


@lru_cache(maxsize=64)
def _holidays(region: str) -> tuple[date, ...]:
    return tuple(map(date.fromisoformat, dates_of(region)))


@contextmanager
def _as_problems() -> Iterator[None]:
    try:
        yield
    except CalendarNeverOpens as error:
        raise InvalidInput(f"The calendar never opens: {error}.", code="calendar_never_opens") from None
    except CalendarProblem as error:
        wrong = [{"path": path, "message": message} for path, message in error.problems]
        raise InvalidInput(f"{error}.", code="calendar_invalid", errors=wrong) from None
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{error}.", code="calendar_invalid") from None


def _intervals(found: Iterable[Interval]) -> list[dict[str, Any]]:
    return [
        {"from": one.starts_at, "to": one.ends_at, "counted": one.counted, "why": one.why}
        for one in islice(found, SHOWN)
    ]
