import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest

from taskhub.calendars import BusinessCalendar, CalendarNeverOpens, SpanTooLong, open_spans, parse
from taskhub.calendars.timeline import CHUNKS_KEPT

OFFICE = {
    "tz": "Europe/Paris",
    "weekly": {day: ["09:00-12:00", "13:00-17:00"] for day in ["mon", "tue", "wed", "thu", "fri"]},
    "holidays": ["2026-05-01"],
    "breaks": {"2026-06-02": ["10:00-11:00", "11:30-13:30"]},
}
HOUR = timedelta(hours=1)


def paris(text: str) -> datetime:
    """Summer time of 2026."""
    return datetime.fromisoformat(f"2026-{text}+02:00")


@pytest.fixture(name="office")
def _office() -> BusinessCalendar:
    return parse(OFFICE, key="office")


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("06-01T08:59:59", False),
        ("06-01T09:00", True),
        ("06-01T11:59:59.999999", True),
        ("06-01T12:00", False),
        ("06-02T10:00", False),
        ("06-02T11:00", True),
        ("05-01T10:00", False),
        ("06-06T10:00", False),
    ],
)
def test_open_from_opening_until_just_before_closing(office: BusinessCalendar, at: str, is_open: bool) -> None:
    assert office.is_open(paris(at)) is is_open


def test_next_opening_is_now_when_open(office: BusinessCalendar) -> None:
    assert office.next_opening(paris("06-01T10:00")) == paris("06-01T10:00")
    assert office.next_opening(paris("06-01T12:00")) == paris("06-01T13:00")
    assert office.next_opening(paris("04-30T17:00")) == paris("05-04T09:00")


def test_elapsed(office: BusinessCalendar) -> None:
    assert office.elapsed(paris("06-01T10:00"), paris("06-01T10:00")) == timedelta()
    assert office.elapsed(paris("06-01T12:10"), paris("06-01T12:50")) == timedelta()
    assert office.elapsed(paris("06-01T10:00"), paris("06-02T14:00")) == timedelta(hours=6 + 1 + 0.5 + 0.5)
    with pytest.raises(ValueError, match="before"):
        office.elapsed(paris("06-02T10:00"), paris("06-01T10:00"))


def test_segments_fill_the_time_and_say_why(office: BusinessCalendar) -> None:
    shown = [
        (one.starts_at, one.ends_at, one.why) for one in office.segments(paris("06-02T09:30"), paris("06-02T18:00"))
    ]
    assert shown == [
        (paris("06-02T09:30"), paris("06-02T10:00"), "open"),
        (paris("06-02T10:00"), paris("06-02T11:00"), "break"),
        (paris("06-02T11:00"), paris("06-02T11:30"), "open"),
        (paris("06-02T11:30"), paris("06-02T12:00"), "break"),
        (paris("06-02T12:00"), paris("06-02T13:00"), "closed"),
        (paris("06-02T13:00"), paris("06-02T13:30"), "break"),
        (paris("06-02T13:30"), paris("06-02T17:00"), "open"),
        (paris("06-02T17:00"), paris("06-02T18:00"), "closed"),
    ]


def test_a_holiday_is_named_from_midnight_to_midnight(office: BusinessCalendar) -> None:
    shown = [(one.ends_at, one.why) for one in office.segments(paris("04-30T16:00"), paris("05-04T10:00"))]
    assert shown == [
        (paris("04-30T17:00"), "open"),
        (paris("05-01T00:00"), "closed"),
        (paris("05-02T00:00"), "holiday"),
        (paris("05-04T09:00"), "closed"),
        (paris("05-04T10:00"), "open"),
    ]
    assert list(office.segments(paris("05-01T10:00"), paris("05-01T10:00"))) == []


def test_working_days_belong_to_the_date_a_shift_starts() -> None:
    nights = parse({"tz": "Europe/Paris", "weekly": {"fri": ["22:00-06:00"]}, "holidays": ["2026-06-12"]}, key="n")
    assert nights.working_day(date(2026, 6, 5))
    assert not nights.working_day(date(2026, 6, 6))
    assert not nights.working_day(date(2026, 6, 12))
    assert nights.opens_on(date(2026, 6, 5)) == paris("06-05T22:00")
    assert nights.closes_on(date(2026, 6, 5)) == paris("06-06T06:00")
    assert nights.closes_on(date(2026, 6, 6)) is None
    assert nights.business_date(paris("06-06T05:59")) == date(2026, 6, 5)
    assert nights.business_date(paris("06-06T06:00")) == date(2026, 6, 6)


def test_a_day_closes_where_its_last_open_minute_ends(office: BusinessCalendar) -> None:
    cut = parse({**OFFICE, "breaks": {"2026-06-03": ["16:00-18:00"], "2026-06-04": ["00:00-24:00"]}}, key="cut")
    assert cut.closes_on(date(2026, 6, 3)) == paris("06-03T16:00")
    assert not cut.working_day(date(2026, 6, 4))
    assert office.closes_on(date(2026, 6, 4)) == paris("06-04T17:00")


def test_equal_by_content(office: BusinessCalendar) -> None:
    twin = parse({**OFFICE, "holidays": []}, key="office", holidays=[date(2026, 5, 1)])
    assert twin == office
    assert len({twin, office, parse(OFFICE, key="other")}) == 2
    assert office != "office"


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_travels_between_processes(
    office: BusinessCalendar, clone: Callable[[BusinessCalendar], BusinessCalendar]
) -> None:
    assert clone(office) == office
    assert clone(office).add(paris("06-01T09:00"), HOUR) == paris("06-01T10:00")


def test_naive_instants_and_negative_budgets_are_refused(office: BusinessCalendar) -> None:
    aware = paris("06-01T09:00")
    naive = aware.replace(tzinfo=None)
    for refused in (
        lambda: office.add(naive, HOUR),
        lambda: office.sub(naive, HOUR),
        lambda: office.elapsed(aware, naive),
        lambda: office.is_open(naive),
        lambda: office.next_opening(naive),
        lambda: list(office.segments(naive, aware)),
        lambda: office.local_date(naive),
        lambda: office.add(aware, -HOUR),
        lambda: office.sub(aware, -HOUR),
        lambda: office.add(datetime.fromisoformat("0001-01-01T00:00+14:00"), HOUR),
    ):
        with pytest.raises(ValueError, match=r"time zone|negative|years 1 to 9999"):
            refused()


def test_closed_for_ever_is_an_error_and_not_a_loop() -> None:
    once = BusinessCalendar("once", "UTC", {}, {date(2026, 6, 1): parse_day("09:00-10:00")})
    start = datetime(2026, 6, 1, 9, tzinfo=UTC)
    assert once.add(start, HOUR) == start + HOUR
    assert once.sub(start + timedelta(days=1800), HOUR) == start
    for never in (
        lambda: once.add(start, 2 * HOUR),
        lambda: once.add(start + HOUR, timedelta()),
        lambda: once.add(start - timedelta(days=1828), HOUR),
        lambda: once.sub(start, HOUR),
        lambda: once.sub(start + timedelta(days=1829), HOUR),
        lambda: once.next_opening(start + HOUR),
        lambda: BusinessCalendar("never", "UTC", {}).add(start, HOUR),
    ):
        with pytest.raises(CalendarNeverOpens):
            never()


def parse_day(opening: str) -> list[object]:
    return list(parse({"tz": "UTC", "weekly": {"mon": [opening]}}, key="k").weekly["mon"])


@pytest.mark.parametrize("year", [1, 2, 1900, 9998, 9999])
def test_the_edges_of_time(year: int, office: BusinessCalendar) -> None:
    start = datetime(year, 12, 30, 12, tzinfo=UTC) if year > 2 else datetime(year, 1, 1, tzinfo=UTC)
    try:
        assert office.elapsed(start, office.add(start, HOUR)) == HOUR
    except CalendarNeverOpens:
        assert year == 9999


def test_more_than_a_hundred_years_is_refused(office: BusinessCalendar) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for too_long in (
        lambda: office.add(start, timedelta(days=20_000)),
        lambda: office.sub(start, timedelta.max),
        lambda: office.elapsed(start, start.replace(year=2127)),
        lambda: list(office.segments(start, start.replace(year=9999))),
    ):
        with pytest.raises(SpanTooLong):
            too_long()


def test_the_cache_stays_small(office: BusinessCalendar) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert office.elapsed(start, office.add(start, timedelta(hours=35 * 52 * 60))) == timedelta(hours=35 * 52 * 60)
    assert len(office._timeline._chunks) <= CHUNKS_KEPT


def test_threads_share_a_calendar(office: BusinessCalendar) -> None:
    starts = [datetime(1990 + year, 1, 1, tzinfo=UTC) for year in range(60)] * 4
    expected = [parse(OFFICE, key="alone").add(start, 500 * HOUR) for start in starts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda start: office.add(start, 500 * HOUR), starts)) == expected


def test_open_spans_of_several_calendars(office: BusinessCalendar) -> None:
    late = parse({"tz": "Europe/Paris", "weekly": {"mon": ["11:00-15:00", "16:00-20:00"]}}, key="late")
    assert open_spans([office, late], paris("06-01T10:00"), paris("06-02T09:30")) == [
        (paris("06-01T10:00"), paris("06-01T20:00")),
        (paris("06-02T09:00"), paris("06-02T09:30")),
    ]
    assert open_spans([], paris("06-01T10:00"), paris("06-02T09:30")) == []


def test_a_round_the_clock_calendar_is_one_span() -> None:
    always = parse({"tz": "UTC", "weekly": {day: ["00:00-24:00"] for day in WEEK}}, key="always")
    begin, end = datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    assert open_spans([always], begin, end) == [(begin, end)]


WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
