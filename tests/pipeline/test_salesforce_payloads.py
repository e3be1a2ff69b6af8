"""Bodies that Salesforce really sent, through the real routes and a real database: what becomes of each."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from httpx import Response
from sqlalchemy import func, inspect, select, text

from taskhub.cli import intake
from taskhub.cli.pieces import pieces
from taskhub.connectors import standard_webhooks
from taskhub.db.tables import event, message, task
from tests.api.client import code
from tests.faults import outcome, shop
from tests.faults.shop import Shop, open_shop
from tests.unit.connectors.salesforce.said import ORGANIZATION
from tests.unit.connectors.salesforce.said import message as outbound
from tests.unit.policy.small import shipped

PATH, KEY = "s3cret-of-the-path", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOOK, RELAY, SIGNED = f"/hooks/sf/{PATH}", f"/hooks/relay/{PATH}", "/hooks/shop"
SESSION = "BSGSRAzG9lPxyKRPjJ3"  # the heart of the published session id
XML, JSON = {"content-type": "text/xml; charset=UTF-8"}, {"content-type": "application/json"}
CONNECTIONS = """\
[[connection]]
key = "sf"
system = "salesforce"
name = "Salesforce"
secrets = { path = "SF_PATH" }
stages = { lead = { "Working - Contacted" = "contacted", "Open - Not Contacted" = "new" } }
settings = { organization_id = "0123456789ABCDE", entities = { Lead1 = "lead", Lead2 = "lead" } }

[[connection]]
key = "relay"
system = "salesforce"
name = "Relay"
secrets = { path = "SF_PATH", bearer = "SF_BEARER", signing_key = "SF_KEY" }
settings = { organization_id = "00D5f0000051ABC" }

[[connection]]
key = "shop"
system = "standard_webhooks"
name = "Shop"
secrets = { signing_key = "SF_KEY" }
"""
# By file: what becomes of each fact in it, as (its id at the sender, state, reason).
FATES = {
    "cdc_cometd_account_create.json": [
        ("0001ae4b-7024-a64a-87f0-f2c8cebdca76/1/Account/0015f00002J9YaUAAV", "ignored", "no_rule")
    ],
    "cdc_pubsub_gap_create.json": [
        ("000a50de-05dd-07c4-22fb-44b7f9e72ab5/19/Account/001ZM000001n4n5YAA", "ignored", "reread_needed: gap_create")
    ],
    "cdc_pubsub_lead_converted_update.json": [
        ("00006948-0ac9-7da3-edb3-ea0e31b2334a/4/Lead/00Q5f000005bwLFEAY", "applied", None)
    ],
    "cdc_pubsub_opportunity_create.json": [
        ("00000466-3d4f-bbe3-9c2b-5ab0fb45cc02/1/Opportunity/006SM0000001Tb3YAE", "applied", None)
    ],
    "cdc_relayed_lead_status_update_minimal.json": [
        ("842ad5f36db74f921923878a92adddf1b7a7456ecb03e41e848b066766fcd345", "applied", None)
    ],
    "outbound_message_three_leads.xml": [
        ("04l37000000L0E5AAK", "applied", None),
        ("14l37000123L0E5AAK", "applied", None),
        ("24l37123450L0E5AAK", "ignored", "entity_not_followed: Lead3"),
    ],
    "platform_event_cometd.json": [("2ec0e371-1395-457f-9275-be1b527a72f7", "ignored", "no_rule")],
}
NO_MESSAGE = "outbound_message_ack_response.xml"
Open = Callable[[], Any]


@pytest.fixture(params=["sqlite", "postgres"])
def new_shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens shops with these connections, each on a fresh database of the same sort."""
    databases = request.getfixturevalue(f"{request.param}_databases")
    for name, value in (("SF_PATH", PATH), ("SF_BEARER", "b3arer"), ("SF_KEY", KEY)):
        monkeypatch.setitem(shop.SECRETS, name, value)
    files = {**shipped(), "connections.toml": CONNECTIONS}

    @contextmanager
    def new() -> Iterator[Shop]:
        url = databases.create(tmp_path) if request.param == "sqlite" else databases.create()
        try:
            with open_shop(url, files=files) as opened:
                yield opened
        finally:
            if request.param == "postgres":
                databases.drop(url)

    return new


@pytest.fixture
def bodies(shared_data: Path) -> dict[str, bytes]:
    """Every file of the folder."""
    folder = shared_data / "crm-events" / "salesforce"
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(found) == {*FATES, NO_MESSAGE}
    return found


def post(at: Shop, name: str, body: bytes, path: str = HOOK, **headers: str) -> Response:
    kind = XML if name.endswith("xml") else JSON
    told = {header.replace("_", "-"): value for header, value in headers.items()}
    return at.client.request("POST", path, content=body, headers={**kind, **told})


def deliver(at: Shop, name: str, body: bytes) -> None:
    answer = post(at, name, body)
    assert answer.status_code == 200, f"{name}: {answer.text}"
    if name.endswith("xml"):
        assert answer.headers["content-type"] == "text/xml; charset=utf-8"
        assert [one.text for one in ET.fromstring(answer.content).iter() if one.tag.endswith("}Ack")] == ["true"]


def counts(at: Shop) -> tuple[int, int, int]:
    with at.db.read() as tx:
        many = [tx.conn.execute(select(func.count()).select_from(one)).scalar_one() for one in (event, message, task)]
        return many[0], many[1], many[2]


def tasks(at: Shop) -> Any:
    with at.db.read() as tx:
        return outcome.tasks(tx.conn)


def everything(at: Shop) -> str:
    """Every value of every table, as text."""
    with at.db.read() as tx:
        names = inspect(tx.conn).get_table_names()
        rows = [tuple(row) for name in names for row in tx.conn.execute(text(f'SELECT * FROM "{name}"'))]
    return repr([[bytes(one) if isinstance(one, memoryview) else one for one in row] for row in rows])


def test_every_file_ends_as_it_should_and_makes_its_work(new_shop: Open, bodies: dict[str, bytes]) -> None:
    with new_shop() as at:
        for name in FATES:
            deliver(at, name, bodies[name])
        refused = post(at, NO_MESSAGE, bodies[NO_MESSAGE])
        assert refused.status_code == 422
        assert ET.fromstring(refused.content).findtext(".//faultcode") == "soapenv:Client"
        at.drain()
        with at.db.read() as tx:
            found = {fate[1:] for fate in outcome.events(tx.conn)}
            rows = tx.conn.execute(select(task.c.kind, task.c.title, task.c.record, task.c.deal))
            work = {tuple(row) for row in rows}
        assert found == {fate for fates in FATES.values() for fate in fates}
        converted, deal = "lead:sf:00Q5f000005bwLFEAY", "sf:0065f00000UloqVAAR"
        assert {row for row in work if row[2] == converted} == {
            ("contract", "Framework agreement for", converted, deal),
            ("credit_check", "Credit limit for", converted, deal),
            ("billing_setup", "Billing account for", converted, deal),
        }
        assert {(kind, title) for kind, title, record, _ in work if record != converted} == {
            ("lead_qualification", "Qualify Microsoft Sample Lead"),
            ("lead_follow_up", "Quiet for 14 days: Microsoft Sample Lead"),
            ("data_hygiene", "Check the data of Acme - 400 Widgets"),
            ("lead_follow_up", "Quiet for 14 days:"),
        }


def test_sent_thrice_and_shuffled_nothing_is_new(new_shop: Open, bodies: dict[str, bytes]) -> None:
    with new_shop() as at:
        for name in FATES:
            deliver(at, name, bodies[name])
        at.drain()
        before = counts(at), tasks(at)
        for seed in (1, 2):
            for name in random.Random(seed).sample(sorted(FATES), len(FATES)):
                deliver(at, name, bodies[name])
            at.drain()
        assert (counts(at), tasks(at)) == before


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_in_any_order_each_twice_the_same_tasks(new_shop: Open, bodies: dict[str, bytes], seed: int) -> None:
    with new_shop() as at:
        for name in FATES:
            deliver(at, name, bodies[name])
        at.drain()
        wanted = tasks(at)
    chance = random.Random(seed)
    with new_shop() as at:
        for name in chance.sample([*FATES, *FATES], 2 * len(FATES)):
            deliver(at, name, bodies[name])
            if chance.random() < 0.3:
                at.drain()
        at.drain()
        assert outcome.difference(tasks(at), wanted) == ""


def test_a_session_id_is_in_no_table_and_no_line_of_the_log(
    new_shop: Open, bodies: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    name = "outbound_message_three_leads.xml"
    body = bodies[name]
    assert SESSION.encode() in body
    broken = [body[:-20], body.replace(b"<Notification>", b"<Other>"), body.replace(b"0123456789ABCDENNN", b"00D")]
    with new_shop() as at:
        deliver(at, name, body)
        for one in broken:
            answer = post(at, name, one)
            assert 400 <= answer.status_code < 500
            assert SESSION not in answer.text
        assert post(at, name, body, "/hooks/sf/guess").status_code == 401
        relayed = {"payload": {"x": 1}, "event": {"EventUuid": "u"}, "SessionId": SESSION}
        deliver(at, "relayed.json", json.dumps(relayed).encode())
        at.drain()
        stored = everything(at)
        assert "04l37000000L0E5AAK" in stored
        assert SESSION not in stored
        assert SESSION.encode() not in stored.encode()
    assert caplog.records
    assert SESSION not in caplog.text
    assert SESSION not in repr([vars(record) for record in caplog.records])


def test_recorded_bodies_go_the_same_way(new_shop: Open, shared_data: Path) -> None:
    """As ``taskhub events replay FOLDER --source sf`` reads them, twice."""
    refused: list[str] = []
    with new_shop() as at:
        with at.db.read() as tx:
            source = intake.source_of(tx.policies, "sf")
        for fresh in (True, False):
            found = pieces(shared_data / "crm-events" / "salesforce")
            count = intake.replay(at.db, source, found, refused.append, lambda _: None)
            told = (count.accepted, count.ignored, count.duplicate, count.quarantined, count.refused)
            assert told == ((5, 4, 0, 0, 1) if fresh else (0, 0, 9, 0, 1))
        assert SESSION not in everything(at)
    assert all(NO_MESSAGE in one for one in refused)


def test_a_stored_notification_is_read_again(new_shop: Open, bodies: dict[str, bytes]) -> None:
    """Quarantined under yesterday's maps, replayed under today's: from what was kept of it."""
    with new_shop() as at:
        deliver(at, "outbound_message_three_leads.xml", bodies["outbound_message_three_leads.xml"])
        with at.db.begin() as tx:
            tx.conn.execute(event.update().values(state="quarantined", reason="bad_map", normalised=None))
        ids = [one["event_id"] for one in at.admin.ok("GET", "/api/v1/events")["items"]]
        again = [at.admin.ok("POST", f"/api/v1/events/{id_}/replay") for id_ in ids]
        assert sorted(one["state"] for one in again) == ["ignored", "received", "received"]


def test_what_is_refused_is_not_stored(new_shop: Open, bodies: dict[str, bytes]) -> None:
    """Every malformed thing is a documented 4xx, told to a sender of XML in XML."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10))
    good = bodies["outbound_message_three_leads.xml"]
    many = b"<Notification><Id>04l</Id></Notification>" * 101
    cases = [
        (good[:-30], 400), (b"<", 400), (b"<?xml version='1.0'?>", 400), (b"<a>" * 100_000, 422),
        (good.replace(b"?>", f"?><!DOCTYPE x [{laughs}]>".encode(), 1).replace(b"Microsoft", b"&l9;"), 400),
        (good.replace(b"?>", b'?><!DOCTYPE x SYSTEM "http://127.0.0.1:9/x">', 1), 400),
        (b"<a/>", 422), (b"<html><body>hello</body></html>", 422),
        (good.replace(b"</ActionId>", b"</ActionId>" + many), 422),
        (good.replace(b"0123456789ABCDENNN", b"0123456789ABCDFNNN"), 403),
        (good.replace(b"0123456789ABCDENNN", b""), 403),
        (b"<a>" + b" " * (5 * 1024 * 1024 + 1), 413),
        (b"", 400), (b"{", 400), (b"\xef\xbb\xbf{}", 400), (b"{}", 422), (b'"x"', 422), (b"[" * 100, 422),
        (json.dumps([{}] * 1_001).encode(), 422),
        (json.dumps({"ChangeEventHeader": {"entityName": "Lead", "recordIds": ["001*"] * 3_000}}).encode(), 422),
    ]  # fmt: skip
    with new_shop() as at:
        before = counts(at)
        for number, (body, status) in enumerate(cases):
            answer = post(at, "x.xml" if body.startswith(b"<") else "x.json", body)
            assert answer.status_code == status, f"{number}: {answer.text[:300]}"
            if status != 413 and body.startswith(b"<"):
                assert ET.fromstring(answer.content).findtext(".//faultstring"), number
            elif not body.startswith(b"<"):
                assert answer.json()["code"], number
        assert counts(at) == before


def test_who_may_post(new_shop: Open) -> None:
    body = b'{"payload":{"x":1},"event":{"EventUuid":"u1"}}'

    def signature(of: bytes = body, age: timedelta = timedelta(), key: str = KEY) -> dict[str, str]:
        at = int((datetime.now(UTC) - age).timestamp())
        made = standard_webhooks.sign(key, "m1", at, of)
        return {"webhook_id": "m1", "webhook_timestamp": str(at), "webhook_signature": made}

    bearer = {"authorization": "Bearer b3arer"}
    with new_shop() as at:
        before = counts(at)
        wrong: list[tuple[str, dict[str, str]]] = [
            (RELAY, {}), (RELAY, bearer), (RELAY, signature()), ("/hooks/relay", {**bearer, **signature()}),
            (RELAY, {"authorization": "Bearer guess", **signature()}),
            (RELAY, {**bearer, **signature(age=timedelta(minutes=6))}),
            (RELAY, {**bearer, **signature(age=-timedelta(minutes=6))}),
            (RELAY, {**bearer, **signature(b"{}")}),
            (SIGNED, {}), (SIGNED, signature(age=timedelta(hours=1))), (SIGNED, signature(key="whsec_" + "A" * 32)),
        ]  # fmt: skip
        refused = [post(at, "x.json", body, path, **headers) for path, headers in wrong]
        assert {code(one) for one in refused} == {(401, "unauthenticated")}
        assert len({one.text for one in refused}) == 1
        assert counts(at) == before
        assert post(at, "x.json", body, RELAY, **bearer, **signature()).status_code == 200
        assert post(at, "x.xml", outbound("", organization=ORGANIZATION), RELAY).status_code == 200
        told = b'{"type":"deal.won","data":{"deal":{"id":"D-1","title":"Press","amount":10}}}'
        for _ in range(3):
            assert post(at, "x.json", told, SIGNED, **signature(told)).status_code == 200
        assert counts(at)[0] == before[0] + 3
        at.drain()
        assert {row["id"]: row["state"] for row in at.admin.ok("GET", "/api/v1/events")["items"]}["m1"] == "applied"
