"""What strangers, typing errors and broken programs send: each a documented 4xx, never a 5xx, never silence."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest

from tests.api.client import code
from tests.api.house import House

TASKS = "/api/v1/tasks"
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
GZIP = {**JSON, "content-encoding": "gzip"}
BOMB = gzip.compress(b"0" * 10_000_000)


def nested(levels: int) -> bytes:
    return b'{"kind":"contract","title":"x","data":{"a":' + b"[" * levels + b"]" * levels + b"}}"


TRANSPORT: list[tuple[str, bytes, dict[str, str], tuple[int, str]]] = [
    ("truncated", b'{"kind":"contract","ti', JSON, (400, "not_json")),
    ("trailing bytes", b'{"kind":"contract","title":"x"} x', JSON, (400, "not_json")),
    ("nothing but spaces", b"   ", JSON, (400, "not_json")),
    ("too large", b'{"title":"' + b"x" * 300_000 + b'"}', JSON, (413, "too_large")),
    ("no content type", b'{"kind":"contract","title":"x"}', {}, (415, "unsupported_media_type")),
    ("a form", b"kind=contract", FORM, (415, "unsupported_media_type")),
    ("multipart", b"--x--", {"content-type": "multipart/form-data; boundary=x"}, (415, "unsupported_media_type")),
    ("UTF-16", '{"kind":"contract"}'.encode("utf-16"), JSON, (400, "byte_order_mark")),
    ("Latin-1", '{"title":"é"}'.encode("latin-1"), JSON, (400, "not_utf8")),
    ("byte order mark", b"\xef\xbb\xbf{}", JSON, (400, "byte_order_mark")),
    ("duplicate keys", b'{"kind":"contract","kind":"billing","title":"x"}', JSON, (422, "duplicate_key")),
    ("depth 21", nested(20), JSON, (422, "too_deep")),
    ("depth 10,000", nested(10_000), JSON, (422, "too_deep")),
    ("20,001 keys", json.dumps({str(n): 1 for n in range(20_001)}).encode(), JSON, (422, "too_many_keys")),
    ("an array", b"[]", JSON, (422, "invalid_input")),
    ("null", b"null", JSON, (422, "invalid_input")),
    ("a gzip bomb", BOMB, GZIP, (415, "unsupported_encoding")),
    ("NaN", b'{"kind":"contract","title":"x","data":{"a":NaN}}', JSON, (400, "not_json")),
    ("Infinity", b'{"kind":"contract","title":"x","data":{"a":-Infinity}}', JSON, (400, "not_json")),
    ("1e400", b'{"kind":"contract","title":"x","data":{"a":1e400}}', JSON, (422, "number_out_of_range")),
    ("2^63", b'{"kind":"contract","title":"x","data":{"a":9223372036854775808}}', JSON, (422, "number_out_of_range")),
    ("a null character", b'{"kind":"contract","title":"a\\u0000b"}', JSON, (422, "bad_text")),
    ("half a surrogate pair", b'{"kind":"contract","title":"\\ud800"}', JSON, (422, "bad_text")),
    ("an unknown field", b'{"kind":"contract","title":"x","state":"completed"}', JSON, (422, "invalid_input")),
]  # fmt: skip


@pytest.mark.parametrize(("what", "body", "headers", "expected"), TRANSPORT, ids=[case[0] for case in TRANSPORT])
def test_a_body_that_cannot_be_read(
    still_house: House, what: str, body: bytes, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    before = still_house.of("admin").ok("GET", TASKS)["items"]
    assert code(still_house.of("admin").post(TASKS, content=body, headers=headers)) == expected
    assert still_house.of("admin").ok("GET", TASKS)["items"] == before


def test_depth_20_is_fine(still_house: House) -> None:
    assert still_house.of("admin").post(TASKS, content=nested(17), headers=JSON).status_code == 201


TITLES = ["", "   ", "a\nb", "a\rb", "a\u2028b", "x" * 501, 7, None, True, ["x"], {"a": 1}]


@pytest.mark.parametrize("title", TITLES, ids=ascii)
def test_a_title_that_is_no_line_of_text(still_house: House, title: Any) -> None:
    answer = still_house.of("admin").post(TASKS, {"kind": "contract", "title": title})
    assert code(answer) == (422, "invalid_input")
    assert answer.json()["detail"].startswith("title: ")
    assert "Value error" not in answer.text


KEPT = [
    "=cmd|' /C calc'!A0", "+1", "-1", "@x", "＝1+1", "<script>alert(1)</script>", "javascript:alert(1)",
    "'; DROP TABLE task; --", "{{7*7}}", "${7*7}", "../../etc/passwd", "İstanbul ß ﬁ", "\u202eevil",
    "👩‍💻 done",
    "e\u0301", "%00", "\\u0000",
]  # fmt: skip


@pytest.mark.parametrize("title", KEPT, ids=ascii)
def test_odd_text_is_kept_as_it_came(any_still_house: House, title: str) -> None:
    made = any_still_house.of("admin").ok("POST", TASKS, {"kind": "contract", "title": title, "data": {"said": title}})[
        "task"
    ]
    assert (made["title"], made["data"]["said"]) == (title, title)


TIMES = [
    "2026-03-02T09:00:00", "2026-03-02", "09:00", 1772442000, "1772442000", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z", "2026-02-30T09:00:00Z", "2026-03-02T25:00:00Z", "2026-03-02T09:00:00+25:00",
    "2026-03-02T09:00:00 Europe/Paris", "tomorrow", "", True, "2190-01-01T00:00:00Z", "２０２６-03-02T09:00:00Z",
]  # fmt: skip


@pytest.mark.parametrize("time", TIMES, ids=ascii)
def test_a_time_that_is_none(still_house: House, time: Any) -> None:
    body = {"kind": "contract", "title": "x", "due_at": time}
    assert code(still_house.of("admin").post(TASKS, body)) == (422, "invalid_input")


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ("2027-03-02T09:00:00+01:00", "2027-03-02T08:00:00Z"),
        ("2026-12-31T23:59:60Z", "2027-01-01T00:00:00Z"),
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
    ],
    ids=["another zone", "a leap second", "in the past"],
)
def test_a_time_that_is_one(any_still_house: House, time: str, shown: str) -> None:
    body = {"kind": "contract", "title": "x", "due_at": time}
    made = any_still_house.of("admin").ok("POST", TASKS, body)["task"]
    assert made["due_at"].replace(".000000", "") == shown
    assert (made["sla"]["remaining_s"] < 0) == (shown < "2026")


NUMBERS = [0, -1, -0.0, 1001, 1e9, True, "3", "٣", None, [], 0.0]


@pytest.mark.parametrize("capacity", NUMBERS, ids=ascii)
def test_a_capacity_that_is_none(still_house: House, capacity: Any) -> None:
    assert code(still_house.of("admin").patch("/api/v1/agents/zoe", {"capacity": capacity})) == (422, "invalid_input")


PEOPLE: list[dict[str, Any]] = [
    {"key": "Zoe"}, {"key": "zo\u200be"}, {"key": "a" * 65}, {"key": ""}, {"key": "../x"}, {"key": "-x"},
    {"key": "zoé"},
    {"name": ""}, {"name": "Zo\u200be"}, {"name": "\u202eeoZ"}, {"name": "a\nb"},
    {"name": "x" * 201}, {"name": "a" * 1_000},
    {"skills": {"contract": 0}}, {"skills": {"contract": 6}},
    {"skills": {"contract": True}}, {"skills": {"contract": "3"}},
    {"skills": ["contract"]}, {"time_zone": "Mars/Phobos"}, {"time_zone": "+25:00"}, {"time_zone": "../../etc"},
    {"time_zone": ""}, {"shifts": {"mon": ["12:00-12:00"]}},
    {"shifts": {"mon": ["25:00-26:00"]}}, {"shifts": {"fun": []}},
    {"shifts": {"mon": ["09:00-12:00", "11:00-13:00"]}}, {"shifts": {"mon": "09:00-12:00"}}, {"roles": ["root"]},
    {"roles": "agent"}, {"team": "nowhere"}, {"language": "xx"}, {"email": "nobody"}, {"stand_in": "new"},
    {"hours_per_week": 169}, {"hours_per_week": 0}, {"cost_per_hour": -1}, {"attributes": {"a": {"b": 1}}},
    {"external_ids": {"crm": 7}}, {"version": 1}, {"active": 1}, {"presence": "available"}, {"secret": 1},
]  # fmt: skip


@pytest.mark.parametrize("change", PEOPLE, ids=ascii)
def test_a_person_who_cannot_be(still_house: House, change: dict[str, Any]) -> None:
    body = {"key": "new", "name": "New", "team": "sales", **change}
    answer = still_house.of("admin").post("/api/v1/agents", body)
    assert code(answer) == (422, "invalid_input")
    (field,) = change
    if "errors" in answer.json():
        assert answer.json()["errors"][0]["path"].startswith(field)


def test_everything_wrong_is_said_at_once_with_what_was_meant(still_house: House) -> None:
    body = {"key": "X", "name": "New", "team": "sales", "time_zone": "europe/pariss", "roles": ["agnet"]}
    said = {
        one["path"]: one["message"] for one in still_house.of("admin").post("/api/v1/agents", body).json()["errors"]
    }
    assert said.keys() == {"key", "time_zone", "roles"}
    assert "Europe/Paris" in said["time_zone"]
    assert "agent" in said["roles"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "limit=x", "limit=-1", "limit=1.5", "limit=٣", "limit=99999999999999999999",
        "state=done",
        "cursor=x", "cursor=%F0%9F%92%A9", "cursor=WyJhIiwiYiJd", "queue=a%00b", "agent=", "cursor=" + "a" * 1001,
    ],
)  # fmt: skip
def test_a_query_that_makes_no_sense(any_still_house: House, query: str) -> None:
    status, _ = code(any_still_house.of("admin").get(f"{TASKS}?{query}"))
    assert status == 422


@pytest.mark.parametrize(
    "path", ["tasks/a%00b", "tasks/%F0%9F%92%A9", "tasks/..%2F..%2Fetc", "tasks/" + "x" * 300,
             "agents/Z%C3%B6", "events/x",
             "tasks/x/history", "queues/%22", "leads/%27%20or%201=1", "tasks//", "tasks/x/unknown"],
)  # fmt: skip
def test_an_address_of_nothing(any_still_house: House, path: str) -> None:
    status, _ = code(any_still_house.of("admin").get(f"/api/v1/{path}"))
    assert status in (404, 405, 422)


def test_a_wrong_method_says_which_are_right(still_house: House) -> None:
    answer = still_house.of("admin").delete("/api/v1/teams")
    assert code(answer) == (405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]


ABSENCES = [
    ("2026-05-02T00:00:00Z", "2026-05-01T00:00:00Z"),
    ("2199-05-02T00:00:00Z", "2199-05-02T00:00:00Z"),
    ("2020-05-01T00:00:00Z", "2020-05-02T00:00:00Z"),
]


@pytest.mark.parametrize(("begin", "end"), ABSENCES)
def test_an_absence_that_ends_before_it_begins_or_is_over(still_house: House, begin: str, end: str) -> None:
    answer = still_house.of("zoe").post("/api/v1/agents/zoe/absences", {"from": begin, "until": end})
    assert code(answer) == (422, "invalid_input")


def test_presence_until_the_past(still_house: House) -> None:
    body = {"status": "busy", "until": "2020-01-01T00:00:00Z"}
    assert code(still_house.of("zoe").put("/api/v1/agents/zoe/presence", body)) == (422, "invalid_input")


CALENDARS: list[tuple[Any, str]] = [
    ({"tz": "Mars/Phobos", "weekly": {}}, "calendar_invalid"),
    ({"tz": "UTC", "weekly": {}}, "calendar_never_opens"),
    ({"tz": "UTC", "weekly": {"mon": ["09:00-09:00"]}}, "calendar_invalid"),
    ({"tz": "UTC", "weekly": {"mon": ["09:00-12:00", "10:00-11:00"]}}, "calendar_invalid"),
    ({"tz": "UTC", "weekly": {"mon": ["09:00-12:00"]}, "holidays": ["2026-02-30"]}, "calendar_invalid"),
    ({"tz": "UTC", "weakly": {"mon": ["09:00-12:00"]}}, "calendar_invalid"),
    ({"tz": "UTC", "weekly": {"mon": ["09:00-12:00"]}, "holiday_region": "XX"}, "calendar_invalid"),
    ({}, "calendar_invalid"),
    ("nowhere", "unknown_calendar"),
]


@pytest.mark.parametrize(("calendar", "expected"), CALENDARS)
def test_a_calendar_to_distrust(still_house: House, calendar: Any, expected: str) -> None:
    body = {"calendar": calendar, "start": "2026-01-05T00:00:00Z", "budget_s": 3600}
    assert code(still_house.of("zoe").post("/api/v1/calendars/preview", body)) == (422, expected)


def test_budgets_and_pauses_to_distrust(still_house: House) -> None:
    good = {"calendar": "office", "start": "2026-01-05T00:00:00Z", "budget_s": 3600}
    for wrong in (
        {"budget_s": -1}, {"budget_s": True}, {"budget_s": "60"}, {"budget_s": 1e12}, {"start": "2026-01-05T00:00:00"},
        {"pauses": [["2026-01-05T10:00:00Z", "2026-01-05T09:00:00Z"]]}, {"pauses": [["2026-01-05T10:00:00Z"]]},
        {"pauses": [["2026-01-05T10:00:00Z", None], ["2026-01-05T11:00:00Z", None]]}, {"pauses": "x"},
    ):  # fmt: skip
        status, _ = code(still_house.of("zoe").post("/api/v1/calendars/preview", {**good, **wrong}))
        assert status == 422, wrong
    back = {"calendar": "office", "from": "2026-01-06T00:00:00Z", "to": "2026-01-05T00:00:00Z"}
    assert code(still_house.of("zoe").post("/api/v1/calendars/elapsed", back))[0] == 422


def test_the_body_is_counted_whatever_its_length_claims(still_house: House) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536

    answer = still_house.of("admin").post(TASKS, content=endless(), headers=JSON)
    assert code(answer) == (413, "too_large")
    assert answer.headers["connection"] == "close"
    assert code(still_house.of("admin").post(TASKS, content=b"{}", headers={**JSON, "content-length": "10"}))[0] in (
        400,
        422,
    )
    assert (
        code(still_house.of("admin").post(TASKS, content=b"{}", headers={**JSON, "content-length": "999999999999999"}))[
            0
        ]
        == 413
    )


def test_a_body_that_drips_is_ended(still_house: House) -> None:
    async def dripping() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" "
            await anyio.sleep(0.1)

    answer = still_house.of("admin").post(TASKS, content=dripping(), headers=JSON)
    assert code(answer) == (408, "slow_body")


def test_events_may_be_larger_than_other_bodies(still_house: House) -> None:
    big = {"specversion": "1.0", "id": "big", "source": "s", "type": "x", "data": {"text": ["y" * 1000] * 1000}}
    still_house.of("integration").ok("POST", "/api/v1/events", big)
    big["data"] = {"text": ["y" * 1000] * 6000}
    assert code(still_house.of("integration").post("/api/v1/events", big)) == (413, "too_large")


def test_every_answer_carries_the_security_headers(still_house: House) -> None:
    broken = still_house.of("admin").post(TASKS, content=b"{", headers=JSON)
    for answer in (
        *map(still_house.client.get, ("/healthz", "/nothing", TASKS)),
        still_house.of("zoe").get(TASKS),
        broken,
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


def test_the_unexpected_tells_a_reference_and_nothing_else(still_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr("taskhub.api.teams.agents.list_teams", broken)
    answer: httpx.Response = still_house.of("admin").get("/api/v1/teams")
    assert code(answer) == (500, "internal_error")
    assert "hunter2" not in answer.text
    assert len(answer.json()["reference"]) == 32
    assert answer.headers["x-content-type-options"] == "nosniff"
