"""What was asked of a CRM and ended here in doubt was done there after all: its words make the work, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from taskhub.acts import crm_asking
from taskhub.connectors.asking import deliver, model, store
from taskhub.db.tables_crm import crm_act
from taskhub.errors import Forbidden, TaskhubError
from taskhub.events.model import RecordRef
from taskhub.testing.crm.faults import CUT
from taskhub.testing.crm.pipedrive import conversion
from taskhub.testing.crm.sender import Answer, Parcel
from tests.crm.floor import SYSTEMS, Floor, floor, senders
from tests.crm.test_asked_there import ask, states
from tests.crm.test_given_up import BEFORE, given_up

OF_DEALS = ('"entity":"deal"', 'xsi:type="sf:Opportunity"', '"PrimaryEntityName":"opportunity"')
End = Callable[[Floor, model.CrmAct], object]


@pytest.fixture(params=SYSTEMS)
def house(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Floor]:
    with floor(sqlite_url, request.param) as made:
        yield made


def withdrawn(house: Floor, act: model.CrmAct) -> None:
    house.desk.do("sue", crm_asking.withdraw, act.ref)


def refused(house: Floor, act: model.CrmAct, answer: model.Refused) -> None:
    with house.desk.db.begin() as tx:
        found = store.get(tx, act.id, locked=True)
        assert found is not None
        deliver.told(tx, found, answer)
    house.run()


def unanswered(house: Floor, act: model.CrmAct) -> None:
    """Their job has had no end for a week."""
    house.fake.clock.forward(days=8)
    with house.desk.db.begin() as tx:
        found = store.get(tx, act.id, locked=True)
        assert found is not None
        store.save(tx, replace(found, job="7"))
        [row] = [row for row in house.rows() if row.key == act.id]
        deliver.Ask(house.clients).finish(tx, row, deliver.Converted(False, job="7"))
    house.run()


def switched_off(house: Floor, act: model.CrmAct) -> None:
    connection = replace(house.connection, write_back=replace(house.connection.write_back, acts=False))
    with house.desk.db.begin() as tx:
        off = replace(tx, policies=replace(tx.policies, connections={"crm": connection}))
        [row] = [row for row in house.rows() if row.key == act.id]
        assert deliver.Ask(house.clients).prepare(off, row) is None
    house.run()


def held_back(house: Floor) -> list[Parcel]:
    """Where everything the CRM has to say from now on is kept, as if it were still on its way."""
    held: list[Parcel] = []

    def hold(parcel: Parcel) -> Answer:
        held.append(parcel)
        return Answer(200)

    [sender] = senders(house.fake, house.system)
    sender.post = hold
    return held


def done_in_doubt(house: Floor, ref: RecordRef, end: End = withdrawn) -> list[Parcel]:
    """Done over there and ended here, nobody knowing that it was. Their words, which are still on their way."""
    held = held_back(house)
    house.fake.faults.plan([*[""] * BEFORE[house.system], CUT])
    end(house, given_up(house, ref))
    if house.system == "pipedrive":
        conversion.run_out(house.fake.state)
    house.run()
    assert len(house.deals_there()) == 1
    assert house.count("welcome", "onboard") == {"welcome": 0, "onboard": 0}
    return held


def say(house: Floor, words: Sequence[Parcel]) -> None:
    for parcel in words:
        house.post(parcel)
    house.run()


def of_deal(parcel: Parcel) -> bool:
    body = parcel.body.decode().replace(" ", "")
    return any(sign.replace(" ", "") in body for sign in OF_DEALS)


def work_of_one(house: Floor) -> dict[str, int]:
    # Pipedrive says of a conversion that a lead is gone and that there is a deal, not that one became the other.
    return {"welcome": 1, "onboard": int(house.system != "pipedrive")}


def test_done_there_after_it_was_withdrawn_its_words_make_the_work(house: Floor) -> None:
    say(house, done_in_doubt(house, house.lead()))
    assert house.count("welcome", "onboard") == work_of_one(house)
    [first] = house.desk.rows_of("qualify")
    assert (first.state == "completed") is (house.system != "pipedrive")
    assert states(house) == ["withdrawn"]


def test_asked_again_before_its_words_come_its_work_is_made_once(house: Floor) -> None:
    ref = house.lead()
    words = done_in_doubt(house, ref)
    ask(house, ref)
    say(house, words)
    house.pass_time()
    assert house.count("welcome", "onboard") == {"welcome": 1, "onboard": 1}
    assert states(house) == ["withdrawn", "done"]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("own_user", [True, False])
def test_asked_again_after_the_deal_was_told_of_it_is_not_told_twice(
    sqlite_url: str, system: str, *, own_user: bool
) -> None:
    with floor(sqlite_url, system, own_user=own_user) as house:
        ref = house.lead()
        words = done_in_doubt(house, ref)
        say(house, [one for one in words if of_deal(one)])
        heard = house.count("welcome")
        ask(house, ref)
        house.pass_time()
        say(house, [one for one in words if not of_deal(one)])
        house.pass_time()
        assert heard == {"welcome": int(system != "salesforce")}  # one parcel of Salesforce tells of both
        assert house.count("welcome", "onboard") == {"welcome": 1, "onboard": 1}
        assert states(house) == ["withdrawn", "done"]
        [id] = house.deals_there()
        assert house.known(RecordRef("deal", f"crm:{id}")).fields["lead"] == ref.id


def test_asked_again_and_undone_at_once_its_words_make_the_work(house: Floor) -> None:
    ref = house.lead()
    words = done_in_doubt(house, ref)
    again = ask(house, ref)
    with house.desk.db.begin() as tx:
        crm_asking.take_back(tx, {"act": again.id})
    say(house, words)
    assert house.count("welcome", "onboard") == work_of_one(house)
    assert states(house) == ["withdrawn", "withdrawn"]


def test_the_deal_told_while_it_is_asked_again_and_then_undone_has_its_work(house: Floor) -> None:
    ref = house.lead()
    words = done_in_doubt(house, ref)
    again = ask(house, ref)
    say(house, [one for one in words if of_deal(one)])
    if states(house)[1] == "pending":
        with house.desk.db.begin() as tx:
            crm_asking.take_back(tx, {"act": again.id})
    say(house, [one for one in words if not of_deal(one)])
    house.pass_time()
    assert house.count("welcome") == {"welcome": 1}


@pytest.mark.parametrize("end", [unanswered, switched_off])
def test_ended_without_an_answer_its_words_make_the_work(house: Floor, end: End) -> None:
    words = done_in_doubt(house, house.lead(), end)
    assert states(house) == ["refused"]
    say(house, words)
    assert house.count("welcome", "onboard") == work_of_one(house)


def test_refused_at_a_later_try_its_words_make_the_work(house: Floor) -> None:
    def forbidden(house: Floor, act: model.CrmAct) -> None:
        [kept] = [one for one in house.desk.rows(crm_act) if one.id == act.id]
        call = deliver.Call(model.CrmAct(**kept._mapping), "", first=False)
        answer = deliver.ask(Refusing(Forbidden("No.")), call)  # type: ignore[arg-type]
        assert isinstance(answer, model.Refused)
        refused(house, act, answer)

    words = done_in_doubt(house, house.lead(), forbidden)
    assert states(house) == ["refused"]
    say(house, words)
    assert house.count("welcome", "onboard") == work_of_one(house)


def test_what_they_are_known_to_have_refused_stays_ours(house: Floor) -> None:
    """The user we write as has made the deal some other way: still an echo."""
    words = done_in_doubt(house, house.lead(), lambda floor, act: refused(floor, act, model.Refused("No.")))
    say(house, words)
    assert house.count("welcome", "onboard") == {"welcome": 0, "onboard": 0}


@pytest.mark.parametrize("first", [True, False])
def test_only_a_first_try_is_refused_for_sure(*, first: bool) -> None:
    act = model.CrmAct("a", "crm", "lead:crm:1", model.LOSE, "sue", at=None)  # type: ignore[arg-type]
    answer = deliver.ask(Refusing(Forbidden("No.")), deliver.Call(act, "1", first))  # type: ignore[arg-type]
    assert answer == model.Refused("No.", sure=first)


# Those of Dynamics name their lead.
@pytest.mark.parametrize("house", ["pipedrive", "salesforce"], indirect=True)
def test_a_deal_older_than_the_wish_did_not_come_of_it(house: Floor) -> None:
    older = house.lead("Other")
    robot = str(house.fake.state.robot)
    say_held: list[Parcel] = []
    [sender] = senders(house.fake, house.system)
    post, sender.post = sender.post, lambda parcel: say_held.append(parcel) or Answer(200)
    house.deal("Acme", by=robot)
    house.run()
    sender.post = post
    house.fake.clock.forward(minutes=5)
    given_up(house, house.lead())
    withdrawn(house, model.CrmAct(**house.desk.rows(crm_act)[0]._mapping))
    say(house, say_held)
    assert house.known(older)
    assert house.count("welcome") == {"welcome": 0}


def test_what_is_in_doubt_is_found_by_its_index(house: Floor) -> None:
    asked: list[tuple[str, Any]] = []
    with house.desk.db.read() as tx:
        event.listen(tx.conn, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
        store.in_doubt(tx, "crm", model.CONVERT, tx.now)
        [(sql, values)] = asked
        plan = tx.conn.exec_driver_sql(f"explain query plan {sql}", values).all()
    assert "ix_crm_act_in_doubt" in str(plan)


class Refusing:
    """A CRM that refuses whatever it is asked."""

    def __init__(self, error: TaskhubError) -> None:
        self._error = error

    def lose(self, *_args: object) -> None:
        raise self._error

    def convert(self, *_args: object, **_how: object) -> None:
        raise self._error
