"""The Pipedrive client against the fake Pipedrive: each call, each fault, and one effect whatever happens."""

import logging
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from taskhub.connectors.calling import Caller
from taskhub.connectors.outbound import Conversion
from taskhub.connectors.pipedrive.client import PATHS, PipedriveClient
from taskhub.connectors.pipedrive.dialect import DIALECT, login
from taskhub.connectors.pipedrive.identity import mark_of
from taskhub.connectors.pipedrive.webhooks import WANTED
from taskhub.errors import Forbidden, InvalidInput, NotFound, OutcomeUnknown, Unauthenticated, Unavailable
from taskhub.policy.policies import Connection
from taskhub.testing.crm.faults import BROKEN, BROKEN_LATE, CUT, CUT_EARLY, EXPIRED, KINDS, LIMITED
from taskhub.testing.crm.pipedrive import FakePipedrive
from taskhub.testing.crm.pipedrive.api import CLIENT, REFRESH, TOKEN
from taskhub.testing.crm.wire import InProcess, served
from tests.crm.ledger import SEEDS, persist, settle, stormy, work

BY_TOKEN = {"token": TOKEN}
BY_OAUTH = {"client_id": CLIENT[0], "client_secret": CLIENT[1], "refresh_token": REFRESH}
HOME = "https://fake.pipedrive.com"


def connection(base: str = HOME) -> Connection:
    settings = {"base_url": base, "token_url": f"{base}/oauth/token"}
    return Connection(key="crm", system="pipedrive", name={"en": "CRM"}, settings=settings)


def client_of(fake: FakePipedrive, secrets: dict[str, str] | None = None) -> PipedriveClient:
    way = login(connection(), secrets or BY_TOKEN)
    return PipedriveClient(Caller("crm", way, DIALECT, transport=InProcess(fake)))


@pytest.fixture
def fake() -> FakePipedrive:
    return FakePipedrive()


@pytest.mark.parametrize("secrets", [BY_TOKEN, BY_OAUTH], ids=["token", "oauth"])
def test_it_says_who_we_are(fake: FakePipedrive, secrets: dict[str, str]) -> None:
    who = client_of(fake, secrets).who()
    assert (who.user, who.company) == (str(fake.state.robot), str(fake.state.company))


def test_a_key_that_was_refused_is_renewed_once(fake: FakePipedrive) -> None:
    client = client_of(fake, BY_OAUTH)
    client.who()
    fake.faults.plan([EXPIRED])
    assert client.who().user
    assert sum(path == "/oauth/token" for _, path, _ in fake.gate.calls) == 2


class Renaming(httpx.BaseTransport):
    """What a log-in answers, and whatever else is asked."""

    def __init__(self, **told: str) -> None:
        self.told, self.asked = told, []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.host)
        return httpx.Response(200, json={"access_token": "bearer-of-theirs", **self.told}, request=request)


@pytest.mark.parametrize("address", [
    "https://evil.example", "http://acme.pipedrive.com", "https://acme.pipedrive.com.evil.example",
    "https://acme.pipedrive.com@evil.example", "https://evilpipedrive.com", "https://acme.pipedrive.com:8443",
    "//x", "[",
])  # fmt: skip
def test_a_key_leaves_for_its_own_house_only(address: str) -> None:
    there = Connection("crm", "pipedrive", {"en": "CRM"}, settings={})
    wire = Renaming(api_domain=address)
    client = PipedriveClient(Caller("crm", login(there, BY_OAUTH), DIALECT, transport=wire))
    with pytest.raises(Unauthenticated, match="own house"):
        client.who()
    assert wire.asked == ["oauth.pipedrive.com"]


def test_a_key_goes_where_its_house_says() -> None:
    there = Connection("crm", "pipedrive", {"en": "CRM"}, settings={})
    wire = Renaming(api_domain="https://acme.pipedrive.com")
    client = PipedriveClient(Caller("crm", login(there, BY_OAUTH), DIALECT, transport=wire))
    with pytest.raises(KeyError):
        client.who()
    assert wire.asked == ["oauth.pipedrive.com", "acme.pipedrive.com"]


def test_a_refresh_token_that_is_replaced_is_refused_without_showing_it() -> None:
    wire = Renaming(refresh_token="another-refresh-token")
    client = PipedriveClient(Caller("crm", login(connection(), BY_OAUTH), DIALECT, transport=wire))
    with pytest.raises(Unauthenticated, match="refresh token") as caught:
        client.who()
    assert "another-refresh-token" not in caught.value.message


def test_a_wrong_key_is_told_without_showing_it(fake: FakePipedrive) -> None:
    with pytest.raises(Unauthenticated) as caught:
        client_of(fake, {"token": "wrong-token-here"}).who()
    assert "wrong-token-here" not in caught.value.message
    with pytest.raises(Unauthenticated):
        client_of(fake, {**BY_OAUTH, "client_secret": "wrong-secret"}).who()


def test_what_is_not_set_is_named() -> None:
    with pytest.raises(InvalidInput, match="client_secret"):
        login(connection(), {"client_id": "x"})


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_of_a_read_is_tried_later(fake: FakePipedrive, kind: str) -> None:
    deal = fake.state.add("deal", {"title": "A"})
    fake.faults.plan([kind, kind])
    if kind == EXPIRED:
        with pytest.raises(Unauthenticated):
            client_of(fake).read("deal", str(deal["id"]))
        return
    with pytest.raises(Unavailable) as caught:
        client_of(fake).read("deal", str(deal["id"]))
    assert not isinstance(caught.value, OutcomeUnknown)
    assert caught.value.retry_after >= 2


@pytest.mark.parametrize(("kind", "made", "unknown"), [
    (LIMITED, 0, False), (BROKEN, 0, True), (CUT_EARLY, 0, True), (BROKEN_LATE, 1, True), (CUT, 1, True),
])  # fmt: skip
def test_each_fault_of_a_write_leaves_one_activity(fake: FakePipedrive, kind: str, made: int, unknown: bool) -> None:
    deal, client = fake.state.add("deal", {"title": "A"}), client_of(fake)
    told = work(about={"deal": str(deal["id"])})
    fake.faults.plan([kind])
    with pytest.raises(Unavailable) as caught:
        client.write_work(told, first=True)
    assert (isinstance(caught.value, OutcomeUnknown), len(fake.state.records["activity"])) == (unknown, made)
    assert client.write_work(told) == client.write_work(told)
    assert len(fake.state.records["activity"]) == 1


def test_a_limit_says_how_long(fake: FakePipedrive) -> None:
    fake.faults.plan([LIMITED])
    with pytest.raises(Unavailable) as caught:
        client_of(fake).who()
    assert caught.value.retry_after == 2.0


def test_a_late_answer_is_of_unknown_outcome(fake: FakePipedrive) -> None:
    fake.faults.latency = 60
    with pytest.raises(OutcomeUnknown):
        client_of(fake).write_work(work(), first=True)
    assert len(fake.state.records["activity"]) == 1
    fake.faults.clear()
    client_of(fake).write_work(work())
    assert len(fake.state.records["activity"]) == 1


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_goes_wrong_one_activity_is_written_and_done(seed: int) -> None:
    fake = FakePipedrive()
    deal, client = fake.state.add("deal", {"title": "A"}), client_of(fake, BY_OAUTH if seed % 2 else BY_TOKEN)
    stormy(fake.faults, seed)
    told = work(about={"deal": str(deal["id"])} if seed % 3 else {})
    id = persist(fake.clock, lambda first: client.write_work(told, first=first))
    persist(fake.clock, lambda _: client.complete_work(id))
    [activity] = fake.state.records["activity"].values()
    assert (str(activity["id"]), activity["done"], activity["due_date"]) == (id, True, "2026-03-05")
    assert mark_of("crm", "task-1") in activity["subject"]


def test_a_client_that_does_not_look_first_is_found_out() -> None:
    made = []
    for seed in range(10):
        fake = FakePipedrive()
        client = client_of(fake)
        stormy(fake.faults, seed)
        persist(fake.clock, lambda _, client=client: client.write_work(work(), first=True))
        made.append(len(fake.state.records["activity"]))
    assert max(made) > 1


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_goes_wrong_one_deal_comes_of_a_lead(seed: int) -> None:
    fake = FakePipedrive()
    lead = fake.state.add("lead", {"title": "Acme", "person_id": 7, "value": {"amount": 10, "currency": "EUR"}})
    client, order = client_of(fake), Conversion(lead["id"], fake.clock.now, "Acme", contact="7", stage="3")
    stormy(fake.faults, seed)
    done = settle(
        fake.clock, lambda first: client.convert(order, first=first), lambda job: client.converting(order, job)
    )
    [deal] = fake.state.records["deal"].values()
    assert (done.deal, deal["stage_id"]) == (str(deal["id"]), 3)
    assert not fake.state.records["lead"]


def test_a_lead_that_was_deleted_is_no_conversion(fake: FakePipedrive) -> None:
    order = Conversion("11111111-2222-3333-4444-555555555555", fake.clock.now, "Gone")
    with pytest.raises(NotFound, match="deleted"):
        client_of(fake).convert(order)


def test_changes_begin_at_the_cursor_and_cross_pages(fake: FakePipedrive) -> None:
    client = client_of(fake)
    start = fake.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    for number in range(1100):
        fake.state.add("deal", {"title": f"D{number}"})
        fake.state.add("lead", {"title": f"L{number}"})
    fake.clock.forward(hours=1)
    for noun in ("deal", "lead"):
        found = client.changes(noun, start)
        assert len({row["id"] for row in found.records}) == 1100
    fake.clock.forward(hours=1)
    cursor = fake.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    fake.state.change("lead", next(iter(fake.state.records["lead"])), {"title": "New"})
    assert [row["title"] for row in client.changes("lead", cursor).records] == ["New"]
    assert not client.changes("deal", cursor).records


@pytest.mark.parametrize("noun", PATHS)
def test_what_is_not_there_reads_as_none(fake: FakePipedrive, noun: str) -> None:
    assert client_of(fake).read(noun, "999") is None


@pytest.mark.parametrize("id", ["../users/me", "1?x=1", "", "1/../2", "é"])
def test_an_id_cannot_name_another_place(fake: FakePipedrive, id: str) -> None:
    with pytest.raises(InvalidInput):
        client_of(fake).read("deal", id)
    assert not fake.gate.calls


def test_missing_webhooks_are_made_once(fake: FakePipedrive) -> None:
    client, url = client_of(fake), "https://taskhub.test/hooks/crm/secret-part"
    assert len(client.missing(url)) == len(WANTED)
    fake.faults.plan(["", "", CUT])
    secrets = {"user": "u", "password": "p"}
    persist(fake.clock, lambda _: client.subscribe(url, secrets))
    assert not client.missing(url)
    assert len(fake.state.hooks) == len(WANTED)
    next(iter(fake.state.hooks.values()))["is_active"] = 0
    assert len(client.missing(url)) == 1


def test_an_address_they_cannot_reach_is_told(fake: FakePipedrive) -> None:
    fake.reachable = False
    with pytest.raises(InvalidInput, match="non-reachable"):
        client_of(fake).subscribe("https://taskhub.test/hooks/crm/s", {})


def test_an_answer_that_points_elsewhere_gets_no_key() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(302, headers={"location": "https://evil.example/"})

    way = login(connection(), BY_TOKEN)
    client = PipedriveClient(Caller("crm", way, DIALECT, transport=httpx.MockTransport(answer)))
    with pytest.raises(InvalidInput, match="base_url"):
        client.who()
    assert asked == ["fake.pipedrive.com"]


@pytest.mark.parametrize(("status", "headers", "error"), [
    (402, {}, Forbidden), (403, {"content-type": "text/html; charset=utf-8"}, Unavailable), (403, {}, Forbidden),
    (429, {"x-daily-requests-left": "0"}, Unavailable), (503, {"retry-after": "30"}, Unavailable),
])  # fmt: skip
def test_their_refusals_have_names(status: int, headers: dict[str, str], error: type[Exception]) -> None:
    answer = httpx.Response(status, headers=headers, content=b"{}")
    way = login(connection(), BY_TOKEN)
    client = PipedriveClient(Caller("crm", way, DIALECT, transport=httpx.MockTransport(lambda _: answer)))
    with pytest.raises(error) as caught:
        client.who()
    assert getattr(caught.value, "retry_after", 0) in {402: (0,), 403: (0, 600.0), 429: (3600.0,), 503: (30.0,)}[status]


def test_over_a_real_wire_with_every_fault(fake: FakePipedrive, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    deal = fake.state.add("deal", {"title": "A"})
    told = work(about={"deal": str(deal["id"])})
    said = []
    with served(fake) as base:
        client = PipedriveClient(Caller("crm", login(connection(base), BY_OAUTH), DIALECT, patience=20))
        client.who()
        for kind in KINDS:
            fake.faults.plan([kind])
            try:
                client.write_work(told, first=kind == KINDS[0])
            except Unavailable as error:
                said.append(str(error))
        id = client.write_work(told)
        client.complete_work(id)
        client.close()
    # Each of them is told but the key that was renewed in silence.
    assert len(said) == len(KINDS) - 1
    assert [one["done"] for one in fake.state.records["activity"].values()] == [True]
    spoken = caplog.text + "".join(said)
    assert not [secret for secret in (*CLIENT, REFRESH, TOKEN, "fake-bearer") if secret in spoken]


def test_a_slow_answer_over_a_real_wire_is_of_unknown_outcome(fake: FakePipedrive) -> None:
    fake.faults.latency = 0.5
    with served(fake) as base:
        client = PipedriveClient(Caller("crm", login(connection(base), BY_TOKEN), DIALECT, patience=0.1))
        with pytest.raises(OutcomeUnknown):
            client.write_work(work(), first=True)
        fake.faults.latency = 0
        client.write_work(work())
        client.close()
    assert len(fake.state.records["activity"]) == 1


def test_nobody_at_home_is_told_as_such() -> None:
    client = PipedriveClient(Caller("crm", login(connection("http://127.0.0.1:9"), BY_TOKEN), DIALECT, patience=2))
    with pytest.raises(Unavailable, match="cannot be reached") as caught:
        client.write_work(work(), first=True)
    assert not isinstance(caught.value, OutcomeUnknown)


def test_a_poll_overlaps_the_second_it_ended_in(fake: FakePipedrive) -> None:
    client, start = client_of(fake), fake.clock.now - timedelta(minutes=10)
    fake.state.add("deal", {"title": "one"})
    found = client.changes("deal", start.strftime("%Y-%m-%dT%H:%M:%SZ"))
    fake.state.add("deal", {"title": "the same second"})
    again = client.changes("deal", found.cursor)
    assert [row["title"] for row in again.records] == ["one", "the same second"]


def test_work_about_a_lead_that_is_gone_stands_alone_and_is_found_again(fake: FakePipedrive) -> None:
    lead = fake.state.add("lead", {"title": "Acme"})
    deal = fake.state.add("deal", {"title": "Acme"})
    fake.state.remove("lead", lead["id"])
    client, told = client_of(fake), work(about={"lead": str(lead["id"])})
    made = client.write_work(told, first=True)
    assert fake.state.records["activity"][made]["lead_id"] is None
    # By the next try it may be known what the lead has become.
    for about in (told.about, {"deal": str(deal["id"])}):
        assert client.write_work(replace(told, about=about)) == made
