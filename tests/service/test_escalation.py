"""One ladder, from the due instant to the mail, on both databases."""

import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from taskhub.db import ledger
from taskhub.db.tables import escalation, exclusion, history, message, notification, task
from taskhub.db.tx import By
from taskhub.errors import Unavailable
from taskhub.escalation import service
from taskhub.escalation.notifications.channels import HEADER
from taskhub.escalation.notifications.deliver import Deliver
from taskhub.policy.promise import Step
from taskhub.tasks import service as tasks
from tests.service.climb import BACK, DUE, HOUR, LADDER, MONDAY, TUESDAY, Desk, person, policies
from tests.unit.escalation.mailbox import Mailbox

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture
def desks(database_url: str) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(*steps: Step, lease: timedelta = timedelta(days=90)) -> Desk:
        made.append(Desk(database_url, policies(steps or LADDER, lease)))
        return made[-1]

    yield make
    for desk in made:
        desk.db.close()


@pytest.fixture
def desk(desks: Callable[..., Desk]) -> Desk:
    return desks()


def test_each_step_fires_at_its_instant_and_not_a_moment_before(desk: Desk) -> None:
    made = desk.new("ana")
    falls = [MONDAY + 4 * HOUR, DUE, TUESDAY + 2 * HOUR, TUESDAY + 4 * HOUR, TUESDAY + 6 * HOUR]
    for count, fall in enumerate(falls):
        desk.pass_to(fall - timedelta(microseconds=1))
        assert len(desk.fired(made)) == count
        desk.pass_to(fall)
        assert desk.fired(made)[-1][2] == fall
    steps = [(step, repetition) for step, repetition, _ in desk.fired(made)]
    assert steps == [(0, 0), (1, 0), (2, 0), (3, 0), (3, 1)]
    assert desk.told(made) == ["ana", "lea", "max", "lea", "ana", "lea", "lea"]
    assert (desk.task(made).agent, desk.task(made).pinned, desk.task(made).priority) == ("lea", True, 2)


def _break(_: None) -> None:
    raise ZeroDivisionError


def test_a_step_leaves_its_traces_in_one_transaction(desk: Desk) -> None:
    made = desk.new("ana")
    desk.pass_to(DUE - HOUR)
    with pytest.raises(ZeroDivisionError), desk.at(DUE) as tx:
        _break(service.step_due(tx, made))
    assert len(desk.fired(made)) == 1
    assert (desk.told(made), desk.task(made).priority) == (["ana"], 1)
    desk.pass_to(DUE)
    with desk.at() as tx:
        (entry,) = tx.conn.execute(select(history).where(history.c.noun == "escalation", history.c.seq == 2)).all()
        sent = tx.conn.execute(select(message.c.key).where(message.c.handler == "deliver")).scalars().all()
        known = tx.conn.execute(select(notification.c.id)).scalars().all()
    assert (entry.act, entry.id, entry.change["step"], entry.change["raised"]["to"]) == ("fire", made, 1, "high")
    assert sorted(sent) == sorted(f"{one}:mail" for one in known)
    assert desk.effects(made, 1)["notified"] == [{"asked": "leader", "agent": "lea", "notification": known[-1]}]


def test_after_an_outage_everything_overdue_fires_once_in_due_order(desk: Desk) -> None:
    made = desk.new("ana")
    desk.pass_to(MONDAY)
    back = MONDAY + timedelta(days=3, hours=3)
    desk.pass_to(back, asleep=True)
    assert desk.fired(made) == [(0, 0, back), (1, 0, back), (2, 0, back), (3, 0, back)]
    with desk.at() as tx:
        due = [row.due_at for row in service.of_task(tx, made)]
        service.step_due(tx, made)
        service.on_fall(tx, made)
    assert due == [MONDAY + 4 * HOUR, DUE, TUESDAY + 2 * HOUR, TUESDAY + 4 * HOUR]
    assert len(desk.fired(made)) == 4
    assert desk.timer() == back + 2 * HOUR


def test_ladders_looked_at_together_fire_what_locks_nobody(desk: Desk) -> None:
    late, done = desk.new("ana"), desk.new()
    desk.pass_to(MONDAY + HOUR)
    soon = desk.new()
    with desk.at() as tx:
        tasks.cancel(tx, done, "not needed")
    with desk.at(MONDAY + 4 * HOUR) as tx:
        assert set(service.looks(tx, [late, soon, done, late])) == {late, soon, done}
    assert [desk.fired(one) for one in (late, soon, done)] == [[(0, 0, MONDAY + 4 * HOUR)], [], []]
    with desk.at(TUESDAY + 2 * HOUR) as tx:
        assert service.looks(tx, [late]) == []
    assert len(desk.fired(late)) == 1
    desk.pass_to(TUESDAY + 2 * HOUR)
    assert [step for step, _, _ in desk.fired(late)] == [0, 1, 2]
    assert desk.task(late).agent == "lea"


def _look_from_all_sides(desk: Desk, made: list[str], now: datetime) -> list[BaseException]:
    errors: list[BaseException] = []

    def look(ids: tuple[str, ...]) -> None:
        try:
            for task_id in ids:
                with desk.db.begin() as tx:
                    tx.now = tx.real_now = now
                    service.step_due(tx, task_id)
        except Exception as error:  # noqa: BLE001  a thread of the test tells its test
            errors.append(error)

    threads = [threading.Thread(target=look, args=(order,)) for order in itertools.permutations(made)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_looks_at_the_same_moment_record_each_step_once(desks: Callable[..., Desk]) -> None:
    desk = desks(Step(at_fraction=0.5, notify=("agent",)), Step(at_fraction=1.0, raise_priority=1))
    made = [desk.new("ana") for _ in range(3)]
    assert _look_from_all_sides(desk, made, TUESDAY) == []
    assert [[step for step, _, _ in desk.fired(one)] for one in made] == [[0, 1]] * 3
    assert [desk.task(one).priority for one in made] == [2] * 3


def test_looks_at_the_same_moment_never_overfill_the_leader(desk: Desk) -> None:
    made = [desk.new("ana") for _ in range(3)]
    assert _look_from_all_sides(desk, made, TUESDAY + 3 * HOUR) == []
    assert [[step for step, _, _ in desk.fired(one)] for one in made] == [[0, 1, 2]] * 3
    given = sorted((desk.task(one).agent or "", desk.task(one).state) for one in made)
    assert given == [("", "queued"), ("lea", "assigned"), ("lea", "assigned")]


@pytest.mark.parametrize("how", ["acknowledge", "complete", "cancel"])
def test_a_ladder_stops(desk: Desk, how: str) -> None:
    made = desk.new("ana", started=True)
    desk.pass_to(MONDAY + 5 * HOUR)
    assert desk.timer() == DUE
    with desk.at(by=By("key:boss", role="admin", roles=("admin",)) if how == "cancel" else person("ana")) as tx:
        if how == "acknowledge":
            tasks.acknowledge(tx, made)
        elif how == "cancel":
            tasks.cancel(tx, made, "not needed")
        else:
            token = tasks.leases(tx, [tasks.get(tx, made)])[made].token
            tasks.complete(tx, made, token)
    desk.pass_to(TUESDAY + timedelta(days=3))
    assert len(desk.fired(made)) == 1
    assert desk.timer() is None


def test_who_is_away_is_replaced_and_the_record_says_so(desk: Desk) -> None:
    made = desk.new("ana")
    desk.send_away("ana", "lea")
    desk.change("leo", active=False)
    desk.pass_to(DUE)
    assert desk.effects(made, 0)["notified"][0].items() >= {
        "asked": "agent", "agent": "ben", "instead_of": "ana", "because": "absent",
    }.items()  # fmt: skip
    assert desk.effects(made, 1)["notified"][0].items() >= {"agent": "max", "instead_of": "lea"}.items()
    with desk.at() as tx:
        last = service.notices_of(tx, made)[-1]
    assert last.subject == "En retard : Check ACME"
    assert "à la place de Lea (absence)" in last.body


def test_work_goes_past_a_leader_who_is_not_at_work(desk: Desk) -> None:
    made = desk.new("ana", started=True)
    desk.change("lea", shifts={"wed": ["09:00-17:00"]})
    desk.pass_to(TUESDAY + 2 * HOUR)
    assert desk.effects(made, 2)["reassigned"] == {
        "to": "leo", "from": "ana", "was": "in_progress",
        "asked": "leader", "instead_of": "lea", "because": "off_shift",
    }  # fmt: skip
    with desk.at() as tx:
        assert tasks.leases(tx, [tasks.get(tx, made)]) == {}


@pytest.mark.parametrize("named", [(), ("leader", "agent")])
def test_who_gets_the_work_and_who_loses_it_are_told_once_each(
    desks: Callable[..., Desk], named: tuple[str, ...]
) -> None:
    desk = desks(Step(overdue_for=timedelta(), notify=named, reassign="leader"))
    desk.change("ana", language="fr")
    made = desk.new("ana", started=True)
    desk.pass_to(DUE)
    with desk.at() as tx:
        got, lost = service.notices_of(tx, made)
        late = tx.conn.execute(select(message.c.payload).where(message.c.topic == "task.given_late")).scalars().all()
    assert (got.agent, got.topic, got.severity, got.subject) == ("lea", "given_late", "late", "Overdue: Check ACME")
    assert "It was handed to you; what was done so far may be half done." in got.body
    assert (lost.agent, lost.topic, lost.subject) == ("ana", "step", "En retard : Check ACME")
    assert "Elle n’est plus chez vous : elle a été confiée à Lea." in lost.body
    assert {one["agent"] for one in desk.effects(made, 0)["notified"]} == {"ana", "lea"}
    assert late == [{"agent": "lea", "was": "ana", "state": "breached", "told": True}]


def test_who_loses_work_that_nobody_above_has_room_for_is_told(desks: Callable[..., Desk]) -> None:
    desk = desks(Step(overdue_for=timedelta(), reassign="leader"))
    made = desk.new("ana", started=True)
    for _ in range(2):
        desk.new("lea")
    desk.pass_to(DUE)
    with desk.at() as tx:
        (lost,) = service.notices_of(tx, made)
    assert lost.agent == "ana"
    assert "It is back in the queue" in lost.body


def test_work_that_is_handed_up_in_time_is_not_called_late(desks: Callable[..., Desk]) -> None:
    desk = desks(Step(at_fraction=0.5, reassign="leader"))
    made = desk.new("ana")
    desk.pass_to(MONDAY + 4 * HOUR)
    with desk.at() as tx:
        got, _ = service.notices_of(tx, made)
        late = tx.conn.execute(select(message.c.id).where(message.c.topic == "task.given_late")).all()
    assert (got.agent, got.topic, got.subject) == ("lea", "step", "Due soon: Check ACME")
    assert late == []


def test_a_leader_without_room_gets_nothing_and_the_queue_gets_it_back(desk: Desk) -> None:
    made = desk.new("ana", started=True)
    for _ in range(2):
        desk.new("lea")
    desk.pass_to(TUESDAY + 2 * HOUR)
    assert desk.effects(made, 2)["reassigned"] == {
        "to": "queue", "from": "ana", "was": "in_progress", "asked": "leader", "agent": "lea", "because": "at_capacity",
    }  # fmt: skip
    assert (desk.task(made).state, desk.task(made).agent) == ("queued", None)


def test_four_eyes_hold_for_the_leader_too(desk: Desk) -> None:
    made = desk.new("ana")
    with desk.at() as tx:
        tx.conn.execute(insert(exclusion).values(task=made, agent="lea", why="not_by"))
    desk.pass_to(TUESDAY + 2 * HOUR)
    assert desk.effects(made, 2)["reassigned"]["because"] == "not_by"
    assert desk.task(made).state == "queued"


@pytest.mark.parametrize("state", ["queued", "assigned", "in_progress", "paused"])
def test_a_step_brings_work_back_to_the_queue_from_every_state(desks: Callable[..., Desk], state: str) -> None:
    desk = desks(*BACK)
    made = desk.new(None if state == "queued" else "ana", started=state in ("in_progress", "paused"))
    desk.pass_to(DUE)
    if state == "paused":
        with desk.at(by=person("ana")) as tx:
            token = tasks.leases(tx, [tasks.get(tx, made)])[made].token
            tasks.pause(tx, made, "set_aside", TUESDAY + 5 * HOUR, token)
    desk.pass_to(TUESDAY + HOUR)
    now = desk.task(made)
    assert (now.state, now.agent, now.paused_reason, now.paused_until) == ("queued", None, None, None)
    assert desk.effects(made, 0)["reassigned"]["was"] == state
    assert desk.told(made) == ["lea" if state == "queued" else "ana"]


def test_a_pause_that_stopped_the_clock_ends_when_the_work_goes_back(desks: Callable[..., Desk]) -> None:
    desk = desks(Step(paused_for=2 * HOUR, reassign="queue"))
    made = desk.new("ana", started=True)
    desk.pass_to(MONDAY + HOUR)
    with desk.at(by=person("ana")) as tx:
        token = tasks.leases(tx, [tasks.get(tx, made)])[made].token
        tasks.pause(tx, made, "customer", TUESDAY, token)
        service.step_due(tx, made)
    assert desk.task(made).due_at is None
    desk.pass_to(MONDAY + 3 * HOUR)
    assert (desk.task(made).state, desk.task(made).due_at) == ("queued", TUESDAY + 2 * HOUR)


def test_a_customer_who_keeps_us_waiting_holds_the_ladder(desk: Desk) -> None:
    made = desk.new("ana", started=True)
    desk.pass_to(MONDAY + 2 * HOUR)
    with desk.at(by=person("ana")) as tx:
        token = tasks.leases(tx, [tasks.get(tx, made)])[made].token
        tasks.pause(tx, made, "customer", MONDAY + 6 * HOUR, token)
    desk.pass_to(MONDAY + 5 * HOUR)
    assert desk.fired(made) == []
    with desk.at(by=person("ana")) as tx:
        tasks.resume(tx, made)
    desk.pass_to(MONDAY + 5 * HOUR)
    assert desk.timer() == MONDAY + 7 * HOUR
    desk.pass_to(MONDAY + 7 * HOUR)
    assert [step for step, _, _ in desk.fired(made)] == [0]


def test_the_highest_priority_stays_and_is_recorded(desk: Desk) -> None:
    made = desk.new("ana")
    with desk.at() as tx:
        tx.conn.execute(update(task).where(task.c.id == made).values(priority=3))
    desk.pass_to(DUE)
    assert desk.effects(made, 1)["raised"] == {"from": "urgent", "to": "urgent"}


def test_several_addressees_who_are_one_person_get_one_notice(desks: Callable[..., Desk]) -> None:
    desk = desks(Step(at_fraction=0.5, notify=("leader", "agent", "agent:lea", "url:OPS")))
    made = desk.new("lea")
    desk.pass_to(DUE)
    assert desk.told(made) == ["lea", None]
    assert len({one["notification"] for one in desk.effects(made, 0)["notified"]}) == 2


def test_a_task_without_a_ladder_has_no_timer(desks: Callable[..., Desk]) -> None:
    desk = desks(Step(at_fraction=0.5, notify=("agent",)))
    made = desk.new()
    with desk.at() as tx:
        tx.conn.execute(update(task).where(task.c.id == made).values(sla=None))
    desk.pass_to(DUE)
    assert (desk.timer(), desk.fired(made)) == (None, [])


def test_the_leader_hears_once_of_work_set_aside(desks: Callable[..., Desk]) -> None:
    desk = desks(lease=HOUR)
    made = desk.new("ana", started=True)
    with desk.at() as tx:
        lapsed = tasks.leases(tx, [tasks.get(tx, made)])[made].expires_at
    desk.pass_to(lapsed + 4 * HOUR - timedelta(seconds=1))
    assert desk.told(made) == ["ana"]
    desk.pass_to(lapsed + 4 * HOUR)
    with desk.at() as tx:
        (note,) = [row for row in service.notices_of(tx, made) if row.agent == "lea"]
        service.held(tx, made)
        held = [row for row in service.of_task(tx, made) if row.step == service.HELD]
    assert note.subject == "Set aside: Check ACME"
    assert [(row.repetition, row.due_at) for row in held] == [(0, lapsed + 4 * HOUR)]


def test_each_time_it_is_set_aside_counts_anew(desks: Callable[..., Desk]) -> None:
    desk = desks(Step(overdue_for=99 * HOUR), lease=HOUR)
    made = desk.new("ana", started=True)
    for lapse in (10, 11):
        desk.pass_to(datetime(2026, 1, 5, lapse, tzinfo=UTC))
        with desk.at(by=person("ana")) as tx:
            tasks.resume(tx, made)
            service.held(tx, made)
    desk.pass_to(MONDAY + 7 * HOUR - timedelta(seconds=1))
    assert desk.fired(made) == []
    desk.pass_to(MONDAY + 7 * HOUR)
    with desk.at(by=person("ana")) as tx:
        tasks.resume(tx, made)
    desk.pass_to(TUESDAY + 5 * HOUR)
    assert desk.fired(made) == [(service.HELD, 0, MONDAY + 7 * HOUR), (service.HELD, 1, TUESDAY + 4 * HOUR)]


def _deliver(desk: Desk, handler: Deliver) -> bool:
    """One round of the outside way: prepare, work between two transactions, finish. False: nothing to do."""
    with desk.at() as tx:
        tx.conn.execute(update(message).where(message.c.handler == "deliver").values(token=None, attempts=0))
        wanted = select(message).where(message.c.handler == "deliver", message.c.done_at.is_(None)).limit(1)
        found = tx.conn.execute(wanted).one()
    names = ("id", "topic", "handler", "key", "mode", "payload", "due_at", "attempts")
    row = ledger.Taken(**{name: getattr(found, name) for name in names}, token="t")
    with desk.at() as tx:
        work = handler.prepare(tx, row)
    if work is None:
        return False
    result = work()
    with desk.at() as tx:
        handler.finish(tx, row, result)
    return True


def test_a_notice_is_mailed_under_its_id_and_not_twice(desk: Desk) -> None:
    made = desk.new("ana")
    desk.pass_to(MONDAY + 4 * HOUR)
    box = Mailbox()
    handler = Deliver({"TASKHUB_SMTP_URL": box.url})
    with pytest.raises(Unavailable):
        _deliver(desk, handler)
    with desk.at() as tx:
        assert service.notices_of(tx, made)[0].delivered_at is None
    with box:
        assert _deliver(desk, handler)
        assert not _deliver(desk, handler)
    with desk.at() as tx:
        (note,) = service.notices_of(tx, made)
    (arrived,) = box.mails
    assert (arrived["To"], arrived[HEADER], arrived["Subject"]) == ("ana@example.org", note.id, note.subject)
    assert note.delivered_at == desk.now


def test_the_record_holds_one_row_for_a_step_whatever_happens(desk: Desk) -> None:
    made = desk.new("ana")
    desk.pass_to(DUE)
    row = {"task": made, "step": 1, "repetition": 0, "policy": "late", "due_at": DUE, "at": DUE, "effects": {}}
    with pytest.raises(Exception, match=r"(?i)unique"), desk.at() as tx:
        tx.conn.execute(insert(escalation).values(row))
