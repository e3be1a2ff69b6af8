"""The Dynamics client against the fake Dataverse: each call, each fault, and one effect whatever happens."""

import logging
from dataclasses import replace

import orjson
import pytest

from taskhub.connectors.calling import Caller
from taskhub.connectors.dynamics.client import SETS, DynamicsClient
from taskhub.connectors.dynamics.dialect import DIALECT, login
from taskhub.connectors.dynamics.identity import work_id
from taskhub.connectors.dynamics.wanted import PROCESSES, wanted
from taskhub.connectors.outbound import Conversion
from taskhub.errors import InvalidInput, NotFound, OutcomeUnknown, Unauthenticated, Unavailable
from taskhub.policy.policies import Connection
from taskhub.testing.crm.dataverse import FakeDataverse
from taskhub.testing.crm.dataverse.api import CLIENT, TENANT
from taskhub.testing.crm.dataverse.state import NEW
from taskhub.testing.crm.faults import BROKEN, BROKEN_LATE, CUT, CUT_EARLY, EXPIRED, KINDS, LIMITED
from taskhub.testing.crm.wire import InProcess, served
from tests.crm.ledger import SEEDS, persist, settle, stormy, through_faults, work

SECRETS = {"client_id": CLIENT[0], "client_secret": CLIENT[1]}
URL = "https://taskhub.test/hooks/crm/s"
NOBODY = "11111111-2222-3333-4444-555555555555"


def connection(base: str = "https://fake.crm.dynamics.com", **settings: str) -> Connection:
    there = {"base_url": base, "token_url": f"{base}/{TENANT}/oauth2/v2.0/token", **settings}
    return Connection(key="crm", system="dynamics", name={"en": "CRM"}, settings=there)


def client_of(fake: FakeDataverse, **settings: str) -> DynamicsClient:
    there = connection(**settings)
    return DynamicsClient(Caller("crm", login(there, SECRETS), DIALECT, transport=InProcess(fake)), there)


@pytest.fixture
def fake() -> FakeDataverse:
    return FakeDataverse()


def lead_of(fake: FakeDataverse) -> str:
    return fake.state.create("lead", {"subject": "Acme", "lastname": "Doe", "companyname": "Acme"})


def test_it_says_who_we_are(fake: FakeDataverse) -> None:
    who = client_of(fake).who()
    assert (who.user, who.company, who.at) == (fake.state.robot, fake.state.organization, fake.clock.now)


def test_a_bearer_that_was_refused_is_renewed_once(fake: FakeDataverse) -> None:
    client = client_of(fake)
    client.who()
    fake.faults.plan([EXPIRED])
    client.who()
    assert sum(path.endswith("/token") for _, path, _ in fake.gate.calls) == 2


def test_a_wrong_secret_is_told_without_showing_it(fake: FakeDataverse) -> None:
    way = login(connection(), {**SECRETS, "client_secret": "wrong-secret-here"})
    client = DynamicsClient(Caller("crm", way, DIALECT, transport=InProcess(fake)), connection())
    with pytest.raises(Unauthenticated) as caught:
        client.who()
    assert "wrong-secret-here" not in caught.value.message


@pytest.mark.parametrize(("kind", "made", "unknown"), [
    (LIMITED, 0, False), (BROKEN, 0, True), (CUT_EARLY, 0, True), (BROKEN_LATE, 1, True), (CUT, 1, True),
])  # fmt: skip
def test_each_fault_of_a_write_leaves_one_task(fake: FakeDataverse, kind: str, made: int, unknown: bool) -> None:
    client, lead = client_of(fake), lead_of(fake)
    client.who()
    fake.faults.plan([kind])
    with pytest.raises(Unavailable) as caught:
        client.write_work(work(about={"lead": lead}), first=True)
    assert (isinstance(caught.value, OutcomeUnknown), len(fake.state.rows["task"])) == (unknown, made)
    assert caught.value.retry_after == (37 if kind == LIMITED else 5)
    assert client.write_work(work(about={"lead": lead})) == work_id("crm", "task-1")
    [task] = fake.state.rows["task"].values()
    assert (task["_regardingobjectid_value"], task["scheduledend"]) == (lead, "2026-03-05T00:00:00Z")


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_of_a_read_is_tried_later(fake: FakeDataverse, kind: str) -> None:
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
    fake = FakeDataverse()
    client, told = client_of(fake), work(about={"lead": lead_of(fake)})
    stormy(fake.faults, seed)
    id = persist(fake.clock, lambda first: client.write_work(told, first=first))
    persist(fake.clock, lambda _: client.complete_work(id))
    persist(fake.clock, lambda first: client.write_work(told, first=first))
    [task] = fake.state.rows["task"].values()
    assert (task["activityid"], task["statecode"], task["statuscode"]) == (id, 1, 5)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_goes_wrong_one_opportunity_comes_of_a_lead(seed: int) -> None:
    fake = FakeDataverse()
    client, order = client_of(fake), Conversion(lead_of(fake), fake.clock.now)
    stormy(fake.faults, seed)
    done = settle(
        fake.clock, lambda first: client.convert(order, first=first), lambda job: client.converting(order, job)
    )
    assert {done.deal} == set(fake.state.rows["opportunity"])
    assert ({done.account}, {done.contact}) == (set(fake.state.rows["account"]), set(fake.state.rows["contact"]))


def test_a_disqualified_lead_is_not_converted(fake: FakeDataverse) -> None:
    lead = lead_of(fake)
    fake.state.update("lead", lead, {"statecode": 2, "statuscode": 4})
    for first in (True, False):
        with pytest.raises(InvalidInput, match="disqualified"):
            client_of(fake).convert(Conversion(lead, fake.clock.now), first=first)
    with pytest.raises(NotFound):
        client_of(fake).convert(Conversion(NOBODY, fake.clock.now))


def test_the_end_of_a_deleted_task_makes_none(fake: FakeDataverse) -> None:
    with pytest.raises(NotFound):
        client_of(fake).complete_work(NOBODY)
    assert not fake.state.rows["task"]


def test_changes_follow_the_delta_link_and_start_over_when_it_is_too_old(fake: FakeDataverse) -> None:
    client = client_of(fake)
    ids = [fake.state.create("lead", {"subject": str(number)}) for number in range(2300)]
    everything = client.changes("lead", None)
    assert (len(everything.records), everything.resync) == (2300, False)
    fake.state.update("lead", ids[0], {"subject": "new"})
    fake.state.delete("lead", ids[1])
    since = client.changes("lead", everything.cursor)
    assert ([row["subject"] for row in since.records], list(since.deleted)) == (["new"], [ids[1]])
    assert not client.changes("lead", since.cursor).records
    fake.state.forgotten = len(fake.state.log) + 1
    again = client.changes("lead", since.cursor)
    assert (len(again.records), again.resync) == (2299, True)


def test_a_delta_link_of_another_house_gets_no_key(fake: FakeDataverse) -> None:
    client = client_of(fake)
    fake.state.create("lead", {"subject": "A"})
    found = client.changes("lead", "https://evil.example/api/data/v9.2/leads?$deltatoken=1")
    assert found.resync
    assert {headers["host"] for _, _, headers in fake.gate.calls} == {"fake.crm.dynamics.com"}


@pytest.mark.parametrize("noun", SETS)
def test_what_is_not_there_reads_as_none(fake: FakeDataverse, noun: str) -> None:
    assert client_of(fake).read(noun, NOBODY) is None
    with pytest.raises(InvalidInput, match="GUID"):
        client_of(fake).read(noun, "1)/x(")


@pytest.mark.parametrize(("secrets", "settings", "where"), [
    ({"code": "s3cret"}, {}, "code=s3cret"), ({"query": "s3cret"}, {"query_name": "token"}, "token=s3cret"),
    ({"header": "s3cret"}, {"header_name": "x-key"}, ""),
])  # fmt: skip
def test_missing_steps_are_made_once_and_show_who_sends(
    fake: FakeDataverse, secrets: dict[str, str], settings: dict[str, str], where: str
) -> None:
    client, all_ = client_of(fake, **settings), len(wanted(connection()))
    assert len(client.missing(URL)) == all_
    fake.faults.plan(["", "", CUT, "", "", CUT])
    persist(fake.clock, lambda _: client.subscribe(URL, secrets))
    assert (client.missing(URL), len(fake.steps.steps), len(fake.steps.endpoints)) == ([], all_, 1)
    fake.state.update("lead", lead_of(fake), {"subject": "B"})
    parcels = fake.steps.sender.waiting
    assert {parcel.headers["x-ms-dynamics-request-name"] for parcel in parcels} == {"Create", "Update"}
    assert all(where in parcel.url for parcel in parcels)
    assert where or all(parcel.headers["x-key"] == "s3cret" for parcel in parcels)


def test_a_step_asks_for_the_row_as_it_was_and_fires_on_what_we_use(fake: FakeDataverse) -> None:
    fake.state.own = {"lead": frozenset({"new_region"})}
    there = replace(connection(), fields={"lead": {"region": "new_Region"}})
    client = DynamicsClient(Caller("crm", login(there, SECRETS), DIALECT, transport=InProcess(fake)), there)
    client.subscribe(URL, {"code": "s3cret"})
    lead = lead_of(fake)
    fake.state.update("lead", lead, {"new_region": "North"})
    fake.steps.sender.waiting.clear()
    fake.state.update("lead", lead, {"description": "nobody reads this"})
    assert not fake.steps.sender.waiting
    fake.state.update("lead", lead, {"new_region": "South", "statuscode": 2})
    [parcel] = fake.steps.sender.waiting
    [image] = [one["value"] for one in orjson.loads(parcel.body)["PreEntityImages"] if one["key"] == "taskhub"]
    was = {one["key"]: one["value"] for one in image["Attributes"]}
    assert (was["new_region"], was["statuscode"]["Value"], "ownerid" in was) == ("North", 1, True)


@pytest.mark.parametrize(("table", "column"), [("lead", "estimatedclosedate"), ("contact", "ownerid")])
def test_what_is_read_of_a_row_fires_its_step(table: str, column: str) -> None:
    [step] = [one for one in wanted(connection()) if one.what == f"Update.{table}"]
    assert column in step.fires


def test_what_an_older_subscription_lacks_is_named_and_added(fake: FakeDataverse) -> None:
    client = client_of(fake)
    client.subscribe(URL, {"code": "s3cret"})
    fake.steps.images.clear()
    for step in fake.steps.steps.values():
        step["image"], step["filteringattributes"] = (), None
    for id_, step in list(fake.steps.steps.items()):
        if step["sdkmessagefilterid"]["primaryobjecttypecode"] in PROCESSES:
            del fake.steps.steps[id_]
    lacks = client.missing(URL)
    assert [one for one in lacks if one.startswith("Update.lead (pre-image of statecode, ")]
    assert [one for one in lacks if one.startswith("Update.contact (filtering attributes ")]
    assert {"Update.leadtoopportunitysalesprocess", "Update.opportunitysalesprocess"} <= {*lacks}
    assert client.subscribe(URL, {"code": "s3cret"}) == lacks
    assert (client.missing(URL), len(fake.steps.endpoints)) == ([], 1)


def test_a_step_of_somebody_elses_keeps_its_filter_and_gets_our_image(fake: FakeDataverse) -> None:
    client = client_of(fake)
    client.subscribe(URL, {"code": "s3cret"})
    theirs = next(one for one in fake.steps.steps.values() if one["name"] == "taskhub: Update of lead")
    del fake.steps.steps[theirs["sdkmessageprocessingstepid"]]
    theirs = {**theirs, "sdkmessageprocessingstepid": NOBODY, "filteringattributes": "statecode", "image": ()}
    fake.steps.steps[NOBODY] = theirs
    assert len(client.subscribe(URL, {"code": "s3cret"})) == 1
    assert (client.missing(URL), fake.steps.steps[NOBODY]["filteringattributes"]) == ([], "statecode")
    assert "statuscode" in fake.steps.steps[NOBODY]["image"]


def test_processes_that_are_not_there_or_not_asked_are_not_missing(
    fake: FakeDataverse, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert any("salesprocess" in one for one in client_of(fake).missing(URL))
    mapped = replace(connection(), fields={"deal": {"stage": "stepname"}})
    assert not any(one.table in PROCESSES for one in wanted(mapped))
    for table in PROCESSES:
        monkeypatch.delitem(NEW, table)  # type: ignore[arg-type]
    assert not any("salesprocess" in one for one in client_of(fake).missing(URL))


def test_over_a_real_wire_with_every_fault(fake: FakeDataverse, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with served(fake) as base:
        there = connection(base)
        client = DynamicsClient(Caller("crm", login(there, SECRETS), DIALECT), there)
        said = through_faults(client, fake.faults)
        assert client.convert(Conversion(lead_of(fake), fake.clock.now)).done
        client.close()
    assert len(said) == len(KINDS) - 1
    assert [task["statuscode"] for task in fake.state.rows["task"].values()] == [5]
    spoken = caplog.text + "".join(said)
    assert not [secret for secret in (*CLIENT, "fake-bearer") if secret in spoken]
