"""Looks, re-reads and webhooks one by one: what each fault leaves, and what is made of what is read."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from taskhub import failpoints
from taskhub.connectors import states
from taskhub.connectors.checking import COMPANY
from taskhub.connectors.looking import health, looks, store
from taskhub.connectors.looking import service as looking
from taskhub.connectors.looking.model import Found
from taskhub.connectors.reading import Seen
from taskhub.db.tables import event, message, notification
from taskhub.errors import Unavailable
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.testing.crm.dataverse import FakeDataverse
from taskhub.testing.crm.faults import BROKEN, CUT, CUT_EARLY, EXPIRED, LIMITED
from taskhub.testing.crm.pipedrive import FakePipedrive
from taskhub.testing.crm.salesforce import FakeSalesforce
from taskhub.testing.drain import handle
from tests.crm.days import SECRETS, URL, USER, Day, day, senders
from tests.crm.users import EDITS, Users

SYSTEMS = tuple(COMPANY)
MOVED = TaskTemplate("contract", "Moved")


def busy(one: Day, acts: int = 6) -> None:
    users = Users(one.fake, random.Random(5))
    for _ in range(acts):
        one.clock.forward(minutes=1)
        users.act()


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_was_there_before_is_no_news(system: str, sqlite_url: str) -> None:
    with day(system, sqlite_url) as one:
        busy(one)
        for sender in senders(one.fake):
            sender.waiting.clear()
        one.clock.forward(days=3)
        one.begin()
        assert not one.tasks()
        for kind in ("deal", "lead"):
            Users(one.fake, random.Random(1))._write(kind, first(one, kind), touched(one, kind))
        for sender in senders(one.fake):
            sender.waiting.clear()
        one.later()
        assert not one.tasks()
        assert one.known()


def first(one: Day, kind: str) -> Any:
    users, state = Users(one.fake, random.Random(1)), one.fake.state
    one.lose = lambda: True
    if isinstance(one.fake, FakePipedrive):
        return next(iter(state.records[kind]), None) or users._make(kind)  # type: ignore[union-attr]
    table = {"lead": "Lead", "deal": "Opportunity"} if isinstance(one.fake, FakeSalesforce) else {
        "lead": "lead", "deal": "opportunity"}  # fmt: skip
    return next(iter((getattr(state, "records", None) or state.rows)[table[kind]]))  # type: ignore[union-attr]


def touched(one: Day, kind: str) -> dict[str, Any]:
    return EDITS[one.system][kind](7)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("kind", [LIMITED, EXPIRED, BROKEN, CUT_EARLY, CUT])
def test_a_look_that_fails_is_tried_again_and_loses_nothing(system: str, kind: str, sqlite_url: str) -> None:
    with day(system, sqlite_url) as one:
        one.begin()
        one.lose = lambda: True
        busy(one)
        one.fake.faults.plan(["", kind])
        one.clock.forward(minutes=16)
        one.look()
        one.work()
        if kind == EXPIRED:
            assert one.tasks()
            return
        [row] = waiting(one)
        assert row.attempts == 1
        least = {"pipedrive": 2, "salesforce": 5, "dynamics": 37}[system] if kind == LIMITED else 5
        assert row.due_at >= one.clock.now + timedelta(seconds=least)
        assert not one.tasks()
        one.work(timedelta(hours=1))
        assert one.tasks()


def waiting(one: Day) -> list[Any]:
    with one.db.read() as tx:
        c = message.c
        return list(tx.conn.execute(select(message).where(c.mode == "outside", c.done_at.is_(None))))


def test_while_one_waits_no_other_is_asked_for(sqlite_url: str) -> None:
    with day("pipedrive", sqlite_url) as one:
        one.begin()
        one.fake.faults.plan([BROKEN] * 3)
        for _ in range(3):
            one.clock.forward(minutes=16)
            one.look()
            one.work()
            assert len(waiting(one)) <= 1
        one.fake.faults.clear()
        one.later()
        assert not waiting(one)


def test_a_look_that_died_is_followed_by_the_next(sqlite_url: str) -> None:
    with day("pipedrive", sqlite_url) as one:
        one.begin()
        one.lose = lambda: True
        busy(one)
        one.clock.forward(minutes=16)
        one.look()
        with one.db.begin() as tx:
            tx.conn.execute(message.update().where(message.c.mode == "outside").values(dead_at=tx.now))
        one.later()
        assert one.tasks()


def test_an_overtaken_look_is_left_out(sqlite_url: str) -> None:
    with day("pipedrive", sqlite_url) as one:
        one.begin()
        one.look()
        calls = len(one.fake.gate.calls)
        with one.db.begin() as tx:
            store.watch_with(tx, "crm", asked_at=tx.now - timedelta(minutes=1))
        one.work()
        assert len(one.fake.gate.calls) == calls


def test_an_expired_delta_link_begins_anew_and_loses_nothing(sqlite_url: str) -> None:
    with day("dynamics", sqlite_url) as one:
        busy(one)
        for sender in senders(one.fake):
            sender.waiting.clear()
        one.begin()
        one.lose = lambda: True
        busy(one, 8)
        assert isinstance(one.fake, FakeDataverse)
        one.fake.state.forgotten = len(one.fake.state.log) + 1
        one.fake.state.log.extend([("none", "none")] * 2)
        one.later()
        assert one.tasks()
        assert set(one.known()) >= {f"deal:crm:{id_}" for id_ in one.fake.state.rows["opportunity"]}


def test_a_place_moves_only_with_what_it_brought(sqlite_url: str) -> None:
    with day("salesforce", sqlite_url) as one:
        one.begin()
        one.lose = lambda: True
        busy(one)
        one.clock.forward(minutes=16)
        one.look()
        before = places(one)
        for place in ("look.stored",):
            failpoints.arm(strike(place))
            with pytest.raises(RuntimeError, match=place):
                one.work()
            failpoints.arm(None)
            assert places(one) == before
        release(one)
        one.work()
        assert places(one) != before
        assert one.tasks()


def strike(place: str) -> Any:
    def at(name: str) -> None:
        if name == place:
            raise RuntimeError(place)

    return at


def release(one: Day) -> None:
    """What a process held when it died."""
    with one.db.begin() as tx:
        tx.conn.execute(message.update().where(message.c.done_at.is_(None)).values(token=None, until=None, attempts=0))


def places(one: Day) -> dict[str, Any]:
    with one.db.read() as tx:
        return store.places(tx, "crm")


@pytest.mark.parametrize("place", ["firing.kept", "firing.taken", "reread.asked"])
def test_a_crash_there_changes_nothing(place: str, sqlite_url: str) -> None:
    with day("salesforce", sqlite_url) as one:
        one.begin()
        assert isinstance(one.fake, FakeSalesforce)
        one.fake.faults.gaps = place == "reread.asked"
        deal = one.fake.state.save([("Opportunity", None, {"Name": "Acme"})], by=USER_OF_THEIRS)[0]
        if place == "reread.asked":
            senders(one.fake)[0].run()
        else:
            one.clock.forward(minutes=16)
            one.look()
        failpoints.arm(strike(place))
        if place == "firing.taken":
            one.work()
            senders(one.fake)[0].run()
        with pytest.raises(RuntimeError, match=place):
            one.work()
        failpoints.arm(None)
        release(one)
        one.work()
        senders(one.fake)[0].run()
        one.work()
        assert dict(one.tasks()) == {("deal-created", f"deal:crm:{deal}"): 1}


USER_OF_THEIRS = "0055f000005mc69AAA"


@pytest.mark.parametrize("system", ["salesforce", "dynamics"])
def test_bodies_without_content_are_read_again(system: str, sqlite_url: str) -> None:
    with day(system, sqlite_url) as one:
        one.begin()
        one.fake.faults.stripped = one.fake.faults.gaps = True
        id_ = Users(one.fake, random.Random(2))._make("deal")
        for sender in senders(one.fake):
            sender.run()
        one.work()
        assert dict(one.tasks()) == {("deal-created", f"deal:crm:{id_}"): 1}


def test_of_a_burst_about_one_record_the_last_reads(sqlite_url: str) -> None:
    with day("dynamics", sqlite_url) as one:
        one.begin()
        users = Users(one.fake, random.Random(2))
        id_ = users._make("lead")
        senders(one.fake)[0].run()
        one.work()
        one.fake.faults.stripped = True
        for number in range(5):
            users._write("lead", id_, {"companyname": f"Acme {number}"})
        senders(one.fake)[0].run()
        calls = len(one.fake.gate.calls)
        one.work()
        assert sum(path.endswith(f"leads({id_})") for _, path, _ in one.fake.gate.calls[calls:]) == 1
        assert one.known()[f"lead:crm:{id_}"]["company"] == "Acme 4"


def test_an_update_of_an_unknown_row_is_known_whole_and_made_once(sqlite_url: str) -> None:
    with day("dynamics", sqlite_url) as one:
        one.begin()
        assert isinstance(one.fake, FakeDataverse)
        for step in one.fake.steps.steps.values():
            step["image"] = ()
        users, sender = Users(one.fake, random.Random(2)), senders(one.fake)[0]
        id_ = users._make("lead")
        made = sender.waiting[:]
        sender.waiting.clear()
        users._write("lead", id_, {"companyname": "Acme"})
        sender.run()
        one.work()
        assert one.known()[f"lead:crm:{id_}"]["title"]
        sender.waiting = made
        sender.run()
        one.work()
        assert dict(one.tasks()) == {("lead-created", f"lead:crm:{id_}"): 1}


def test_a_field_that_is_not_there_is_left_out_of_a_look_and_named(sqlite_url: str) -> None:
    fields = {"lead": {"lost_reason": "Lots_Reason__c", "title": "Company"}}
    with day("salesforce", sqlite_url, fields=fields) as one:
        one.begin()
        Users(one.fake, random.Random(2))._make("lead")
        senders(one.fake)[0].waiting.clear()
        one.later()
        assert one.tasks().total() == 1
        with one.db.read() as tx:
            assert store.watched(tx, "crm")["refused"] == "fields of leads: left out, not there: Lots_Reason__c"


def test_the_stage_that_a_process_of_dataverse_moves_reaches_its_deal(sqlite_url: str) -> None:
    with day("dynamics", sqlite_url, rules=(Rule("moved", ("deal.stage_changed",), tasks=(MOVED,)),)) as one:
        one.begin()
        deal = Users(one.fake, random.Random(2))._make("deal")
        first, second = (one.fake.state.create("processstage", {"stagename": name}) for name in ("Develop", "Propose"))
        known = {"_activestageid_value": first, "_opportunityid_value": deal}
        process = one.fake.state.create("opportunitysalesprocess", known)
        one.clock.forward(minutes=1)
        one.fake.state.update("opportunitysalesprocess", process, {"_activestageid_value": second})
        senders(one.fake)[0].run()
        one.work()
        assert one.known()[f"deal:crm:{deal}"]["stage"] == second
        assert dict(one.tasks()) == {("moved", f"deal:crm:{deal}"): 1}


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_is_gone_when_it_is_read_again_is_deleted(system: str, sqlite_url: str) -> None:
    with day(system, sqlite_url) as one:
        one.begin()
        users = Users(one.fake, random.Random(2))
        id_ = users._make("deal")
        for sender in senders(one.fake):
            sender.run()
        one.work()
        users._remove(id_)
        for sender in senders(one.fake):
            sender.waiting.clear()
        with one.db.begin() as tx:
            tx.emit("record.dirty", f"deal:crm:{id_}", {"connection": "crm", "born": False})
        one.work()
        assert one.known()[f"deal:crm:{id_}"]["deleted"] is True
        record = f"deal:crm:{id_}"
        assert dict(one.tasks()) == {("deal-created", record): 1, ("deal-deleted", record): 1}


def test_an_overflow_is_a_look_at_its_noun(sqlite_url: str) -> None:
    with day("salesforce", sqlite_url) as one:
        one.begin()
        assert isinstance(one.fake, FakeSalesforce)
        one.fake.faults.overflow = True
        id_ = Users(one.fake, random.Random(2))._make("deal")
        senders(one.fake)[0].run()
        one.work()
        assert dict(one.tasks()) == {("deal-created", f"deal:crm:{id_}"): 1}


def test_a_refused_noun_does_not_keep_the_others(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from taskhub.connectors.dynamics.client import SETS

    with day("dynamics", sqlite_url) as one:
        monkeypatch.setitem(SETS, "account", "nothings")  # type: ignore[misc]
        one.begin()
        one.lose = lambda: True
        id_ = Users(one.fake, random.Random(2))._make("deal")
        one.later()
        assert dict(one.tasks()) == {("deal-created", f"deal:crm:{id_}"): 1}
        with one.db.read() as tx:
            assert "account" in store.watched(tx, "crm")["refused"]


def test_our_own_activity_makes_no_work(sqlite_url: str) -> None:
    with day("pipedrive", sqlite_url, own_user=12345679) as one:
        one.begin()
        assert isinstance(one.fake, FakePipedrive)
        state = one.fake.state
        for by in (None, USER):
            mine = state.add("activity", {"subject": "Call", "update_user_id": by or state.robot}, by=by)
            state.change("activity", str(mine["id"]), {"done": True}, by=by)
        one.lose = lambda: True
        senders(one.fake)[0].run()
        one.later()
        assert dict(one.tasks()) == {("activity-completed", f"activity:crm:{mine['id']}"): 1}


class TestWebhooks:
    def examine(self, one: Day, **policy: Any) -> None:
        with one.db.begin() as tx:
            health.ask(tx, lambda variable: SECRETS[one.system].get(variable.lower()))
        secret = lambda variable: SECRETS[one.system].get(variable.lower())  # noqa: E731
        one.handlers["webhooks.examine"] = health.Examine(one.connect, secret)
        one.work(timedelta(hours=1))

    @pytest.mark.parametrize("system", ["pipedrive", "dynamics"])
    def test_what_is_gone_is_made_again_and_the_gap_looked_at(self, system: str, sqlite_url: str) -> None:
        with day(system, sqlite_url) as one:
            one.begin()
            with one.db.begin() as tx:
                health.reached_at(tx, "crm", "https://taskhub.test/")
            self.examine(one)
            hooks = one.fake.state.hooks if isinstance(one.fake, FakePipedrive) else one.fake.steps.steps
            count = len(hooks)
            hooks.clear()
            id_ = Users(one.fake, random.Random(2))._make("deal")
            one.clock.forward(days=1)
            self.examine(one)
            assert len(hooks) == count
            assert dict(one.tasks()) == {("deal-created", f"deal:crm:{id_}"): 1}
            there = one.connect(one.connection)
            assert there.missing(URL) == []

    def test_what_was_made_by_hand_is_told_and_never_sent_our_secrets(self, sqlite_url: str) -> None:
        with day("pipedrive", sqlite_url) as one:
            one.begin()
            assert isinstance(one.fake, FakePipedrive)
            self.examine(one)
            hooks = one.fake.state.hooks
            first_id, evil = next(iter(hooks.items()))
            hooks.clear()
            hooks[first_id] = {**evil, "subscription_url": "https://evil.example/hooks/crm/secret"}
            for _ in range(2):
                one.clock.forward(days=1)
                self.examine(one)
            assert len(hooks) == 1
            with one.db.read() as tx:
                assert "change.deal" in store.watched(tx, "crm")["missing"]
                assert tx.conn.execute(select(func.count()).select_from(notification)).scalar_one() == 1

    def test_where_nobody_set_any_up_none_is_made(self, sqlite_url: str) -> None:
        with day("pipedrive", sqlite_url) as one:
            assert isinstance(one.fake, FakePipedrive)
            one.fake.state.hooks.clear()
            self.examine(one)
            assert not one.fake.state.hooks

    def test_a_crash_before_it_is_noted_makes_nothing_twice(self, sqlite_url: str) -> None:
        with day("pipedrive", sqlite_url) as one:
            assert isinstance(one.fake, FakePipedrive)
            with one.db.begin() as tx:
                health.reached_at(tx, "crm", "https://taskhub.test")
            self.examine(one)
            count = len(one.fake.state.hooks)
            one.fake.state.hooks.clear()
            failpoints.arm(strike("webhooks.noted"))
            with pytest.raises(RuntimeError):
                self.examine(one)
            failpoints.arm(None)
            release(one)
            one.work()
            assert len(one.fake.state.hooks) == count

    def test_systems_that_list_none_are_left_alone(self, sqlite_url: str) -> None:
        with day("salesforce", sqlite_url) as one:
            self.examine(one)
            assert not waiting(one)


def test_nobody_looks_where_nobody_can_log_in(sqlite_url: str) -> None:
    with day("pipedrive", sqlite_url) as one:
        with one.db.begin() as tx:
            looking.ask(tx, lambda _variable: None)
        assert not waiting(one)


def test_the_look_is_named_as_it_is_in_the_flow() -> None:
    from taskhub.flow import FLOW

    assert [route.handler for route in FLOW["connection.due"]] == [looking.POLL]


def test_a_read_record_that_made_no_sense_is_read_again(sqlite_url: str) -> None:
    from taskhub.api.normalise import again
    from taskhub.events import service as events
    from taskhub.http.state import AppState

    with day("pipedrive", sqlite_url) as one:
        one.begin()
        assert isinstance(one.fake, FakePipedrive)
        one.lose = lambda: True
        deal = one.fake.state.add("deal", {"title": "Acme", "value": "much"}, by=USER)
        one.later()
        with one.db.read() as tx:
            [row] = tx.conn.execute(select(event).where(event.c.state == "quarantined")).all()
        assert str(deal["id"]) in row.external_id or row.reason
        with one.db.begin() as tx:
            state = AppState(one.db)
            told = events.replay(tx, row.id, lambda stored, raw: again(tx, state, stored, raw))
        assert told.state == "quarantined"
        with one.db.begin() as tx:
            raw = tx.conn.execute(select(event.c.raw).where(event.c.id == row.id)).scalar_one()
            mended = bytes(raw).replace(b'"much"', b"7")
            tx.conn.execute(event.update().where(event.c.id == row.id).values(raw=mended))
        with one.db.begin() as tx:
            told = events.replay(tx, row.id, lambda stored, raw: again(tx, state, stored, raw))
        assert told.state == "received"
        one.work()
        assert dict(one.tasks()) == {("deal-created", f"deal:crm:{deal['id']}"): 1}
        with one.db.read() as tx:
            assert tx.conn.execute(select(func.count()).select_from(event)).scalar_one() >= 1


def test_a_handler_says_when_it_may_come_again(sqlite_url: str) -> None:
    with day("dynamics", sqlite_url) as one:
        one.look()
        [row] = one._taken()
        one.fake.faults.plan(["", LIMITED])
        with pytest.raises(Unavailable) as caught:
            handle(one.db, {"connection.look": looking.Look(one.connect)}, row)
        assert caught.value.retry_after == 37


@pytest.mark.parametrize("odd", ["a\0b", "a\ud800b", 2**70, float("inf"), ["x"], {"y": "\0"}, "z" * 200_000, ""])
def test_one_odd_record_does_not_keep_the_others(database_url: str, odd: Any) -> None:
    with day("pipedrive", database_url) as one:
        one.begin()
        assert isinstance(one.fake, FakePipedrive)
        one.lose = lambda: True
        good = one.fake.state.add("deal", {"title": "Acme"}, by=USER)
        seen = [{**good, "id": 77, "title": odd, "custom_fields": {"k": odd}}, good, {"id": None}, ["x"]]
        place = looks.look(one.connect(one.connection), one.connection, places(one), ["deal"]).steps[0]
        read = [states.delivery_of(Seen("deal", "", one.clock.now, row), one.connection) for row in seen]  # type: ignore[arg-type]
        with one.db.begin() as tx:
            looking.store_found(tx, "crm", Found([replace(place, deliveries=[*place.deliveries, *read])]))
        one.work()
        assert one.tasks()["deal-created", f"deal:crm:{good['id']}"] == 1
        assert one.fates()["quarantined", "bad_field: id is missing"] == 1
        assert one.fates()["quarantined", "bad_field: record has a shape nobody knows"] == 1
