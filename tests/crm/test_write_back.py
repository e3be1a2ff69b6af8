"""Our tasks stand in the CRM once, whatever goes wrong: written, handed on, done, closed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from taskhub.acts import crm_asking
from taskhub.assignment import service as assignment
from taskhub.connectors.write_back import look
from taskhub.policy.policies import WriteBack
from taskhub.sales.conversion import Asked
from taskhub.tasks import service as tasks
from taskhub.testing.crm.faults import CUT, CUT_EARLY, KINDS
from taskhub.testing.crm.wire import served
from tests.crm.floor import BOB, FAKES, SUE, SYSTEMS, Floor, floor
from tests.crm.ledger import SEEDS

LOG_IN = {"pipedrive": [], "salesforce": [""], "dynamics": [""]}  # calls that a log-in takes


@pytest.fixture(params=SYSTEMS)
def house(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Floor]:
    with floor(sqlite_url, request.param) as made:
        yield made


def given(house: Floor) -> Any:
    """A deal over there, its task here, in the hands of sue."""
    house.deal()
    house.run()
    house.desk.do("admin", assignment.assign, house.task().id, "sue")
    house.pass_time()
    return house.task()


def done(house: Floor, who: str = "sue") -> None:
    lease = house.desk.do(who, tasks.start, house.task().id)[1]
    house.desk.do(who, tasks.complete, house.task().id, lease.token)


def test_it_stands_there_with_a_link_and_its_person_and_is_done(house: Floor) -> None:
    task = given(house)
    [there] = house.shown()
    assert (there.title, there.state, there.owner) == ("Welcome Acme", "open", SUE[house.system])
    assert f"https://taskhub.test/tasks/{task.id}" in there.text
    assert there.about == task.deal.removeprefix("crm:")
    done(house)
    house.pass_time()
    assert [one.state for one in house.shown()] == ["done"]
    # What we wrote came back, and made no work.
    assert not house.desk.rows_of("loop")
    assert not house.rows()


def test_on_a_server_it_stands_there_once_too(postgres_url: str) -> None:
    with floor(postgres_url, "pipedrive", own_user=False) as house:
        given(house)
        house.desk.do("admin", assignment.assign, house.task().id, "bob")
        house.pass_time()
        assert [one.owner for one in house.shown()] == [BOB["pipedrive"]]
        house.finish_there(house.shown()[0].id)
        house.pass_time()
        assert house.task().state == "completed"
        assert not house.rows()


def test_work_of_a_lead_that_was_converted_is_about_what_it_became(house: Floor) -> None:
    lead = house.lead()
    house.desk.do("sue", crm_asking.convert, lead, Asked(deal={}))
    house.pass_time()
    [deal] = house.deals_there()
    late = house.desk.make("call", title="Call them", lead=lead.id, record=str(lead))
    house.desk.do("admin", assignment.assign, late, "sue")
    house.pass_time()
    [there] = [one for one in house.shown() if one.title.startswith("Call them")]
    assert (there.state, there.about) == ("open", str(deal))
    assert not house.rows()


def test_another_person_has_it_there_too(house: Floor) -> None:
    task = given(house)
    house.desk.do("admin", assignment.assign, task.id, "bob")
    house.pass_time()
    assert [(one.state, one.owner) for one in house.shown()] == [("open", BOB[house.system])]


def test_somebody_they_do_not_know_changes_nothing_there(house: Floor) -> None:
    house.desk.staff("front", "eve")
    task = given(house)
    calls = len(house.fake.gate.calls)
    house.desk.do("admin", assignment.assign, task.id, "eve")
    house.pass_time()
    assert len(house.fake.gate.calls) == calls
    assert [one.owner for one in house.shown()] == [SUE[house.system]]


def test_a_cancelled_one_is_closed_with_its_reason(house: Floor) -> None:
    task = given(house)
    house.desk.do("admin", tasks.cancel, task.id, "customer has left <us>")
    house.pass_time()
    [there] = house.shown()
    assert there.state == ("closed" if house.system == "dynamics" else "done")
    assert there.text.replace("&lt;", "<").replace("&gt;", ">").count("no longer needed (customer has left <us>)") == 1
    assert task.id in there.text
    assert house.task().state == "cancelled"


def test_what_is_taken_back_at_once_never_leaves_the_house(house: Floor) -> None:
    house.deal()
    house.run()
    house.desk.do("admin", assignment.assign, house.task().id, "sue")
    house.fake.clock.forward(seconds=9)
    house.run()
    house.desk.do("admin", tasks.unassign, house.task().id)
    house.pass_time()
    assert not house.shown()
    assert not house.fake.gate.calls


def test_what_is_cancelled_before_its_delivery_begins_is_never_written(house: Floor) -> None:
    """Workers that call outside are busy: the look is done, the call it has asked for waits."""
    house.deal()
    house.run()
    id_ = house.task().id
    house.desk.do("admin", assignment.assign, id_, "sue")
    house.desk.do("worker", look.look, id_)
    house.desk.do("admin", tasks.cancel, id_, "not any more")
    house.desk.do("worker", look.look, id_)
    house.pass_time()
    assert not house.shown()
    house.desk.do("admin", assignment.reopen, id_, "undo", act="restore")
    house.desk.do("admin", assignment.assign, id_, "bob") if house.task().agent is None else None
    house.pass_time()
    assert [one.state for one in house.shown()] == ["open"]


def test_a_late_undo_sends_the_reverse(house: Floor) -> None:
    task = given(house)
    done(house)
    house.fake.clock.forward(seconds=9)
    house.run()
    assert [one.state for one in house.shown()] == ["open"]
    house.desk.do("sue", assignment.reopen, task.id, "undo")
    house.pass_time()
    assert [one.state for one in house.shown()] == ["open"]
    done(house)
    house.pass_time()
    house.desk.do("sue", assignment.reopen, task.id, "undo")
    house.pass_time()
    assert [one.state for one in house.shown()] == ["open"]
    assert house.task().state == "assigned"
    done(house)
    house.pass_time()
    assert ([one.state for one in house.shown()], house.task().state) == (["done"], "completed")


@pytest.mark.parametrize(("fault", "there"), [(CUT, 1), (CUT_EARLY, 0)])
def test_what_is_cancelled_while_nobody_knows_is_looked_for(house: Floor, fault: str, there: int) -> None:
    house.deal()
    house.run()
    house.fake.faults.plan([*LOG_IN[house.system], fault])
    house.desk.do("admin", assignment.assign, house.task().id, "sue")
    house.fake.clock.forward(seconds=10)
    house.run()
    assert len(house.shown()) == there
    house.desk.do("admin", tasks.cancel, house.task().id, "not any more")
    house.fake.clock.forward(seconds=10)
    house.pass_time()
    closed = "closed" if house.system == "dynamics" else "done"
    assert [one.state for one in house.shown()] == [closed] * there
    house.desk.do("admin", assignment.reopen, house.task().id, "undo", act="restore")
    house.desk.do("admin", assignment.assign, house.task().id, "bob") if house.task().agent is None else None
    house.pass_time()
    assert [one.state for one in house.shown()] == ["open"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_where_only_done_work_is_shown_it_is_written_as_done(sqlite_url: str, system: str) -> None:
    with floor(sqlite_url, system, write_back=WriteBack("done")) as house:
        given(house)
        assert not house.shown()
        done(house)
        house.pass_time()
        assert [one.state for one in house.shown()] == ["done"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_nothing_is_written_where_nothing_is_asked_for(sqlite_url: str, system: str) -> None:
    with floor(sqlite_url, system, write_back=WriteBack()) as house:
        given(house)
        done(house)
        house.pass_time()
        assert not house.fake.gate.calls
        assert not house.desk.rows_of("loop")


def test_without_their_user_of_ours_known_our_own_tasks_make_no_work_either(sqlite_url: str) -> None:
    with floor(sqlite_url, "pipedrive", own_user=False) as house:
        given(house)
        done(house)
        house.pass_time()
        assert [one.state for one in house.shown()] == ["done"]
        assert not house.desk.rows_of("loop")


def storm(house: Floor, seed: int) -> None:
    """A life of a task under faults; what it came to is checked."""
    chance = random.Random(seed)
    house.fake.faults.chance, house.fake.faults.rate = random.Random(seed), 0.4
    house.fake.faults.copies = chance.choice((1, 1, 2))
    house.fake.faults.shuffle = random.Random(seed) if seed % 2 else None
    house.deal()
    house.run()
    house.desk.do("admin", assignment.assign, house.task().id, "sue")
    house.settle()
    task = house.task()
    if chance.random() < 0.5:
        house.desk.do("admin", assignment.assign, task.id, "bob")
        if chance.random() < 0.5:
            house.settle()
    end = chance.choice(("done", "there", "cancelled"))
    if end == "there":
        for one in house.shown():
            house.finish_there(one.id)
    elif end == "done":
        done(house, house.task().agent)
    else:
        house.desk.do("admin", tasks.cancel, task.id, "no longer")
    house.settle()
    closed = "closed" if house.system == "dynamics" else "done"
    wanted = {"done": "done", "there": "done", "cancelled": closed}[end]
    assert [one.state for one in house.shown()] == [wanted], (seed, end, house.rows())
    assert house.task().state == ("cancelled" if end == "cancelled" else "completed")
    assert not house.desk.rows_of("loop")
    assert not house.rows()


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_goes_wrong_it_stands_there_once(sqlite_url: str, system: str, seed: int) -> None:
    with floor(sqlite_url, system) as house:
        storm(house, seed)


@pytest.mark.parametrize("system", SYSTEMS)
def test_slow_answers_leave_one_task(sqlite_url: str, system: str) -> None:
    with floor(sqlite_url, system) as house:
        house.fake.faults.latency = 25  # longer than we wait: each outcome is unknown
        house.deal()
        house.run()
        house.desk.do("admin", assignment.assign, house.task().id, "sue")
        house.pass_time(timedelta(minutes=20))
        house.fake.faults.latency = 0
        house.pass_time()
        done(house)
        house.pass_time()
        assert [one.state for one in house.shown()] == ["done"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_over_a_real_wire_it_stands_there_once(sqlite_url: str, system: str) -> None:
    fake = FAKES[system]()
    with served(fake) as home, floor(sqlite_url, system, home=home, fake=fake) as house:
        fake.faults.plan(["", *KINDS])
        given(house)
        done(house)
        house.pass_time()
        assert [one.state for one in house.shown()] == ["done"]
        assert not house.rows()
