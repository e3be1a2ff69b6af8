"""What a CRM was asked for and did not answer: told, shown, withdrawn, tried again, or done over there after all."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from taskhub.acts import crm_asking, crm_given_up
from taskhub.connectors.asking import model
from taskhub.connectors.write_back import waiting
from taskhub.db.tables import message, notification
from taskhub.db.tables_crm import crm_act
from taskhub.errors import Conflict
from taskhub.events.model import RecordRef
from taskhub.testing.crm.faults import CUT_EARLY
from tests.crm.floor import SUE, SYSTEMS, Floor, floor
from tests.crm.test_asked_there import ask, one_of_each, states

BEFORE = {"pipedrive": 0, "salesforce": 2, "dynamics": 1}  # calls before the one that converts


@pytest.fixture(params=SYSTEMS)
def house(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Floor]:
    with floor(sqlite_url, request.param) as made:
        yield made


def given_up(house: Floor, ref: RecordRef) -> model.CrmAct:
    """The CRM is away for as long as anything is tried; the job has looked twice."""
    act = ask(house, ref)
    house.fake.faults.chance, house.fake.faults.rate, house.fake.faults.among = random.Random(1), 1.0, (CUT_EARLY,)
    house.pass_time(timedelta(days=9))
    house.fake.faults.clear()
    assert [row.dead_at is not None for row in house.rows()] == [True]
    for _ in range(2):
        with house.desk.db.begin() as tx:
            assert crm_given_up.find(tx) is False
    return act


def told_of(house: Floor, topic: str) -> list[str]:
    return [row.agent for row in house.desk.rows(notification) if row.topic == topic]


def test_what_is_not_tried_any_more_is_told_once_and_shows_so(house: Floor) -> None:
    ref = house.lead()
    given_up(house, ref)
    [row] = house.desk.rows(crm_act)
    assert (row.state, row.given_up_at, bool(row.trouble), row.reason) == ("pending", house.fake.clock.now, True, None)
    assert told_of(house, "crm_given_up") == ["sue"]
    [letter] = [row for row in house.desk.rows(notification) if row.topic == "crm_given_up"]
    assert row.trouble in letter.body
    # The end of a sentence that no longer holds, and names of classes, are not for whoever asked.
    assert [
        one for one in ("tried again", "..", "Unknown: ", "Unavailable: ") if one in letter.body.partition("It may")[0]
    ] == []
    with pytest.raises(Conflict, match="withdraw it first"):
        ask(house, ref)


@pytest.mark.parametrize(
    ("error", "trouble", "words", "hidden"),
    [
        ("KeyError: 'data'", "inside", "a fault inside taskhub", "KeyError"),
        ("Unauthenticated: Renew the key.", "log_in", "ask whoever looks after the connection", "Renew"),
    ],
)
def test_what_is_not_for_who_asked_is_told_in_words_of_ours(
    house: Floor, error: str, trouble: str, words: str, hidden: str
) -> None:
    act = ask(house, house.lead())
    with house.desk.db.begin() as tx:
        [row] = [row for row in house.rows() if row.key == act.id]
        tx.conn.execute(update(message).where(message.c.id == row.id).values(dead_at=tx.now, error=error))
        crm_given_up.find(tx)
    [row] = house.desk.rows(crm_act)
    assert row.trouble == trouble
    [letter] = [row for row in house.desk.rows(notification) if row.topic == "crm_given_up"]
    assert words in letter.body
    assert hidden not in letter.body


def test_given_up_by_its_person_nothing_is_left_of_it(house: Floor) -> None:
    ref = house.lead()
    given_up(house, ref)
    house.desk.do("sue", crm_asking.withdraw, ref)
    assert states(house) == ["withdrawn"]
    with pytest.raises(Conflict) as caught:
        house.desk.do("sue", crm_asking.withdraw, ref)
    assert caught.value.stable_code == "nothing_to_change"
    house.fake.gate.calls.clear()
    house.pass_time()
    assert not house.fake.gate.calls
    assert not house.rows()  # nobody has to see to what was tried in vain
    ask(house, ref)
    house.pass_time()
    one_of_each(house, ref)
    assert states(house) == ["withdrawn", "done"]


def test_undo_gives_it_up_as_well_while_it_is_kept(house: Floor) -> None:
    ref = house.lead()
    act = given_up(house, ref)
    with house.desk.db.begin() as tx:
        crm_asking.take_back(tx, {"act": act.id})
    assert states(house) == ["withdrawn"]


def test_tried_again_it_is_asked_as_if_nothing_had_been(house: Floor) -> None:
    ref = house.lead()
    given_up(house, ref)
    with house.desk.db.begin() as tx:
        waiting.replay(tx, "crm")
    house.pass_time()
    one_of_each(house, ref)
    [row] = house.desk.rows(crm_act)
    assert (row.state, row.given_up_at, row.trouble) == ("done", None, None)
    with house.desk.db.begin() as tx:
        crm_given_up.find(tx)
    assert told_of(house, "crm_given_up") == ["sue"]


def test_what_is_under_way_is_not_withdrawn_and_a_second_death_is_told_again(house: Floor) -> None:
    ref = house.lead()
    given_up(house, ref)
    with house.desk.db.begin() as tx:
        waiting.replay(tx, "crm")
    house.fake.faults.chance, house.fake.faults.rate, house.fake.faults.among = random.Random(1), 1.0, (CUT_EARLY,)
    house.run()
    with pytest.raises(Conflict) as caught:
        house.desk.do("sue", crm_asking.withdraw, ref)
    assert caught.value.stable_code == "asked_there"
    house.pass_time(timedelta(days=9))
    with house.desk.db.begin() as tx:
        crm_given_up.find(tx)
    assert told_of(house, "crm_given_up") == ["sue", "sue"]


def test_their_own_word_answers_what_was_given_up(house: Floor) -> None:
    ref = house.lead()
    house.desk.do("sue", crm_asking.lose, ref, "no_need")
    house.fake.faults.chance, house.fake.faults.rate, house.fake.faults.among = random.Random(1), 1.0, (CUT_EARLY,)
    house.pass_time(timedelta(days=9))
    house.fake.faults.clear()
    with house.desk.db.begin() as tx:
        crm_given_up.find(tx)
    lose_there(house, ref)
    house.run()
    assert states(house) == ["done"]
    assert house.count("survey") == {"survey": 1}


def test_what_was_withdrawn_and_asked_again_is_still_an_echo(house: Floor) -> None:
    ref = house.lead()
    given_up(house, ref)
    house.desk.do("sue", crm_asking.withdraw, ref)
    ask(house, ref)
    house.pass_time()
    one_of_each(house, ref)
    assert states(house) == ["withdrawn", "done"]


def lose_there(house: Floor, ref: RecordRef) -> None:
    """Somebody over there does by hand what was asked for."""
    house.fake.clock.forward(seconds=5)
    id_, state = ref.id.removeprefix("crm:"), house.fake.state
    if house.system == "pipedrive":
        state.change("lead", id_, {"is_archived": True}, by=int(SUE["pipedrive"]))
    elif house.system == "salesforce":
        state.save([("Lead", id_, {"Status": "Closed - Not Converted"})], by=SUE["salesforce"])
    else:
        state.update("lead", id_, {"statecode": 2, "statuscode": 4}, state.act(by=SUE["dynamics"]))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("OutcomeUnknown: crm broke off; it is tried again. / the process ended during the last try", "crm broke off"),
        ("Unavailable: Leads / Contacts are closed.\nmore", "Leads / Contacts are closed"),
        ("Sequence: x", "inside"),
        ("the process ended during the last try", "inside"),
        ("Unauthenticated: The log-in was refused (invalid_grant): renew the certificate.", "log_in"),
    ],
)
def test_who_asked_reads_what_they_can_use(error: str, told: str) -> None:
    assert crm_given_up.plain(error) == told
