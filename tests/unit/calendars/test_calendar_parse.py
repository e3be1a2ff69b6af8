from datetime import UTC, date, datetime

import pytest

from taskhub.calendars import BusinessCalendar, CalendarNeverOpens, CalendarProblem, Opening, format_time, parse
from taskhub.calendars.parse import MOST_OPENINGS

GOOD = {
    "tz": "Europe/Paris",
    "weekly": {"mon": ["09:00-12:00", "13:00-17:00"], "fri": ["22:00-06:00"], "sat": ["00:00-24:00"]},
    "special_dates": {"2026-12-24": ["09:00-12:00"], "2026-12-26": []},
    "holidays": ["2026-12-25", date(2027, 1, 1)],
    "holiday_region": "FR",
    "breaks": {"2026-01-02": ["10:00-11:30"]},
}


def problems(mapping: object) -> dict[str, str]:
    with pytest.raises(CalendarProblem) as caught:
        parse(mapping, key="k")  # type: ignore[arg-type]
    return dict(caught.value.problems)


def test_a_whole_calendar() -> None:
    calendar = parse(GOOD, key="office", holidays=[date(2026, 7, 14)])
    assert calendar.key == "office"
    assert calendar.weekly["fri"] == [Opening(22 * 60, 30 * 60)]
    assert calendar.holidays == {date(2026, 12, 25), date(2027, 1, 1), date(2026, 7, 14)}
    assert calendar.special_dates[date(2026, 12, 26)] == []


def test_every_problem_is_told_with_its_place() -> None:
    found = problems(
        {
            "tz": "Europe/Pariss",
            "weekly": {
                "mon": ["9-5", "25:00-26:00", "09:00-12:00", "11:00-13:00"],
                "monday": ["09:00-17:00"],
                "tue": "09:00-17:00",
                "wed": ["09:00-09:00", "24:00-02:00", 9],
            },
            "special_dates": {"24/12/2026": [], "2026-02-30": []},
            "holidays": ["2026-13-01", 5],
            "breaks": {"2026-01-02": ["22:00-02:00"]},
            "weeky": {},
            "holiday_region": 3,
        }
    )
    assert set(found) == {
        "tz", "weekly.mon[0]", "weekly.mon[1]", "weekly.mon[3]", "weekly.monday", "weekly.tue", "weekly.wed[0]",
        "weekly.wed[1]", "weekly.wed[2]", "special_dates.24/12/2026", "special_dates.2026-02-30", "holidays[0]",
        "holidays[1]", "breaks.2026-01-02", "weeky", "holiday_region",
    }  # fmt: skip
    assert "did you mean Europe/Paris?" in found["tz"]
    assert "'25:00' is not a time of day" in found["weekly.mon[1]"]
    assert found["weekly.mon[3]"] == "11:00-13:00 overlaps 09:00-12:00"
    assert "did you mean mon?" in found["weekly.monday"]
    assert "did you mean weekly?" in found["weeky"]
    assert "00:00-24:00" in found["weekly.wed[0]"]


@pytest.mark.parametrize(
    ("zone", "nearest"),
    [
        ("europe/paris", "Europe/Paris"),
        ("Paris", "Europe/Paris"),
        ("America/New York", "America/New_York"),
        ("Asia/Calcuta", "Asia/Calcutta"),
    ],
)
def test_a_wrong_zone_names_the_nearest(zone: str, nearest: str) -> None:
    assert f"did you mean {nearest}?" in problems({"tz": zone, "weekly": {}})["tz"]


@pytest.mark.parametrize("zone", ["Mars/Phobos", "+25:00", "../../etc/passwd", "Europe", "", "/etc/localtime", "\0", 5])
def test_a_wrong_zone_is_refused(zone: object) -> None:
    assert "tz" in problems({"tz": zone, "weekly": {"mon": ["09:00-17:00"]}})


@pytest.mark.parametrize("mapping", [None, [], "office", 5])
def test_something_else_than_a_table(mapping: object) -> None:
    assert "" in problems(mapping)


@pytest.mark.parametrize("part", ["weekly", "special_dates", "breaks", "holidays"])
def test_parts_of_the_wrong_type(part: str) -> None:
    assert part in problems({**GOOD, part: "always"})


def test_overlap_inside_one_day_is_refused_and_touching_is_fine() -> None:
    week = {"mon": ["20:00-04:00", "23:00-24:00"], "tue": ["09:00-12:00", "12:00-13:00"], "wed": ["02:00-08:00"]}
    assert set(problems({"tz": "UTC", "weekly": week})) == {"weekly.mon[1]"}


def test_overlap_with_the_night_before_is_fine() -> None:
    parse({"tz": "UTC", "weekly": {"mon": ["20:00-08:00"], "tue": ["06:00-10:00"]}}, key="k")


@pytest.mark.parametrize(
    "hours",
    [
        {},
        {"weekly": {}},
        {"weekly": {"mon": [], "tue": []}},
        {"special_dates": {"2026-12-24": []}},
        {"special_dates": {"2026-12-24": ["09:00-10:00"]}, "breaks": {"2026-12-24": ["09:00-10:00"]}},
        # 2026-03-29 is a Sunday whose 02:00 to 03:00 does not exist.
        {"special_dates": {"2026-03-29": ["02:00-03:00"]}},
    ],
)
def test_a_calendar_that_never_opens(hours: dict[str, object]) -> None:
    with pytest.raises(CalendarNeverOpens) as caught:
        parse({"tz": "Europe/Paris", **hours}, key="k")
    assert caught.value.problems == (("weekly", "the calendar does not open within five years"),)


def test_a_calendar_that_does_not_open_soon_enough() -> None:
    mapping = {"tz": "UTC", "special_dates": {"2040-01-02": ["09:00-10:00"]}}
    parse(mapping, key="k")
    parse(mapping, key="k", at=datetime(2035, 1, 3, tzinfo=UTC))
    for year in (2030, 2041):
        with pytest.raises(CalendarNeverOpens):
            parse(mapping, key="k", at=datetime(year, 1, 1, tzinfo=UTC))


def test_the_constructor_refuses_what_it_cannot_use() -> None:
    with pytest.raises(CalendarProblem, match="tz"):
        BusinessCalendar("k", "Nowhere", {})
    with pytest.raises(CalendarProblem, match=r"weekly\.monday"):
        BusinessCalendar("k", "UTC", {"monday": []})
    with pytest.raises(ValueError, match="not possible"):
        Opening(600, 500)


@pytest.mark.parametrize("text", ["00:00-24:00", "22:00-06:00", "09:05-17:30", "13:00-00:00"])
def test_openings_are_written_as_read(text: str) -> None:
    expected = "13:00-24:00" if text == "13:00-00:00" else text
    assert str(Opening.parse(text)) == expected
    assert str(Opening.parse(expected)) == expected
    assert format_time(Opening.parse(text).opens) == text[:5]


def test_a_flood_of_openings_is_answered_in_few_words() -> None:
    assert len(problems({"tz": "UTC", "weekly": {"mon": ["09:00-10:00"] * MOST_OPENINGS}})) == MOST_OPENINGS - 1
    found = problems({"tz": "UTC", "weekly": {"mon": ["09:00-10:00"] * (MOST_OPENINGS + 1)}})
    assert found == {"weekly.mon": f"has {MOST_OPENINGS + 1} openings; write at most {MOST_OPENINGS}"}
