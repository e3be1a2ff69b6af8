"""The Salesforce client against the fake Salesforce: each call, each fault, and one effect whatever happens."""

import logging
from typing import Any

import httpx
import pytest

from taskhub.connectors.calling import Caller
from taskhub.connectors.outbound import Conversion
from taskhub.connectors.salesforce.client import OBJECTS, SalesforceClient
from taskhub.connectors.salesforce.dialect import DIALECT, login
from taskhub.errors import InvalidInput, NotFound, OutcomeUnknown, Unauthenticated, Unavailable
from taskhub.policy.policies import Connection
from taskhub.testing.crm.faults import BROKEN, BROKEN_LATE, CUT, CUT_EARLY, EXPIRED, KINDS, LIMITED
from taskhub.testing.crm.salesforce import FakeSalesforce
from taskhub.testing.crm.salesforce.api import CLIENT
from taskhub.testing.crm.salesforce.state import KEY_FIELD
from taskhub.testing.crm.wire import InProcess, served
from tests.crm.ledger import SEEDS, persist, settle, stormy, through_faults, work

SECRETS = {"client_id": CLIENT[0], "client_secret": CLIENT[1]}


def connection(base: str = "https://fake.my.salesforce.com", **settings: str) -> Connection:
    return Connection(key="crm", system="salesforce", name={"en": "CRM"}, settings={"base_url": base, **settings})


def client_of(fake: FakeSalesforce, **settings: str) -> SalesforceClient:
    there = connection(**settings)
    return SalesforceClient(Caller("crm", login(there, SECRETS), DIALECT, transport=InProcess(fake)), there)


@pytest.fixture
def fake() -> FakeSalesforce:
    return FakeSalesforce()


def lead_of(fake: FakeSalesforce) -> str:
    return fake.state.save([("Lead", None, {"Company": "Acme & Sons", "LastName": "Doe"})], by="0055f000005aaaaAAA")[0]


def test_it_says_who_we_are(fake: FakeSalesforce) -> None:
    who = client_of(fake).who()
    assert (who.user, who.company, who.at) == (fake.state.robot, fake.state.organization, fake.clock.now)


def test_a_session_that_ended_is_renewed_once(fake: FakeSalesforce) -> None:
    client = client_of(fake)
    client.who()
    fake.faults.plan([EXPIRED])
    client.who()
    fake.sessions.clear()
    assert client.convert(Conversion(lead_of(fake), fake.clock.now), first=True).done
    assert sum(path == "/services/oauth2/token" for _, path, _ in fake.gate.calls) == 3


def test_a_wrong_secret_is_told_without_showing_it(fake: FakeSalesforce) -> None:
    way = login(connection(), {**SECRETS, "client_secret": "wrong-secret-here"})
    client = SalesforceClient(Caller("crm", way, DIALECT, transport=InProcess(fake)), connection())
    with pytest.raises(Unauthenticated) as caught:
        client.who()
    assert "wrong-secret-here" not in caught.value.message
    assert "(invalid_client: invalid client credentials)" in caught.value.message


class Refusing(httpx.BaseTransport):
    """A log-in that says too much."""

    def __init__(self, body: Any) -> None:
        self.body = body

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json=self.body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": "invalid_grant", "error_description": "user hasn't approved\n this consumer"},
         "refused (invalid_grant: user hasn't approved this consumer): "),
        ({"error": "invalid_client", "error_description": f"bad {CLIENT[1]} for {CLIENT[0]}"},
         "refused (invalid_client: bad *** for ***): "),
        ({"error": {"code": 7}}, "refused: "), (["odd"], "refused: "),
        ({"error": "x" * 900}, f"refused ({'x' * 300}): "),
    ],
)  # fmt: skip
def test_a_log_in_says_in_words_why_it_was_refused(body: Any, said: str) -> None:
    client = SalesforceClient(
        Caller("crm", login(connection(), SECRETS), DIALECT, transport=Refusing(body)), connection()
    )
    with pytest.raises(Unauthenticated) as caught:
        client.who()
    assert said in caught.value.message


def test_our_writes_say_who_made_them(fake: FakeSalesforce) -> None:
    origins: list[str] = []
    fake.state.heard.append(lambda change: origins.append(change.origin))
    client = client_of(fake)
    client.complete_work(client.write_work(work(), first=True))
    client.convert(Conversion(lead_of(fake), fake.clock.now), first=True)
    assert ["client=taskhub" in origin for origin in origins] == [True, True, False, *[True] * 4]


@pytest.mark.parametrize(("kind", "made", "unknown"), [
    (LIMITED, 0, False), (BROKEN, 0, True), (CUT_EARLY, 0, True), (BROKEN_LATE, 1, True), (CUT, 1, True),
])  # fmt: skip
def test_each_fault_of_a_write_leaves_one_task(fake: FakeSalesforce, kind: str, made: int, unknown: bool) -> None:
    client, told = client_of(fake), work(about={"deal": fake.state.save([("Opportunity", None, {"Name": "A"})])[0]})
    client.who()
    fake.faults.plan([kind])
    with pytest.raises(Unavailable) as caught:
        client.write_work(told, first=True)
    assert (isinstance(caught.value, OutcomeUnknown), len(fake.state.records["Task"])) == (unknown, made)
    assert client.write_work(told) == client.write_work(told)
    [task] = fake.state.records["Task"].values()
    assert (task[KEY_FIELD], task["WhatId"], task["ActivityDate"]) == ("task-1", told.about["deal"], "2026-03-05")


def test_used_up_calls_wait_longer(fake: FakeSalesforce) -> None:
    client = client_of(fake)
    client.who()
    fake.faults.plan([LIMITED])
    with pytest.raises(Unavailable) as caught:
        client.who()
    assert caught.value.retry_after == 900


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_of_a_read_is_tried_later(fake: FakeSalesforce, kind: str) -> None:
    client = client_of(fake)
    client.who()
    fake.faults.plan([kind])
    if kind == EXPIRED:
        assert client.read("lead", lead_of(fake))
        return
    with pytest.raises(Unavailable) as caught:
        client.read("lead", lead_of(fake))
    assert not isinstance(caught.value, OutcomeUnknown)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_goes_wrong_one_task_is_written_and_done(seed: int) -> None:
    fake = FakeSalesforce()
    client, told = client_of(fake), work(about={"lead": lead_of(fake), "account": "0015f00000000001"})
    stormy(fake.faults, seed)
    id = persist(fake.clock, lambda first: client.write_work(told, first=first))
    persist(fake.clock, lambda _: client.complete_work(id))
    [task] = fake.state.records["Task"].values()
    assert (task["Id"], task["Status"], task["WhatId"]) == (id, "Completed", None)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_goes_wrong_one_opportunity_comes_of_a_lead(seed: int) -> None:
    fake = FakeSalesforce()
    client, order = client_of(fake), Conversion(lead_of(fake), fake.clock.now, "Acme & <Sons>")
    stormy(fake.faults, seed)
    done = settle(
        fake.clock, lambda first: client.convert(order, first=first), lambda job: client.converting(order, job)
    )
    [deal] = fake.state.records["Opportunity"].values()
    assert (done.deal, deal["Name"]) == (deal["Id"], "Acme & <Sons>")
    assert (len(fake.state.records["Account"]), len(fake.state.records["Contact"])) == (1, 1)


def test_a_conversion_takes_the_account_that_is_there_and_may_leave_out_the_deal(fake: FakeSalesforce) -> None:
    account = fake.state.save([("Account", None, {"Name": "Acme"})])[0]
    order = Conversion(lead_of(fake), fake.clock.now, account=account, make_deal=False)
    done = client_of(fake).convert(order, first=True)
    assert (done.account, done.deal) == (account, None)
    assert client_of(fake).convert(order, first=True).account == account


@pytest.mark.parametrize("first", [True, False])
def test_a_lead_nobody_has_is_told(fake: FakeSalesforce, first: bool) -> None:
    with pytest.raises((NotFound, InvalidInput), match="00Q5f0000000000AAA"):
        client_of(fake).convert(Conversion("00Q5f0000000000AAA", fake.clock.now), first=first)


def test_a_status_that_does_not_convert_is_told(fake: FakeSalesforce) -> None:
    with pytest.raises(InvalidInput, match="INVALID_STATUS"):
        client_of(fake, converted_status="Nope").convert(Conversion(lead_of(fake), fake.clock.now), first=True)


def test_changes_cross_pages_and_name_what_is_gone(fake: FakeSalesforce) -> None:
    client = client_of(fake)
    start = client.changes("lead", None).cursor
    ids = fake.state.save([("Lead", None, {"Company": str(number)}) for number in range(4500)])
    fake.clock.forward(minutes=5)
    fake.state.remove("Lead", ids[0])
    found = client.changes("lead", start)
    assert (len({row["Id"] for row in found.records}), found.deleted) == (4499, (ids[0],))
    fake.clock.forward(minutes=5)
    later = client.changes("lead", found.cursor)
    assert client.changes("lead", later.cursor).records == later.records


def test_after_a_long_outage_deletions_are_asked_for_as_far_back_as_they_are_told(fake: FakeSalesforce) -> None:
    client = client_of(fake)
    cursor = client.changes("lead", None).cursor
    gone = lead_of(fake)
    fake.clock.forward(days=40)
    fake.state.remove("Lead", gone)
    told = client.changes("lead", cursor)
    assert (told.deleted, told.cursor > cursor) == ((gone,), True)


@pytest.mark.parametrize("noun", OBJECTS)
def test_what_is_not_there_reads_as_none(fake: FakeSalesforce, noun: str) -> None:
    assert client_of(fake).read(noun, "00Q000000000000AAA") is None


@pytest.mark.parametrize("id", ["../x", "1' OR Name != '", "", "é", "a/b"])
def test_an_id_cannot_name_another_place(fake: FakeSalesforce, id: str) -> None:
    with pytest.raises(InvalidInput):
        client_of(fake).read("lead", id)
    with pytest.raises(InvalidInput):
        client_of(fake).write_work(work(task=id))
    assert not fake.gate.calls


def test_a_key_field_that_is_missing_is_told(fake: FakeSalesforce) -> None:
    assert client_of(fake).key_field_is_there() is None
    assert "Other__c" in str(client_of(fake, task_key_field="Other__c").key_field_is_there())


def test_over_a_real_wire_with_every_fault(fake: FakeSalesforce, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with served(fake) as base:
        there = connection(base)
        client = SalesforceClient(Caller("crm", login(there, SECRETS), DIALECT), there)
        said = through_faults(client, fake.faults)
        assert client.convert(Conversion(lead_of(fake), fake.clock.now)).done
        client.close()
    assert len(said) == len(KINDS) - 1
    assert [task["Status"] for task in fake.state.records["Task"].values()] == ["Completed"]
    spoken = caplog.text + "".join(said)
    assert not [secret for secret in (*CLIENT, "fake-session") if secret in spoken]
