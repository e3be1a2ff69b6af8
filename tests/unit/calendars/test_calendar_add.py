"""Due times worked out by hand from wall clocks. Every instant is written with the offset people had that day."""

from datetime import UTC, datetime, timedelta

import pytest

from taskhub.calendars import BusinessCalendar, parse, parse_duration

WORKDAYS = ["mon", "tue", "wed", "thu", "fri"]
WEEK = [*WORKDAYS, "sat", "sun"]


def calendar(tz: str, days: list[str], *openings: str, **more: object) -> BusinessCalendar:
    return parse({"tz": tz, "weekly": {day: list(openings) for day in days}, **more}, key="tested")


CALENDARS = {
    "office": calendar("Europe/Paris", WORKDAYS, "09:00-12:00", "13:00-17:00"),
    "straight": calendar("Europe/Paris", WORKDAYS, "09:00-17:00"),
    "always": calendar("Europe/Paris", WEEK, "00:00-24:00"),
    "nights": calendar("Europe/Paris", WEEK, "22:00-06:00"),
    "friday night": calendar("Europe/Paris", ["fri"], "22:00-06:00"),
    "sunday gap": calendar("Europe/Paris", ["sun"], "02:00-03:00"),
    "sunday half gap": calendar("Europe/Paris", ["sun"], "02:30-04:00"),
    "sunday into gap": calendar("Europe/Paris", ["sun"], "01:00-02:30"),
    "saturday into gap": calendar("Europe/Paris", ["sat"], "22:00-02:30"),
    "new york": calendar("America/New_York", WORKDAYS, "09:00-17:00"),
    "new york nights": calendar("America/New_York", ["sat"], "20:00-04:00"),
    "kolkata": calendar("Asia/Kolkata", [*WORKDAYS, "sat"], "09:30-18:30"),
    "kathmandu": calendar("Asia/Kathmandu", ["sun", *WORKDAYS], "10:00-17:00"),
    "lord howe": calendar("Australia/Lord_Howe", WEEK, "00:00-06:00"),
    "st johns": calendar("America/St_Johns", WORKDAYS, "08:30-16:30"),
    "chatham": calendar("Pacific/Chatham", WORKDAYS, "09:00-17:00"),
    "apia": calendar("Pacific/Apia", WEEK, "09:00-17:00"),
    "apia nights": calendar("Pacific/Apia", WEEK, "22:00-06:00"),
    "cairo": calendar("Africa/Cairo", WEEK, "00:00-02:00"),
    "sao paulo": calendar("America/Sao_Paulo", WEEK, "00:00-24:00"),
    "azores": calendar("Atlantic/Azores", ["sun"], "00:00-24:00"),
    "holiday": calendar("Europe/Paris", WORKDAYS, "09:00-17:00", holidays=["2026-12-25", "2027-01-01"]),
    "holiday night": calendar("Europe/Paris", WEEK, "22:00-06:00", holidays=["2026-12-25"]),
    "holiday opened": calendar(
        "Europe/Paris", WEEK, "22:00-06:00", holidays=["2026-12-25"], special_dates={"2026-12-25": ["10:00-12:00"]}
    ),
    "special": calendar(
        "Europe/Paris",
        WORKDAYS,
        "09:00-17:00",
        special_dates={"2026-12-24": ["09:00-12:00"], "2026-12-26": ["10:00-12:00"], "2026-12-28": []},
    ),
    "special night": calendar("Europe/Paris", WEEK, "22:00-06:00", special_dates={"2026-12-24": []}),
    "break": calendar("Europe/Paris", WORKDAYS, "09:00-17:00", breaks={"2026-06-03": ["10:00-11:30", "17:00-18:00"]}),
    "night break": calendar("Europe/Paris", WEEK, "22:00-06:00", breaks={"2026-06-03": ["00:00-01:00"]}),
    "overlapping night": parse(
        {"tz": "Europe/Paris", "weekly": {"mon": ["20:00-08:00"], "tue": ["06:00-10:00"]}}, key="tested"
    ),
}

# calendar, start, budget, due, what it shows
CASES = [
    # Plain days. 2026-06-01 is a Monday.
    ("office", "2026-06-01T09:00+02:00", "1h", "2026-06-01T10:00+02:00", "within one opening"),
    ("office", "2026-06-01T11:30+02:00", "1h", "2026-06-01T13:30+02:00", "over lunch"),
    ("office", "2026-06-01T16:00+02:00", "4h", "2026-06-02T12:00+02:00", "overnight, due at lunch, not after it"),
    ("office", "2026-06-05T16:00+02:00", "2h", "2026-06-08T10:00+02:00", "over the weekend"),
    ("office", "2026-06-06T03:00+02:00", "30m", "2026-06-08T09:30+02:00", "started on a Saturday"),
    ("office", "2026-06-01T12:15+02:00", "1s", "2026-06-01T13:00:01+02:00", "started at lunch"),
    ("office", "2026-06-01T09:00+02:00", "35h", "2026-06-05T17:00+02:00", "a whole week ends on Friday evening"),
    ("office", "2026-06-01T09:00+02:00", "70h", "2026-06-12T17:00+02:00", "two weeks"),
    ("office", "2026-06-01T09:00:30+02:00", "3h", "2026-06-01T13:00:30+02:00", "seconds are kept"),
    ("office", "2026-06-01T07:00Z", "1h", "2026-06-01T10:00+02:00", "started in another zone"),
    # Closing and opening instants, and a budget of nothing.
    ("office", "2026-06-01T09:00+02:00", "3h", "2026-06-01T12:00+02:00", "used up at closing is due at closing"),
    ("office", "2026-06-01T12:00+02:00", "1h", "2026-06-01T14:00+02:00", "a start at closing counts as closed"),
    ("office", "2026-06-05T17:00+02:00", "1h", "2026-06-08T10:00+02:00", "a start at the end of the week"),
    ("office", "2026-06-01T10:00+02:00", "0s", "2026-06-01T10:00+02:00", "nothing, inside hours"),
    ("office", "2026-06-01T09:00+02:00", "0s", "2026-06-01T09:00+02:00", "nothing, at opening"),
    ("office", "2026-06-01T12:00+02:00", "0s", "2026-06-01T13:00+02:00", "nothing, at closing"),
    ("office", "2026-06-01T12:30+02:00", "0s", "2026-06-01T13:00+02:00", "nothing, at lunch"),
    ("office", "2026-06-05T20:00+02:00", "0s", "2026-06-08T09:00+02:00", "nothing, on a Friday night"),
    ("always", "2026-06-01T09:00+02:00", "0s", "2026-06-01T09:00+02:00", "nothing, always open"),
    ("always", "2026-06-01T23:00+02:00", "2h", "2026-06-02T01:00+02:00", "midnight is no closing"),
    # Summer time begins: 2026-03-29, 02:00 becomes 03:00 in Paris.
    ("always", "2026-03-28T12:00+01:00", "24h", "2026-03-29T13:00+02:00", "24 real hours over the gap"),
    ("straight", "2026-03-27T16:00+01:00", "2h", "2026-03-30T10:00+02:00", "a weekend with a gap"),
    ("nights", "2026-03-28T22:00+01:00", "7h", "2026-03-29T06:00+02:00", "a night shift one hour short"),
    ("nights", "2026-03-28T22:00+01:00", "8h", "2026-03-29T23:00+02:00", "its eighth hour is served next night"),
    ("nights", "2026-03-29T01:30+01:00", "1h", "2026-03-29T03:30+02:00", "through the gap inside a shift"),
    ("sunday gap", "2026-03-28T12:00+01:00", "30m", "2026-04-05T02:30+02:00", "an opening inside the gap is skipped"),
    ("sunday gap", "2026-03-22T02:30+01:00", "1h", "2026-04-05T02:30+02:00", "the same, started the week before"),
    ("sunday half gap", "2026-03-28T12:00+01:00", "30m", "2026-03-29T04:00+02:00", "02:30 moved on to 03:30"),
    ("sunday half gap", "2026-03-28T12:00+01:00", "1h", "2026-04-05T03:00+02:00", "half an hour is all there was"),
    ("sunday into gap", "2026-03-28T12:00+01:00", "90m", "2026-03-29T03:30+02:00", "closing moved on to 03:30"),
    ("saturday into gap", "2026-03-28T21:00+01:00", "270m", "2026-03-29T03:30+02:00", "so does a night shift's end"),
    ("new york", "2026-03-06T16:00-05:00", "2h", "2026-03-09T10:00-04:00", "New York, weekend of the gap"),
    ("new york nights", "2026-03-07T20:00-05:00", "7h", "2026-03-08T04:00-04:00", "New York, night of the gap"),
    ("st johns", "2026-03-06T16:00-03:30", "1h", "2026-03-09T09:00-02:30", "half-hour zone over the gap"),
    ("lord howe", "2026-10-04T00:00+10:30", "5h30m", "2026-10-04T06:00+11:00", "a gap of half an hour"),
    ("cairo", "2026-04-23T23:00+02:00", "1h", "2026-04-24T02:00+03:00", "midnight itself is in the gap"),
    ("cairo", "2026-04-23T23:00+02:00", "2h", "2026-04-25T01:00+03:00", "so that date has one hour less"),
    ("sao paulo", "2018-11-03T23:00-03:00", "2h", "2018-11-04T02:00-02:00", "midnight gap, always open"),
    # Summer time ends: 2026-10-25, 03:00 becomes 02:00 in Paris.
    ("always", "2026-10-24T12:00+02:00", "24h", "2026-10-25T11:00+01:00", "24 real hours over the fold"),
    ("nights", "2026-10-24T22:00+02:00", "9h", "2026-10-25T06:00+01:00", "a night shift one hour longer"),
    ("nights", "2026-10-24T22:00+02:00", "5h", "2026-10-25T02:00+01:00", "the second 02:00"),
    (
        "sunday gap",
        "2026-10-24T12:00+02:00",
        "1h",
        "2026-10-25T02:00+01:00",
        "first 02:00 to the only 03:00: two hours",
    ),
    ("sunday gap", "2026-10-24T12:00+02:00", "2h", "2026-10-25T03:00+01:00", "both of them"),
    ("sunday half gap", "2026-10-24T12:00+02:00", "90m", "2026-10-25T03:00+01:00", "opens at the first 02:30"),
    ("sunday into gap", "2026-10-24T12:00+02:00", "2h", "2026-11-01T01:30+01:00", "closes at the first 02:30"),
    ("new york nights", "2026-10-31T20:00-04:00", "9h", "2026-11-01T04:00-05:00", "New York, night of the fold"),
    ("lord howe", "2026-04-05T00:00+11:00", "6h30m", "2026-04-05T06:00+10:30", "a fold of half an hour"),
    ("azores", "2026-10-25T00:30Z", "25h", "2026-11-01T00:30-01:00", "25 hours, half of the first served already"),
    ("sao paulo", "2018-02-17T12:00-02:00", "24h", "2018-02-18T11:00-03:00", "the hour before midnight comes twice"),
    # Night shifts belong to the day they start.
    ("friday night", "2026-06-05T12:00+02:00", "8h", "2026-06-06T06:00+02:00", "Friday's shift ends on Saturday"),
    ("friday night", "2026-06-06T05:00+02:00", "2h", "2026-06-12T23:00+02:00", "then nothing until next Friday"),
    (
        "overlapping night",
        "2026-06-02T05:00+02:00",
        "5h",
        "2026-06-02T10:00+02:00",
        "spill-over is united, not doubled",
    ),
    # Holidays, special dates, breaks. 2026-12-24 is a Thursday.
    ("holiday", "2026-12-24T16:00+01:00", "2h", "2026-12-28T10:00+01:00", "Christmas, then a weekend"),
    ("holiday", "2026-12-31T16:00+01:00", "90m", "2027-01-04T09:30+01:00", "over the end of the year"),
    ("holiday", "2026-12-25T10:00+01:00", "0s", "2026-12-28T09:00+01:00", "nothing, on a holiday"),
    ("holiday night", "2026-12-24T22:00+01:00", "2h", "2026-12-25T00:00+01:00", "the shift before ends at midnight"),
    ("holiday night", "2026-12-24T22:00+01:00", "3h", "2026-12-26T23:00+01:00", "and none starts on the day"),
    ("holiday opened", "2026-12-24T22:00+01:00", "8h", "2026-12-25T06:00+01:00", "a special date keeps the spill-over"),
    ("holiday opened", "2026-12-25T06:00+01:00", "2h", "2026-12-25T12:00+01:00", "and opens as it says"),
    ("holiday opened", "2026-12-25T12:00+01:00", "1h", "2026-12-26T23:00+01:00", "the usual shift is replaced"),
    ("special", "2026-12-24T11:00+01:00", "2h", "2026-12-25T10:00+01:00", "an early closing"),
    ("special", "2026-12-25T16:00+01:00", "2h", "2026-12-26T11:00+01:00", "a Saturday opened"),
    ("special", "2026-12-26T11:00+01:00", "2h", "2026-12-29T10:00+01:00", "a Monday closed"),
    ("special night", "2026-12-23T22:00+01:00", "9h", "2026-12-25T23:00+01:00", "an empty date keeps what spilled in"),
    ("break", "2026-06-03T09:30+02:00", "1h", "2026-06-03T12:00+02:00", "a break"),
    ("break", "2026-06-03T10:00+02:00", "0s", "2026-06-03T11:30+02:00", "nothing, in a break"),
    ("break", "2026-06-03T09:00+02:00", "1h", "2026-06-03T10:00+02:00", "used up when the break begins"),
    ("break", "2026-06-02T16:00+02:00", "8h", "2026-06-04T09:30+02:00", "the break outside hours takes nothing"),
    ("night break", "2026-06-02T22:00+02:00", "3h", "2026-06-03T02:00+02:00", "a break in spilled-over hours"),
    # Other zones and odd dates.
    ("kolkata", "2026-06-06T18:00+05:30", "1h", "2026-06-08T10:00+05:30", "half-hour zone, six-day week"),
    ("kathmandu", "2026-06-05T16:30+05:45", "1h", "2026-06-07T10:30+05:45", "quarter-hour zone, Sunday opens"),
    ("chatham", "2026-04-03T16:00+13:45", "2h", "2026-04-06T10:00+12:45", "quarter-hour zone over a fold"),
    ("apia", "2011-12-29T16:00-10:00", "2h", "2011-12-31T10:00+14:00", "2011-12-30 was left out in Samoa"),
    ("apia", "2011-12-29T09:00-10:00", "16h", "2011-12-31T17:00+14:00", "no opening was served on it"),
    ("apia nights", "2011-12-29T22:00-10:00", "8h", "2011-12-31T06:00+14:00", "the night shift went on, eight hours"),
    ("apia nights", "2011-12-29T22:00-10:00", "9h", "2011-12-31T23:00+14:00", "none started on the missing date"),
    ("office", "2028-02-28T16:00+01:00", "8h", "2028-02-29T17:00+01:00", "leap day"),
    ("office", "2027-02-26T16:00+01:00", "2h", "2027-03-01T10:00+01:00", "no leap day"),
    ("straight", "2026-12-31T16:00+01:00", "2h", "2027-01-01T10:00+01:00", "end of the year without holidays"),
    ("always", "2026-12-31T23:00+01:00", "2h", "2027-01-01T01:00+01:00", "end of the year, always open"),
]


@pytest.mark.parametrize(("name", "start", "budget", "due"), [case[:4] for case in CASES], ids=[c[4] for c in CASES])
def test_due_time(name: str, start: str, budget: str, due: str) -> None:
    begin, length = datetime.fromisoformat(start), parse_duration(budget)
    found = CALENDARS[name].add(begin, length)
    assert found == datetime.fromisoformat(due)
    assert found.tzinfo is UTC
    assert CALENDARS[name].elapsed(begin, found) == length


# calendar, end, budget, latest start
BACKWARDS = [
    ("office", "2026-06-01T14:00+02:00", "2h", "2026-06-01T11:00+02:00", "over lunch"),
    ("office", "2026-06-01T14:00+02:00", "1h", "2026-06-01T13:00+02:00", "the latest: opening, not closing before"),
    ("office", "2026-06-08T10:00+02:00", "1h", "2026-06-08T09:00+02:00", "opening on Monday, not Friday evening"),
    ("office", "2026-06-08T10:00+02:00", "2h", "2026-06-05T16:00+02:00", "over a weekend"),
    ("office", "2026-06-07T10:00+02:00", "0s", "2026-06-07T10:00+02:00", "nothing: the end itself, open or not"),
    ("nights", "2026-03-29T06:00+02:00", "7h", "2026-03-28T22:00+01:00", "over the gap"),
    ("nights", "2026-10-25T06:00+01:00", "9h", "2026-10-24T22:00+02:00", "over the fold"),
    ("apia", "2011-12-31T10:00+14:00", "2h", "2011-12-29T16:00-10:00", "over a missing date"),
]


@pytest.mark.parametrize(
    ("name", "end", "budget", "start"), [case[:4] for case in BACKWARDS], ids=[c[4] for c in BACKWARDS]
)
def test_latest_start(name: str, end: str, budget: str, start: str) -> None:
    found = CALENDARS[name].sub(datetime.fromisoformat(end), parse_duration(budget))
    assert found == datetime.fromisoformat(start)


def test_a_long_budget_is_walked_in_chunks() -> None:
    start = datetime(2026, 6, 1, 7, tzinfo=UTC)
    due = CALENDARS["office"].add(start, timedelta(hours=35 * 52 * 10))
    assert due == datetime.fromisoformat("2036-05-16T17:00+02:00")
    assert CALENDARS["office"].sub(due, timedelta(hours=35 * 52 * 10)) == start


def test_fractions_of_a_second_are_exact() -> None:
    start = datetime(2026, 6, 1, 7, 0, 0, 1, tzinfo=UTC)
    budget = timedelta(days=3, microseconds=7)
    assert CALENDARS["office"].elapsed(start, CALENDARS["office"].add(start, budget)) == budget
