"""Notices leave at once, in digests or not at all, as their reader wants; each once, whatever happens meanwhile."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from taskhub import failpoints
from taskhub.db.tables import history, letter, message, notification
from taskhub.errors import InvalidInput
from taskhub.escalation.notifications import dispatch, inbox, preferences
from taskhub.escalation.notifications.model import Notice
from taskhub.escalation.notifications.tell import tell
from taskhub.policy.promise import NoticePolicy, Step
from tests.service.climb import DUE, HOUR, MONDAY, TUESDAY, Desk, policies

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
MINUTE = timedelta(minutes=1)
NIGHT = tuple((day, ("20:00-07:00",)) for day in ("mon", "tue", "wed", "thu", "fri"))
STEPS = (
    Step(at_fraction=1.0, notify=("agent",)),
    Step(overdue_for=4 * HOUR, business_time=False, notify=("agent",)),
    Step(overdue_for=5 * HOUR, business_time=False, notify=("agent",), quiet_hours=False),
)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TOKEN = "tgram://123456789:abcdefg_hijklmnop/12315544/"


@pytest.fixture
def desks(database_url: str) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(steps: tuple[Step, ...] = STEPS, **notices: Any) -> Desk:
        set_ = policies(steps, timedelta(days=90))
        made.append(Desk(database_url, replace(set_, notices=NoticePolicy(**notices))))
        return made[-1]

    yield make
    failpoints.arm(None)
    for desk in made:
        desk.db.close()


def say(desk: Desk, at: datetime, *severities: str, agent: str = "ana") -> None:
    with desk.at(at) as tx:
        for severity in severities:
            tell(tx, Notice("step", severity, f"{severity} at {at:%H:%M}", "…", agent))


def letters(desk: Desk) -> list[Any]:
    with desk.at() as tx:
        return list(tx.conn.execute(select(letter).order_by(letter.c.at, letter.c.id, letter.c.channel)))


def left(desk: Desk) -> list[tuple[datetime, str]]:
    return [(row.at, row.subject) for row in letters(desk)]


def unplaced(desk: Desk) -> int:
    with desk.at() as tx:
        return len(tx.conn.execute(select(notification.c.id).where(notification.c.placed_at.is_(None))).all())


def test_the_first_notice_opens_a_window_and_the_rest_come_as_one(desks: Callable[..., Desk]) -> None:
    desk = desks()
    for minutes in (0, 10, 20, 59):
        say(desk, MONDAY + minutes * MINUTE, "info")
        desk.pass_to(MONDAY + minutes * MINUTE)
    desk.pass_to(MONDAY + 5 * HOUR)
    assert left(desk) == [(MONDAY, "info at 09:00"), (MONDAY + HOUR, "3 notices")]
    assert unplaced(desk) == 0
    say(desk, MONDAY + 6 * HOUR, "late")
    desk.pass_to(MONDAY + 6 * HOUR)
    assert left(desk)[-1] == (MONDAY + 6 * HOUR, "late at 15:00")


def test_each_has_a_window_of_their_own_and_reads_it_in_their_language(desks: Callable[..., Desk]) -> None:
    desk = desks()
    for minutes in (0, 1, 2):
        for agent in ("ana", "max"):
            say(desk, MONDAY + minutes * MINUTE, "info", agent=agent)
        desk.pass_to(MONDAY + minutes * MINUTE)
    desk.pass_to(MONDAY + 2 * HOUR)
    told = {(row.addressee, row.subject) for row in letters(desk) if row.at == MONDAY + HOUR}
    assert told == {("ana", "2 notices"), ("max", "2 avis")}


def test_quiet_hours_hold_the_message_and_not_the_step(desks: Callable[..., Desk]) -> None:
    desk = desks(quiet_hours=NIGHT)
    made = desk.new("ana")
    desk.pass_to(TUESDAY)
    assert [at for _, _, at in desk.fired(made)] == [DUE, DUE + 4 * HOUR, DUE + 5 * HOUR]
    assert [at for at, _ in left(desk)] == [DUE, DUE + 5 * HOUR, TUESDAY - 2 * HOUR]
    with desk.at() as tx:
        severities = [row.severity for row in tx.conn.execute(select(notification).order_by(notification.c.at))]
    assert severities == ["late", "late", "urgent"]


def test_a_burst_is_bundled_even_when_it_is_urgent(desks: Callable[..., Desk]) -> None:
    desk = desks(bundle=3, bundle_within=5 * MINUTE)
    for number in range(20):
        say(desk, MONDAY + timedelta(seconds=10 * number), "urgent")
        desk.pass_to(MONDAY + timedelta(seconds=10 * number))
    desk.pass_to(MONDAY + HOUR)
    assert [subject for _, subject in left(desk)][3:] == ["17 notices, 17 of them urgent"]
    assert left(desk)[3][0] == MONDAY + 5 * MINUTE


class Broken(Exception):
    pass


def test_a_process_that_dies_while_it_places_loses_nothing_and_says_nothing_twice(desks: Callable[..., Desk]) -> None:
    desk = desks()

    def strike(name: str) -> None:
        if name == "notices.placed":
            raise Broken

    say(desk, MONDAY, "info", "urgent", "urgent")
    failpoints.arm(strike)
    for _ in range(2):
        with pytest.raises(Broken), desk.at() as tx:
            dispatch.dispatch(tx, "ana")
    assert (letters(desk), unplaced(desk)) == ([], 3)
    failpoints.arm(None)
    for _ in range(2):
        with desk.at() as tx:
            dispatch.dispatch(tx, "ana")
    assert sorted(subject for _, subject in left(desk)) == ["info at 09:00", "urgent at 09:00", "urgent at 09:00"]
    with desk.at() as tx:
        sent = tx.conn.execute(select(message.c.key).where(message.c.handler == "deliver")).scalars().all()
    assert sorted(sent) == sorted(f"{row.id}:mail" for row in letters(desk))


def test_a_step_that_dies_after_its_effects_fires_once_all_the_same(desks: Callable[..., Desk]) -> None:
    desk = desks()
    made = desk.new("ana")
    desk.pass_to(DUE - HOUR)

    def strike(name: str) -> None:
        if name == "step.noted":
            raise Broken

    failpoints.arm(strike)
    with pytest.raises(Broken):
        desk.pass_to(DUE)
    failpoints.arm(None)
    assert (desk.fired(made), desk.told(made)) == ([], [])
    from taskhub.escalation import service

    for _ in range(3):
        with desk.at(DUE) as tx:
            service.step_due(tx, made)
    assert (len(desk.fired(made)), desk.told(made)) == (1, ["ana"])


def test_wishes_are_followed(desks: Callable[..., Desk]) -> None:
    desk = desks()
    with desk.at() as tx:
        preferences.put(
            tx, "ana",
            {"channels": ["mail", "own"], "own_address": TOKEN, "language": "fr", "digest_every": "2h",
             "ways": {"late": "at_once", "info": "list"}, "quiet_hours": {"mon": ["12:00-13:00"]}},
        )  # fmt: skip
    say(desk, MONDAY, "late", "info")
    desk.pass_to(MONDAY + 3 * HOUR)
    say(desk, MONDAY + 3 * HOUR, "late", "urgent")
    desk.pass_to(MONDAY + 5 * HOUR)
    told = [(row.at, row.channel, row.subject) for row in letters(desk)]
    assert told == [
        (MONDAY, "mail", "late at 09:00"), (MONDAY, "own", "late at 09:00"),
        (MONDAY + 3 * HOUR, "mail", "urgent at 12:00"), (MONDAY + 3 * HOUR, "own", "urgent at 12:00"),
        (MONDAY + 4 * HOUR, "mail", "late at 12:00"), (MONDAY + 4 * HOUR, "own", "late at 12:00"),
    ]  # fmt: skip
    made = desk.new("ana")
    desk.pass_to(MONDAY + 48 * HOUR)
    with desk.at() as tx:
        rows, _ = inbox.of(tx, "ana", None, 50)
    assert {row.subject for row in rows if row.task == made} == {"En retard : Check ACME"}


def test_new_wishes_hold_for_what_waits_already(desks: Callable[..., Desk]) -> None:
    desk = desks(quiet_hours=NIGHT)
    say(desk, DUE + 4 * HOUR, "late")
    desk.pass_to(DUE + 4 * HOUR)
    assert letters(desk) == []
    with desk.at() as tx:
        preferences.put(tx, "ana", {"quiet_hours": {}})
    desk.pass_to(DUE + 4 * HOUR)
    assert left(desk) == [(DUE + 4 * HOUR, "late at 21:00")]


def test_who_wants_nothing_but_the_list_has_a_list(desks: Callable[..., Desk]) -> None:
    desk = desks()
    with desk.at() as tx:
        preferences.put(tx, "ana", {"channels": []})
    say(desk, MONDAY, "late", "urgent")
    desk.pass_to(MONDAY + HOUR)
    assert (letters(desk), unplaced(desk)) == ([], 0)
    with desk.at() as tx:
        assert inbox.unread(tx, "ana") == 2
        rows, _ = inbox.of(tx, "ana", None, 1)
        assert inbox.read(tx, "ana", [rows[0].id], None) == 1
        assert inbox.unread(tx, "ana") == 1


def test_an_address_of_ones_own_is_a_secret(desks: Callable[..., Desk]) -> None:
    desk = desks()
    with desk.at() as tx:
        preferences.put(tx, "ana", {"channels": ["own"], "own_address": TOKEN})
    with desk.at() as tx:
        told = [row.change for row in tx.conn.execute(select(history).where(history.c.noun == "notice_setting"))]
        assert "abcdefg" not in repr(told)
        assert "abcdefg" not in repr(preferences.of(tx, "ana"))
        preferences.put(tx, "ana", {"language": "fr"})
        assert preferences.of(tx, "ana")[0].own_address == TOKEN
        preferences.put(tx, "ana", {"own_address": None})
        assert preferences.of(tx, "ana")[0].own_address is None


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"channels": ["fax"]}, "channels must be one of mail, own"),
        ({"channels": ["own"]}, "there is no own_address"),
        ({"own_address": "json://127.0.0.1/s3cret"}, "not allowed here"),
        ({"ways": {"urgnt": "list"}}, "did you mean urgent"),
        ({"ways": {"info": "never"}}, "must be one of at_once, digest, list"),
        ({"digest_every": "1m"}, "from 5m to 7d"),
        ({"language": "de"}, "must be one of en, fr"),
        ({"quiet_hours": {"mon": ["25:00-26:00"]}}, "25:00"),
        ({"quiet_hours": {"mon": ["09:00-12:00", "11:00-13:00"]}}, "overlap"),
        (
            {"quiet_hours": {day: ["00:00-24:00"] for day in DAYS}},
            "no moment",
        ),
        ({"quite_hours": {}}, "did you mean quiet_hours"),
    ],
)
def test_wishes_that_make_no_sense_are_refused_by_name(
    desks: Callable[..., Desk], raw: dict[str, Any], said: str
) -> None:
    desk = desks()
    with pytest.raises(InvalidInput) as raised, desk.at() as tx:
        preferences.put(tx, "ana", raw)
    assert said in raised.value.message
    assert "s3cret" not in raised.value.message


def test_a_channel_of_the_house_is_told_at_once_and_in_bundles(desks: Callable[..., Desk]) -> None:
    desk = desks((Step(at_fraction=0.5, notify=("url:OPS",), quiet_hours=False),), bundle=2)
    made = [desk.new("ana") for _ in range(5)]
    desk.pass_to(DUE)
    (row,) = letters(desk)
    assert (row.addressee, row.channel, row.subject) == ("url:OPS", "url", "5 notices, 5 of them urgent")
    assert all(one in row.body for one in made)
