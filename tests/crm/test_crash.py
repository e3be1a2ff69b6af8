"""A process dies at each place of writing back, once: afterwards everything stands there once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from taskhub import failpoints
from taskhub.assignment import service as assignment
from taskhub.tasks import service as tasks
from tests.crm.floor import SYSTEMS, Floor, floor
from tests.crm.test_asked_there import ask, one_of_each, states
from tests.crm.test_write_back import done
from tests.faults import places

PLACES = sorted(name for name in places.in_source() if name.startswith(("write_back.", "asking.")))
OF_TASKS = [name for name in PLACES if name.startswith("write_back.")]
OF_ACTS = [name for name in PLACES if name.startswith("asking.")]
AROUND = ["runner.prepared", "runner.outside_done", "runner.finished", "ledger.taken", "ledger.failed"]


class Died(BaseException):
    """As little is done after it as after a process has ended."""


class Bomb:
    """Goes off at a place, the ``nth`` time it is passed, once."""

    def __init__(self, place: str, nth: int) -> None:
        self.place, self.left, self.went_off = place, nth, False

    def __call__(self, name: str) -> None:
        if name != self.place:
            return
        self.left -= 1
        if self.left == 0:
            self.went_off = True
            raise Died(name)


@pytest.fixture(autouse=True)
def _disarm() -> Iterator[None]:
    yield
    failpoints.arm(None)


def survive(house: Floor, step: Callable[[], object]) -> None:
    """``step``, again by another process once the holds of the one that died have run out."""
    # What died is let go of before the other one begins: it would keep statements of SQLite open.
    died = False
    try:
        step()
    except Died:
        died = True
    if died:
        house.fake.clock.forward(seconds=90)
        step()


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("place", [*OF_TASKS, *AROUND])
def test_a_task_stands_there_once(sqlite_url: str, system: str, place: str, nth: int) -> None:
    with floor(sqlite_url, system) as house:
        house.deal()
        house.run()
        failpoints.arm(Bomb(place, nth))
        survive(house, lambda: _assigned(house))
        survive(house, house.pass_time)
        survive(house, lambda: _done(house))
        survive(house, house.pass_time)
        house.pass_time(timedelta(days=9))
        assert [one.state for one in house.shown()] == ["done"]
        assert not house.rows()


def _assigned(house: Floor) -> None:
    if house.task().agent is None:
        house.desk.do("admin", assignment.assign, house.task().id, "sue")


def _done(house: Floor) -> None:
    if house.task().state == "assigned":
        done(house)
    elif house.task().state == "in_progress":
        house.desk.do("sue", tasks.complete, house.task().id, house.desk.token(house.task().id))


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("place", [*OF_ACTS, *AROUND])
def test_a_conversion_is_done_once(sqlite_url: str, system: str, place: str, nth: int) -> None:
    with floor(sqlite_url, system, own_user=nth == 1) as house:
        ref = house.lead()
        failpoints.arm(Bomb(place, nth))
        survive(house, lambda: states(house) or ask(house, ref))
        survive(house, house.pass_time)
        house.pass_time(timedelta(days=9))
        one_of_each(house, ref)
        assert states(house) == ["done"]


@pytest.mark.parametrize("place", PLACES)
def test_every_place_is_passed(sqlite_url: str, place: str) -> None:
    bomb = Bomb(place, 1)
    # Pipedrive's own word comes before its answer; the others answer at once.
    system = "salesforce" if place == "asking.noted" else "pipedrive"
    with floor(sqlite_url, system, own_user=False) as house:
        failpoints.arm(bomb)
        with pytest.raises(Died):
            _everything(house)
    assert bomb.went_off


def _everything(house: Floor) -> None:
    """A conversion, and a task that is done over there."""
    ref = house.lead()
    ask(house, ref)
    house.pass_time()
    house.desk.do("admin", assignment.assign, house.task().id, "sue")
    house.pass_time()
    for one in house.shown():
        house.finish_there(one.id)
    house.pass_time()
