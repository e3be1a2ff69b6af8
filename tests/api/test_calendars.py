"""Trying a calendar through the API."""

from tests.api.house import House

OFFICE = {"tz": "Europe/Paris", "weekly": {day: ["09:00-12:00", "13:00-17:00"] for day in ("mon", "tue", "thu", "fri")}}
PREVIEW, ELAPSED = "/api/v1/calendars/preview", "/api/v1/calendars/elapsed"


def test_when_a_budget_is_used_up(any_house: House) -> None:
    asked = {"calendar": OFFICE, "start": "2026-01-05T10:30:00+01:00", "budget_s": 7200}
    said = any_house.of("zoe").ok("POST", PREVIEW, asked)
    assert said["due_at"] == "2026-01-05T12:30:00Z"
    assert [(one["counted"], one["why"]) for one in said["intervals"]] == [
        (True, "open"), (False, "closed"), (True, "open"),
    ]  # fmt: skip
    assert said["intervals"][0]["from"] == "2026-01-05T09:30:00Z"


def test_pauses_are_closed_time_and_an_open_one_holds(house: House) -> None:
    asked = {"calendar": OFFICE, "start": "2026-01-05T09:00:00+01:00", "budget_s": 3600}
    paused = {**asked, "pauses": [["2026-01-05T09:30:00+01:00", "2026-01-05T10:30:00+01:00"]]}
    assert house.of("zoe").ok("POST", PREVIEW, paused)["due_at"] == "2026-01-05T10:00:00Z"
    held = {**asked, "pauses": [["2026-01-05T09:30:00+01:00", None]]}
    said = house.of("zoe").ok("POST", PREVIEW, held)
    assert said["due_at"] is None
    assert (said["intervals"][-1]["why"], said["intervals"][-1]["to"]) == ("paused", None)


def test_how_much_time_counted(house: House) -> None:
    asked = {"calendar": OFFICE, "from": "2026-01-05T00:00:00Z", "to": "2026-01-07T00:00:00Z"}
    said = house.of("zoe").ok("POST", ELAPSED, asked)
    assert said["elapsed_s"] == 14 * 3600


def test_holidays_of_a_region_are_closed(house: House) -> None:
    asked = {"from": "2026-05-01T00:00:00Z", "to": "2026-05-02T00:00:00Z"}
    french = {**OFFICE, "holiday_region": "FR"}
    assert house.of("zoe").ok("POST", ELAPSED, {"calendar": OFFICE, **asked})["elapsed_s"] == 7 * 3600
    assert house.of("zoe").ok("POST", ELAPSED, {"calendar": french, **asked})["elapsed_s"] == 0


def test_a_calendar_of_the_house_by_its_key(house: House) -> None:
    asked = {"calendar": "office", "start": "2026-01-05T08:00:00Z", "budget_s": 0}
    assert house.of("zoe").ok("POST", PREVIEW, asked)["due_at"] == "2026-01-05T09:00:00Z"
