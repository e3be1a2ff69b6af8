"""Bus factor: who could do a kind, when planned absences leave it bare, and that managers hear of it once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from taskhub.agents import service as agents
from taskhub.assignment import cover
from taskhub.db.tables import agent, notification
from taskhub.escalation import gaps
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.testing import organisation as org
from tests.service.desk import Desk


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    kinds = [
        Kind("contract", LocalText("Contract", {"fr": "Contrat"}), "desk"),
        Kind("tax", LocalText("Tax"), "desk", level=4),
    ]
    desk = Desk(database_url, org.policies(queues=(org.queue("desk"),), kinds=kinds))
    desk.staff("specialists", "ana", "bob", "cat")
    desk.staff("others", "far")
    desk.do("admin", agents.patch_agent, "ana", {"skills": {"contract": 3, "tax": 5}})
    yield desk
    desk.db.close()


def away(desk: Desk, who: str, first: int, last: int) -> None:
    day = desk.clock.now
    desk.do("admin", agents.add_absence, who, day + timedelta(days=first), day + timedelta(days=last))


def test_only_who_lastingly_can_counts(desk: Desk) -> None:
    desk.do("admin", agents.set_presence, "bob", "offline")
    desk.do("admin", agents.patch_agent, "cat", {"capacity": 1})
    with desk.db.read() as tx:
        assert cover.counts(tx) == {"contract": ("ana", "bob", "cat"), "tax": ("ana",)}


def test_planned_absences_make_gaps(desk: Desk) -> None:
    away(desk, "ana", 1, 5)
    away(desk, "bob", 3, 7)
    with desk.db.read() as tx:
        found = {one.kind.key: one for one in cover.covers(tx, ["desk"], tx.now, tx.now + timedelta(days=14))}
        day = tx.now
    (gap,) = found["contract"].gaps
    assert (gap.since - day, gap.until and gap.until - day, gap.left) == (timedelta(3), timedelta(5), ("cat",))
    (bare,) = found["tax"].gaps
    assert (bare.since - day, bare.left, bare.code) == (timedelta(1), (), "kind_without_anyone")


def test_what_would_be_missing_without_one_person(desk: Desk) -> None:
    away(desk, "bob", 2, 3)
    now = desk.clock.now
    with desk.db.read() as tx:
        found = cover.without(tx, "ana", now + timedelta(days=1), now + timedelta(days=4))
    assert {one.kind.key: [gap.left for gap in one.gaps] for one in found} == {"contract": [("cat",)], "tax": [()]}
    with desk.db.read() as tx:
        assert cover.without(tx, "far", now, None) == []


def test_a_change_that_takes_the_last_ones_away_is_named(desk: Desk) -> None:
    with desk.as_("admin") as tx:
        before = cover.counts(tx)
        agents.patch_agent(tx, "ana", {"skills": {"contract": 3}})
        assert [(one.kind.key, one.people) for one in cover.fewer(tx, before)] == [("tax", ())]


def test_another_staffing_that_takes_a_kind_to_one_person_is_named(desk: Desk) -> None:
    desk.do("admin", agents.patch_agent, "cat", {"team": "others"})
    with desk.db.read() as tx:
        file = tx.policies.queues["desk"]
        wide = replace(file, teams=("specialists", "others"), staffing=Staffing("rotating", {}))
        narrow = replace(wide, staffing=Staffing("dedicated", {"team": "others"}))
        found = cover.under(tx, wide, narrow, tx.now)
    assert {one.kind.key: (one.people, one.gaps[0].code) for one in found} == {"tax": ((), "kind_without_anyone")}


def test_a_house_without_people_misses_nobody(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("WARNING"):
        with desk.db.begin() as tx:
            tx.conn.execute(update(agent).values(active=False))
            gaps.tell(tx)
        assert "Nobody is left for" in caplog.text  # everybody is gone
        caplog.clear()
        with desk.db.begin() as tx:
            tx.conn.execute(delete(agent))
            gaps.tell(tx)
        assert caplog.text == ""


def test_leaders_hear_of_a_gap_once_in_their_language(desk: Desk) -> None:
    desk.do("admin", agents.patch_team, "specialists", {"leader": "bob", "managers": ["cat"]})
    desk.do("admin", agents.patch_agent, "cat", {"language": "fr"})
    away(desk, "ana", 3, 5)
    for _ in range(3):
        desk.do("worker", gaps.tell)
        desk.forward(days=1)
    told = {row.agent: row.subject for row in desk.rows(notification)}
    assert len(desk.rows(notification)) == 2
    assert told["bob"].startswith("Nobody is left for “Tax” from ")
    assert told["cat"].startswith("Plus personne pour «\u00a0Tax\u00a0» du ")
