"""Shifts in the person's own zone, absences, and presences that end by themselves."""

from datetime import UTC, datetime, timedelta

import pytest

from taskhub.agents.availability import absent, inside, next_shift, on_shift, present, problems, shift_end, weekly

OFFICE = weekly({"mon": ["13:00-17:00", "09:00-12:00"], "fri": ["22:00-06:00"]})
PARIS = "Europe/Paris"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "there"),
    [
        ("2026-11-23T07:59:59", False),
        ("2026-11-23T08:00:00", True),
        ("2026-11-23T10:59:59", True),
        ("2026-11-23T11:00:00", False),  # a shift that ends now is over
        ("2026-11-23T12:30:00", True),
        ("2026-11-24T09:00:00", False),
        ("2026-11-27T21:00:00", True),
        ("2026-11-28T04:59:00", True),  # the night of Friday
        ("2026-11-28T05:00:00", False),
        ("2026-11-28T22:00:00", False),
    ],
)
def test_shifts_are_read_in_the_persons_zone(now: str, there: bool) -> None:
    assert on_shift(PARIS, OFFICE, at(now)) is there


def test_the_same_hour_is_another_instant_elsewhere() -> None:
    assert not on_shift("America/New_York", OFFICE, at("2026-11-23T08:30:00"))
    assert on_shift("America/New_York", OFFICE, at("2026-11-23T14:30:00"))


def test_the_night_summer_time_ends_is_an_hour_longer() -> None:
    night = weekly({"sat": ["22:00-06:00"]})
    assert on_shift(PARIS, night, at("2026-10-24T20:00:00"))
    assert shift_end(PARIS, night, at("2026-10-24T20:00:00")) == at("2026-10-25T05:00:00")


def test_without_shifts_people_are_always_on() -> None:
    assert on_shift("UTC", (), at("2026-11-29T03:00:00"))
    assert shift_end("UTC", (), at("2026-11-29T03:00:00")) is None
    assert next_shift("UTC", (), at("2026-11-29T03:00:00")) is None


def test_end_and_next_start_of_shifts() -> None:
    assert shift_end(PARIS, OFFICE, at("2026-11-23T09:00:00")) == at("2026-11-23T11:00:00")
    assert shift_end(PARIS, OFFICE, at("2026-11-23T11:30:00")) is None
    assert next_shift(PARIS, OFFICE, at("2026-11-23T09:00:00")) == at("2026-11-23T12:00:00")
    assert next_shift(PARIS, OFFICE, at("2026-11-28T05:00:00")) == at("2026-11-30T08:00:00")


def test_round_the_clock_has_no_end_in_sight() -> None:
    always = weekly({day: ["00:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")})
    for hours in range(0, 24 * 300, 71):
        now = at("2026-01-01T00:00:00") + timedelta(hours=hours)
        assert on_shift(PARIS, always, now)
        assert shift_end(PARIS, always, now) is None
        assert next_shift(PARIS, always, now) is None


def test_weekly_has_one_form() -> None:
    assert OFFICE == (("mon", ("09:00-12:00", "13:00-17:00")), ("fri", ("22:00-06:00",)))
    assert weekly({}) == ()


def test_absences_end_with_the_first_instant_back() -> None:
    since, until = at("2026-11-23T00:00:00"), at("2026-11-25T00:00:00")
    assert absent([(since, until)], since)
    assert not absent([(since, until)], until)
    assert absent([(since, None)], until + timedelta(days=999))
    assert not absent([], since)


@pytest.mark.parametrize(
    ("presence", "minutes", "now_is"),
    [
        ("available", None, "available"),
        ("busy", None, "busy"),
        ("busy", 5, "busy"),
        ("busy", 0, "available"),
        ("away", -5, "available"),
        ("available", -5, "offline"),
    ],
)
def test_presence_ends_by_itself(presence: str, minutes: int | None, now_is: str) -> None:
    now = at("2026-11-23T09:00:00")
    until = None if minutes is None else now + timedelta(minutes=minutes)
    assert present(presence, until, now) == now_is


def test_blocks() -> None:
    assert inside(PARIS, OFFICE, at("2026-11-23T08:30:00"))
    assert not inside(PARIS, (), at("2026-11-23T08:30:00"))


def test_openings_are_checked_as_calendars_are() -> None:
    assert problems({"mon": ["09:00-12:00"]}) == []
    assert problems({}) == []
    assert [path for path, _ in problems({"mon": ["9-12"], "someday": []})] == [".mon[0]", ".someday"]
