"""What people do over there to a task of ours: known before, during and after our own call about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from taskhub.assignment import service as assignment
from taskhub.connectors.outbound import Client
from taskhub.tasks import service as tasks
from taskhub.testing.crm.faults import CUT
from tests.crm.floor import SUE, SYSTEMS, Floor, floor
from tests.crm.test_write_back import LOG_IN, done, given


@pytest.fixture(params=SYSTEMS)
def house(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Floor]:
    with floor(sqlite_url, request.param) as made:
        yield made


def delete_there(house: Floor, id_: str) -> None:
    """Somebody over there deletes it, a moment after whatever came before."""
    house.fake.clock.forward(seconds=1)
    state, by = house.fake.state, SUE[house.system]
    if house.system == "pipedrive":
        state.remove("activity", id_, by=int(by))
    elif house.system == "salesforce":
        state.remove("Task", id_, by=by)
    else:
        state.delete("task", id_, state.act(by))


def test_what_somebody_over_there_ticks_off_is_done_here(house: Floor) -> None:
    task = given(house)
    house.desk.do("sue", tasks.start, task.id)
    [there] = house.shown()
    house.finish_there(there.id)
    house.pass_time()
    assert house.task().state == "completed"
    assert house.desk.lease(task.id) is None
    assert not house.desk.rows_of("loop")  # our own rules go on from our task, theirs do not hear of it
    assert [one.state for one in house.shown()] == ["done"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_is_done_there_while_nobody_knows_is_done_here_at_once(sqlite_url: str, system: str) -> None:
    with floor(sqlite_url, system) as house:
        house.deal()
        house.run()
        house.fake.faults.plan([*LOG_IN[system], CUT])
        house.desk.do("admin", assignment.assign, house.task().id, "sue")
        house.fake.clock.forward(seconds=10)
        house.run()
        [bound] = house.binding()
        assert bound.theirs is None
        house.finish_there(house.shown()[0].id)
        house.run()
        assert house.task().state == "completed"
        house.pass_time()
        [bound] = house.binding()
        assert (bound.theirs, bound.shown, bound.wanted) == (house.shown()[0].id, "done", "done")
        assert [one.state for one in house.shown()] == ["done"]
        assert not house.desk.rows_of("loop")
        assert not house.rows()


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_task_that_was_deleted_there_is_left_alone(sqlite_url: str, system: str) -> None:
    with floor(sqlite_url, system) as house:
        given(house)
        [there] = house.shown()
        delete_there(house, there.id)
        house.pass_time()
        assert house.task().state == "assigned"
        assert [bound.shown for bound in house.binding()] == ["gone"]
        calls = len(house.fake.gate.calls)
        done(house)
        house.pass_time()
        assert len(house.fake.gate.calls) == calls
        assert not house.shown()
        assert not house.rows()


class Meanwhile:
    """Between a call of ours and its answer somebody over there does something, and its event is applied."""

    def __init__(self, house: Floor, act: Callable[[Floor, str], None]) -> None:
        self.house, self.act = house, act
        self.calls_after: list[Any] | None = None

    def begin(self, patch: pytest.MonkeyPatch, call: str) -> Meanwhile:
        kind = type(self.house.clients.of(self.house.connection))
        real = getattr(kind, call)

        def called(client: Client, *given: Any, **how: Any) -> Any:
            answer = real(client, *given, **how)
            if self.calls_after is None:
                self._happens()
            return answer

        patch.setattr(kind, call, called)
        return self

    def _happens(self) -> None:
        self.act(self.house, self.house.shown()[0].id)
        self.house.run()
        self.calls_after = self.house.fake.gate.calls
        self.calls_after.clear()


ENDS = {"done": Floor.finish_there, "gone": delete_there}


@pytest.mark.parametrize("end", ENDS)
def test_what_ends_there_before_the_answer_to_our_writing_is_left_as_it_is(
    house: Floor, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    house.deal()
    house.run()
    meanwhile = Meanwhile(house, ENDS[end]).begin(monkeypatch, "write_work")
    house.desk.do("admin", assignment.assign, house.task().id, "sue")
    house.pass_time()
    ended_as(house, end)
    assert meanwhile.calls_after == []


@pytest.mark.parametrize("end", ENDS)
def test_what_ends_there_before_it_is_handed_on_is_left_as_it_is(
    house: Floor, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    task = given(house)
    meanwhile = Meanwhile(house, ENDS[end]).begin(monkeypatch, "hand_work")
    house.desk.do("admin", assignment.assign, task.id, "bob")
    house.pass_time()
    ended_as(house, end)
    assert meanwhile.calls_after == []


def test_what_is_deleted_there_before_we_have_ended_it_stays_gone(
    house: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(house)
    meanwhile = Meanwhile(house, delete_there).begin(monkeypatch, "complete_work")
    done(house)
    house.pass_time()
    assert [one.shown for one in house.binding()] == ["gone"]
    assert meanwhile.calls_after == []


def ended_as(house: Floor, end: str) -> None:
    """Here it stands as they left it, and nothing says that we have opened it again."""
    [bound] = house.binding()
    assert (bound.shown, bound.reopened_at, bound.busy) == (end, None, False)
    assert [one.state for one in house.shown()] == (["done"] if end == "done" else [])
    assert house.task().state == ("completed" if end == "done" else "assigned")
    assert not house.rows()


def test_what_is_opened_again_here_while_it_ends_there_is_opened_there_too(
    house: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finished_and_undone(house: Floor, id_: str) -> None:
        house.finish_there(id_)
        house.run()
        house.desk.do("sue", assignment.reopen, house.task().id, "undo")

    house.deal()
    house.run()
    Meanwhile(house, finished_and_undone).begin(monkeypatch, "write_work")
    house.desk.do("admin", assignment.assign, house.task().id, "sue")
    house.pass_time()
    assert [one.state for one in house.shown()] == ["open"]
    [bound] = house.binding()
    assert (bound.shown, bound.reopened_at is None) == ("open", False)
