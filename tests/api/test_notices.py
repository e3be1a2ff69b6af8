"""One's own notices, how one wants to be told, what could not be sent, and what will escalate: through the API."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update

from taskhub.db import ledger
from taskhub.db.tables import message
from taskhub.escalation.notifications.model import Notice
from taskhub.escalation.notifications.tell import tell
from taskhub.flow import HANDLERS
from taskhub.http import paging
from taskhub.testing.drain import drain
from tests.api.client import code
from tests.api.house import House

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINE = "/api/v1/me/notifications"
TOKEN = "tgram://123456789:abcdefg_hijklmnop/12315544/"


def settings(key: str) -> str:
    return f"/api/v1/agents/{key}/notification-settings"


def say(house: House, agent: str | None, *subjects: str, url: str | None = None) -> None:
    with house.db.begin() as tx:
        for subject in subjects:
            tell(tx, Notice("step", "late", subject, "…", agent, url))


def test_everybody_has_a_list_of_their_own(any_house: House) -> None:
    say(any_house, "zoe", "first", "second", "third")
    say(any_house, "abe", "not hers")
    zoe = any_house.of("zoe")
    page = zoe.ok("GET", f"{MINE}?limit=2")
    assert ([one["subject"] for one in page["items"]], page["unread"]) == (["third", "second"], 3)
    rest = zoe.ok("GET", f"{MINE}?limit=2&cursor={page['next_cursor']}")
    assert ([one["subject"] for one in rest["items"]], rest["next_cursor"]) == (["first"], None)
    assert zoe.ok("POST", f"{MINE}/read", {"ids": [page["items"][0]["id"]]}) == {"read": 1, "unread": 2}
    assert [one["subject"] for one in zoe.ok("GET", f"{MINE}?unread=true")["items"]] == ["second", "first"]
    foreign = any_house.of("abe").ok("GET", MINE)["items"][0]["id"]
    assert zoe.ok("POST", f"{MINE}/read", {"ids": [foreign]}) == {"read": 0, "unread": 2}
    assert zoe.ok("POST", f"{MINE}/read") == {"read": 2, "unread": 0}
    assert code(any_house.of("admin").get(MINE)) == (403, "not_an_agent")
    assert code(zoe.get(f"{MINE}?cursor=xx")) == (422, "bad_cursor")
    assert code(zoe.get(f"{MINE}?unred=true"))[0] == 422


def test_a_person_says_how_they_want_to_be_told(any_house: House) -> None:
    zoe, admin = any_house.of("zoe"), any_house.of("admin")
    before = zoe.ok("GET", settings("zoe"))
    assert (before["channels"], before["own_address"], before["holds"]["channels"]) == (None, None, ["mail"])
    wanted: dict[str, Any] = {
        "channels": ["own"], "own_address": TOKEN, "language": "fr", "ways": {"late": "at_once"}, "digest_every": "30m",
        "quiet_hours": {"mon": ["20:00-07:00"]},
    }  # fmt: skip
    said = zoe.put(settings("zoe"), wanted)
    assert said.status_code == 200, said.text
    assert "abcdefg" not in said.text
    assert said.json()["own_address"] == "tgram"
    shown = admin.ok("GET", settings("zoe"))
    assert (shown["digest_every"], shown["quiet_hours"], shown["ways"]) == (
        "30m", {"mon": ["20:00-07:00"]}, {"late": "at_once"},
    )  # fmt: skip
    assert shown["holds"]["ways"] == {"urgent": "at_once", "late": "at_once", "info": "digest"}
    assert admin.put(settings("zoe"), {"own_address": None}).json()["own_address"] is None
    assert code(any_house.of("abe").get(settings("zoe"))) == (403, "forbidden")
    assert code(any_house.of("lea").get(settings("zoe"))) == (403, "forbidden")
    assert code(zoe.get(settings("yan"))) == (404, "not_found")


def test_nobody_points_it_into_the_house(house: House) -> None:
    zoe = house.of("zoe")
    for address in ("json://127.0.0.1:5432/s3cret", "nonsense", "xml://u:s3cret@169.254.169.254/"):
        answer = zoe.put(settings("zoe"), {"own_address": address})
        assert code(answer) == (422, "invalid_input")
        assert "s3cret" not in answer.text
    for wrong in (
        {"channels": "mail"},
        {"ways": {"late": 1}},
        {"quiet_hours": {"mon": "20:00"}},
        {"quiet_hours": {"mon": ["08:00-09:00"] * 21}},
        {"nope": 1},
    ):
        assert zoe.put(settings("zoe"), wrong).status_code == 422
    answer = zoe.put(settings("zoe"), {"digest_every": "soon", "language": "xx"})
    assert {error["path"] for error in answer.json()["errors"]} == {"digest_every", "language"}


def test_what_could_not_be_sent_is_for_those_who_answer_for_it(any_house: House) -> None:
    say(any_house, "zoe", "to zoe")
    say(any_house, None, "to a channel", url="NOWHERE")
    drain(any_house.db, {**HANDLERS, "letter.send": lambda _tx, _row: None})
    _bury(any_house)
    listed = any_house.of("admin").ok("GET", "/api/v1/notifications/dead")["items"]
    assert {one["to"] for one in listed} == {"zoe", "url:NOWHERE"}
    first = any_house.of("admin").ok("GET", "/api/v1/notifications/dead?limit=1")
    second = any_house.of("admin").ok("GET", f"/api/v1/notifications/dead?limit=1&cursor={first['next_cursor']}")
    assert [*first["items"], *second["items"]] == listed
    assert second["next_cursor"] is None
    for made_up in ("x", paging.encode(NOON, "9" * 40), paging.encode(NOON, "x")):
        answer = any_house.of("admin").get(f"/api/v1/notifications/dead?cursor={made_up}")
        assert code(answer) == (422, "bad_cursor")
    (own,) = any_house.of("lea").ok("GET", "/api/v1/notifications/dead")["items"]
    assert (own["to"], own["reason"]) == ("zoe", "nobody answers")
    assert any_house.of("lea").ok("GET", "/api/v1/notifications/dead?state=failing")["items"] == []
    channel = next(one for one in listed if one["to"] != "zoe")
    assert code(any_house.of("lea").post(f"/api/v1/notifications/{channel['id']}/replay")) == (404, "not_found")
    again = any_house.of("lea").ok("POST", f"/api/v1/notifications/{own['id']}/replay")["replayed"]
    assert [one["id"] for one in again] == [own["id"]]
    assert code(any_house.of("lea").post(f"/api/v1/notifications/{own['id']}/replay")) == (404, "not_found")
    assert len(any_house.of("admin").ok("POST", "/api/v1/notifications/replay")["replayed"]) == 1
    assert any_house.of("admin").ok("GET", "/api/v1/notifications/dead")["items"] == []
    with any_house.db.begin() as tx:
        assert ledger.any_due(tx.conn, tx.now)


def test_what_could_not_be_sent_is_given_up_by_those_who_answer_for_it(any_house: House) -> None:
    say(any_house, "zoe", "to zoe")
    say(any_house, None, "to a channel", url="NOWHERE")
    drain(any_house.db, {**HANDLERS, "letter.send": lambda _tx, _row: None})
    _bury(any_house)
    lea, path = any_house.of("lea"), "/api/v1/notifications"
    (own,) = lea.ok("GET", f"{path}/dead")["items"]
    others = {one["id"] for one in any_house.of("admin").ok("GET", f"{path}/dead")["items"]} - {own["id"]}
    said = {"reason": "left"}
    assert code(lea.post(f"{path}/{others.pop()}/discard", json=said)) == (404, "not_found")
    assert [one["id"] for one in lea.ok("POST", f"{path}/{own['id']}/discard", said)["discarded"]] == [own["id"]]
    assert code(lea.post(f"{path}/{own['id']}/discard", json=said)) == (404, "not_found")
    assert len(any_house.of("admin").ok("GET", f"{path}/dead")["items"]) == 1
    with any_house.db.begin() as tx:
        assert not ledger.any_due(tx.conn, tx.now)


def _bury(house: House) -> None:
    """As if the other sides had refused every letter for days."""
    gone = {"dead_at": message.c.done_at, "done_at": None, "error": "nobody answers\nTraceback", "attempts": 10}
    with house.db.begin() as tx:
        tx.conn.execute(update(message).where(message.c.handler == "letter.send").values(gone))
