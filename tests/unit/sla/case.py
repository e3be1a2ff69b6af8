"""What one case says. Times are readings of local clocks, `06-01 10:00` in 2026; `*`: the second time they show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from taskhub.calendars import BusinessCalendar, parse, parse_target
from taskhub.sla import Lap, Pause, SlaClock

WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
EVERY_DAY = (*WORKDAYS, "sat", "sun")


def weekly(days: tuple[str, ...], *openings: str) -> dict[str, list[str]]:
    return {day: list(openings) for day in days}


SPECS: dict[str, dict[str, object]] = {
    "office": {"tz": "Europe/Paris", "weekly": weekly(WORKDAYS, "09:00-17:00")},
    "longer": {"tz": "Europe/Paris", "weekly": weekly(WORKDAYS, "08:00-20:00")},
    "split": {"tz": "Europe/Paris", "weekly": weekly(WORKDAYS, "09:00-12:00", "13:00-18:00")},
    "saturdays": {"tz": "Europe/Paris", "weekly": {**weekly(WORKDAYS, "09:00-17:00"), "sat": ["10:00-13:00"]}},
    "feasts": {
        "tz": "Europe/Paris", "weekly": weekly(WORKDAYS, "09:00-17:00"),
        "holidays": ["2026-05-01", "2026-05-08", "2026-05-25", "2026-12-25"],
        "special_dates": {"2026-05-08": ["10:00-14:00"], "2026-12-24": ["09:00-12:00"], "2026-12-31": [],
                          "2026-05-30": ["09:00-13:00"]},
    },
    "breaks": {
        "tz": "Europe/Paris", "weekly": weekly(WORKDAYS, "09:00-17:00"),
        "breaks": {"2026-06-03": ["12:00-13:00"], "2026-06-04": ["09:00-10:30"], "2026-06-05": ["08:00-18:00"],
                   "2026-06-09": ["16:00-17:00", "10:00-10:15"]},
    },
    "nights": {"tz": "Europe/Paris", "weekly": weekly(WORKDAYS, "22:00-06:00")},
    "nights_feast": {"tz": "Europe/Paris", "weekly": weekly(WORKDAYS, "22:00-06:00"), "holidays": ["2026-06-03"]},
    "nights_break": {
        "tz": "Europe/Paris", "weekly": weekly(WORKDAYS, "22:00-06:00"), "breaks": {"2026-06-03": ["01:00-01:30"]},
    },
    "weekend_nights": {"tz": "Europe/Paris", "weekly": {"sat": ["22:00-06:00"], "mon": ["09:00-17:00"]}},
    "always": {"tz": "Europe/Paris", "weekly": weekly(EVERY_DAY, "00:00-24:00")},
    "gap_opening": {"tz": "Europe/Paris", "weekly": {"sun": ["02:30-05:00"]}},
    "gap_closing": {"tz": "Europe/Paris", "weekly": {"sun": ["00:00-02:30"]}},
    "gap_only": {"tz": "Europe/Paris", "weekly": {"sun": ["02:10-02:50"], "mon": ["09:00-17:00"]}},
    "new_york": {"tz": "America/New_York", "weekly": weekly(WORKDAYS, "09:00-17:00")},
    "new_york_always": {"tz": "America/New_York", "weekly": weekly(EVERY_DAY, "00:00-24:00")},
    "kathmandu": {"tz": "Asia/Kathmandu", "weekly": weekly(("sun", *WORKDAYS), "10:00-17:00")},
    "st_johns": {"tz": "America/St_Johns", "weekly": weekly(WORKDAYS, "08:30-16:30")},
    "lord_howe": {"tz": "Australia/Lord_Howe", "weekly": weekly(EVERY_DAY, "00:00-24:00")},
    "sydney_nights": {"tz": "Australia/Sydney", "weekly": {"sat": ["22:00-06:00"]}},
    "apia": {"tz": "Pacific/Apia", "weekly": weekly(EVERY_DAY, "09:00-17:00")},
    "tokyo": {"tz": "Asia/Tokyo", "weekly": weekly(WORKDAYS, "09:00-18:00")},
}  # fmt: skip
CALENDARS: dict[str, BusinessCalendar] = {key: parse(spec, key=key) for key, spec in SPECS.items()}


@dataclass(frozen=True)
class Case:
    """`due` is worked out by hand, `how` says in what way. Everything else is what happened.

    `pauses` are (from, to or None) that stop the clock, `aside` those that do not; `laps` (until, calendar) are the
    calendars before `calendar`; `given` is a date by hand; `shown` is (at, state, counted, e.g. "3h30m"), and
    `warned` the first warning at three quarters.
    """

    how: str
    calendar: str
    target: str
    ready: str
    due: str | None
    pauses: tuple[tuple[str, str | None], ...] = ()
    aside: tuple[tuple[str, str | None], ...] = ()
    laps: tuple[tuple[str, str], ...] = ()
    given: str | None = None
    met: str | None = None
    shown: tuple[tuple[str, str, str], ...] = ()
    warned: str | None = None

    def at(self, text: str | None) -> datetime | None:
        """The instant at which the clocks of the calendar's zone show it."""
        if text is None:
            return None
        plain = text.removesuffix("*")
        shown = datetime.fromisoformat(plain if plain[4] == "-" else f"2026-{plain}")
        local = shown.replace(tzinfo=ZoneInfo(str(SPECS[self.calendar]["tz"])), fold=int(text.endswith("*")))
        # In UTC: two readings of an hour that is there twice never equal anything in another zone.
        return local.astimezone(UTC)

    @property
    def clock(self) -> SlaClock:
        stops = [(span, True) for span in self.pauses] + [(span, False) for span in self.aside]
        pauses = tuple(Pause(self.at(a), self.at(b), "customer", "ana", stops_clock=s) for (a, b), s in stops)  # type: ignore[arg-type]
        laps = tuple(Lap(self.at(until), CALENDARS[key]) for until, key in self.laps)  # type: ignore[arg-type]
        return SlaClock(
            "completion", parse_target(self.target), self.at(self.ready), self.at(self.given), pauses=pauses,  # type: ignore[arg-type]
            met_at=self.at(self.met), laps=laps,
        )  # fmt: skip
