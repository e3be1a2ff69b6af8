"""An address that refuses: tried again and again, dead with its reason, no hindrance to others, sent by replay."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from taskhub.db.tables import letter, message, notification
from taskhub.errors import NotFound
from taskhub.escalation.notifications import dead, store
from taskhub.escalation.notifications.channels import HEADER
from taskhub.escalation.notifications.model import Notice
from taskhub.escalation.notifications.tell import tell
from taskhub.flow import HANDLERS
from taskhub.ids import new_id
from taskhub.workers import run_due
from tests.service.desk import Desk
from tests.service.hook import Hook
from tests.unit.escalation.mailbox import Mailbox

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
TRIES = 10
DAYS = 14  # after which the last try is over, whatever the jitter


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    with Hook() as one:
        monkeypatch.setenv("OPS", one.url)
        yield one


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    one = Desk(database_url)
    one.staff("specialists", "ana", email="ana@example.org")
    yield one
    one.db.close()


def say(desk: Desk, **to: Any) -> str:
    return str(desk.do("worker", tell, Notice("step", "urgent", "Overdue: ACME", "…", **to)))


def run(desk: Desk, *, days: int = 0) -> None:
    run_due(desk.db, HANDLERS)
    for _ in range(days):
        desk.clock.forward(days=1)
        run_due(desk.db, HANDLERS)


def refused(desk: Desk, **how: Any) -> list[dead.Refused]:
    with desk.db.read() as tx:
        return dead.refused(tx, **how)[0]


def test_what_nobody_takes_is_dead_after_its_tries_and_replayed(
    desk: Desk, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.status = 503
    with Mailbox() as box:
        monkeypatch.setenv("TASKHUB_SMTP_URL", box.url)
        lost, kept = say(desk, url="OPS"), say(desk, agent="ana", email="ana@example.org")
        run(desk)
        assert [mail[HEADER] for mail in box.mails] == [kept]
        (trying,) = refused(desk, dead=False)
        assert (trying.id, trying.tries, trying.dead_at) == (lost, 1, None)
        assert trying.next_at is not None
        assert refused(desk) == []
        run(desk, days=DAYS)
        assert len(box.mails) == 1
    assert hook.refused == TRIES
    (gone,) = refused(desk)
    assert (gone.id, gone.channel, gone.addressee, gone.tries) == (lost, "url", "url:OPS", TRIES)
    assert "503" in gone.reason
    assert "s3cret" not in gone.reason
    assert "pa55" not in gone.reason
    hook.status = 200
    assert [one.id for one in desk.do("admin", dead.replay, None, lost)] == [lost]
    run(desk)
    ((headers, body),) = hook.taken
    assert headers[HEADER] == lost
    assert b"ACME" in body
    assert (refused(desk), refused(desk, dead=False)) == ([], [])
    assert all(row.delivered_at is not None for row in desk.rows(letter))
    assert all(row.delivered_at is not None for row in desk.rows(notification))
    with pytest.raises(NotFound):
        desk.do("admin", dead.replay, None, lost)


def test_one_channel_that_refuses_does_not_make_the_other_say_it_twice(
    desk: Desk, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taskhub.escalation.notifications.model import Wishes

    hook.status = 500
    with Mailbox() as box:
        monkeypatch.setenv("TASKHUB_SMTP_URL", box.url)
        with desk.db.begin() as tx:
            store.save_wishes(tx, "ana", Wishes(channels=("mail", "own"), own_address=hook.url))
        say(desk, agent="ana", email="ana@example.org")
        run(desk, days=2)
        assert (len(box.mails), hook.refused) == (1, 3)
        hook.status = 200
        run(desk, days=1)
        assert (len(box.mails), len(hook.taken)) == (1, 1)


def test_a_variable_that_is_not_set_is_a_reason(desk: Desk) -> None:
    say(desk, url="NOWHERE")
    run(desk, days=DAYS)
    (gone,) = refused(desk)
    assert "NOWHERE is not set" in gone.reason


def test_managers_see_what_was_meant_for_their_people(desk: Desk, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Mailbox()  # closed: nobody answers
    monkeypatch.setenv("TASKHUB_SMTP_URL", box.url)
    hook.status = 410
    say(desk, agent="ana", email="ana@example.org")
    say(desk, url="OPS")
    run(desk, days=DAYS)
    assert {one.channel for one in refused(desk)} == {"mail", "url"}
    assert [one.addressee for one in refused(desk, teams=["specialists"])] == ["ana"]
    assert refused(desk, teams=["front"]) == []


KILLED = """
import os, signal, sys
from taskhub import failpoints
from taskhub.db.database import Database
from taskhub.flow import FLOW, HANDLERS
from taskhub.testing import organisation
from taskhub.workers import run_due

def strike(name):
    if name == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

known = organisation.policies()
db = Database(sys.argv[1], flow=FLOW, loader=lambda _texts, _resolved: known)
failpoints.arm(strike)
run_due(db, HANDLERS)
"""


@pytest.mark.parametrize("place", ["notices.placed", "letter.sent"])
def test_a_process_killed_on_the_way_loses_nothing_and_says_it_under_one_id(
    desk: Desk, database_url: str, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Killed while it places: nothing has left. Killed between sending and noting it: it leaves again as the same."""
    with Mailbox() as box:
        monkeypatch.setenv("TASKHUB_SMTP_URL", box.url)
        told = {say(desk, agent="ana", email="ana@example.org") for _ in range(2)}
        ended = subprocess.run([sys.executable, "-c", KILLED, database_url, place], check=False)
        assert ended.returncode == -signal.SIGKILL
        before = [mail[HEADER] for mail in box.mails]
        assert len(before) == (1 if place == "letter.sent" else 0)
        desk.clock.now = datetime.now(UTC) + timedelta(days=1)
        run(desk, days=2)
        assert sorted(mail[HEADER] for mail in box.mails) == sorted([*told, *before])
    assert {row.id for row in desk.rows(letter)} == told
    assert all(row.delivered_at is not None for row in desk.rows(letter))


def test_a_notice_of_a_version_without_letters_still_leaves(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy import insert

    row = {"id": "old", "agent": "ana", "address": "mailto:ana@example.org", "subject": "Old", "body": "…"}
    with Mailbox() as box:
        monkeypatch.setenv("TASKHUB_SMTP_URL", box.url)
        with desk.db.begin() as tx:
            tx.conn.execute(insert(notification).values(row | {"at": tx.now}))
            tx.emit("notification.created", "old")
        run(desk)
        run(desk, days=1)
        assert [mail[HEADER] for mail in box.mails] == ["old"]
    (stored,) = desk.rows(notification)
    assert stored.delivered_at is not None


def buried(desk: Desk, addressee: str, count: int) -> None:
    """Letters that died one after the other, a second apart."""
    with desk.db.begin() as tx:
        for _ in range(count):
            at, id_ = desk.clock.forward(seconds=1), new_id()
            store.write(
                tx,
                [
                    {
                        "id": id_,
                        "channel": "mail",
                        "addressee": addressee,
                        "lane": "at_once",
                        "subject": "s",
                        "body": "b",
                        "at": at,
                    },
                ],
            )
            tx.conn.execute(insert(message).values(
                topic="letter.written", handler="letter.send", key=f"{id_}:mail", mode="outside", payload={},
                emitted_at=at, due_at=at, attempts=10, dead_at=at, error="nobody answers",
            ))  # fmt: skip


def test_a_team_sees_its_own_behind_any_number_of_others(desk: Desk) -> None:
    desk.staff("front", "ann")
    desk.staff("specialists", "sue")
    buried(desk, "ann", 20)
    buried(desk, "sue", dead.AT_ONCE + 20)
    assert len(refused(desk, teams=["front"])) == 20
    assert {one.addressee for one in refused(desk, teams=["front"])} == {"ann"}
    assert refused(desk, teams=[]) == []
    assert len(desk.do("admin", dead.replay, ["front"])) == 20
    assert refused(desk, teams=["front"]) == []


def test_pages_follow_each_other_and_all_is_replayed(desk: Desk) -> None:
    desk.staff("specialists", "sue")
    buried(desk, "sue", dead.AT_ONCE + 20)
    seen: list[str] = []
    after, pages = None, 0
    while after is not None or not pages:
        with desk.db.read() as tx:
            found, after = dead.refused(tx, after=after, limit=130)
        seen, pages = [*seen, *(one.id for one in found)], pages + 1
    assert (pages, len(seen), len(set(seen))) == (4, dead.AT_ONCE + 20, dead.AT_ONCE + 20)
    assert seen == sorted(seen, reverse=True)
    assert len(desk.do("admin", dead.replay)) == dead.AT_ONCE + 20
    assert refused(desk) == []
    assert len(refused(desk, dead=False)) == 0
