"""Bodies that CRMs really sent, through the real routes under the shipped configuration: what becomes of each."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import func, select

from taskhub.db.tables import event, message, task
from tests.api.client import code
from tests.faults import outcome
from tests.faults.shop import BATCH, EVENTS, HOOK, STRUCTURED, Shop, open_shop

# By file: what becomes of each event in it, as (its id at the sender, state, reason).
PIPEDRIVE = {
    "v1_activity_updated.json": [("1531324759997600", "ignored", "no_rule")],
    "v1_deal_added.json": [("1531235094634900", "applied", None)],
    "v2_activity_create.json": [("bbba59e9-1d1f-4794-9472-72540d421386", "ignored", "no_rule")],
    "v2_deal_change_custom_field.json": [("df47d877-b58c-4886-91cd-1aa83e1d7366", "ignored", "no_rule")],
    "v2_deal_create.json": [("71825ee0-0054-4267-b5fd-d28b7a414212", "applied", None)],
    "v2_lead_change_marketplace_app.json": [("123456789-1234-1234-1234-123456789012", "applied", None)],
    "v2_lead_create.json": [("b18fa830-6c0d-11ed-9826-a53d0eb706a5", "applied", None)],
    "v2_user_change.json": [("12415231", "ignored", "entity_not_followed: user")],
}
CLOUDEVENTS = {
    "batch_two_events.json": [("B234-1234-1234", "ignored", "opaque_data"), ("C234-1234-1234", "ignored", "no_rule")],
    "binary_xml_data.http.json": [("B234-1234-1234", "ignored", "opaque_data")],
    "structured_json_object_null_subject.json": [("C234-1234-1234", "ignored", "no_rule")],
    "structured_xml_data.json": [("A234-1234-1234", "ignored", "opaque_data")],
}
# What people get to do; the two leads have been quiet for years.
WORK = {
    ("data_hygiene", "Check the data of BLABLA", "deal:pipedrive:1347"),
    ("data_hygiene", "Check the data of Sample Org deal", "deal:pipedrive:8"),
    ("lead_qualification", "Qualify", "lead:pipedrive:b1810230-6c0d-11ed-9826-a53d0eb706a5"),
    ("lead_follow_up", "Quiet for 14 days:", "lead:pipedrive:b1810230-6c0d-11ed-9826-a53d0eb706a5"),
    ("lead_follow_up", "Quiet for 14 days:", "lead:pipedrive:123456789-1234-1234-1234-123456789012"),
}


@dataclass(frozen=True)
class Sent:
    """One file as its sender posts it."""

    name: str
    path: str
    headers: dict[str, str]
    body: bytes
    becomes: list[tuple[str, str, str | None]]

    def to(self, shop: Shop) -> Response:
        """Posts it, with a bearer key where the route wants one."""
        by = shop.client if self.path == HOOK else shop.sender
        return by.request("POST", self.path, content=self.body, headers=self.headers)


@pytest.fixture
def sent(shared_data: Path) -> list[Sent]:
    """Every file of both folders."""
    folder = shared_data / "crm-events"
    assert {path.name for path in (folder / "pipedrive").iterdir()} == set(PIPEDRIVE)
    assert {path.name for path in (folder / "cloudevents").iterdir()} == set(CLOUDEVENTS)
    hooks = [_hook(folder / "pipedrive" / name, becomes) for name, becomes in PIPEDRIVE.items()]
    return hooks + [_cloud(folder / "cloudevents" / name, becomes) for name, becomes in CLOUDEVENTS.items()]


def _hook(path: Path, becomes: list[Any]) -> Sent:
    return Sent(path.name, HOOK, {"content-type": "application/json"}, path.read_bytes(), becomes)


def _cloud(path: Path, becomes: list[Any]) -> Sent:
    body = path.read_bytes()
    value = json.loads(body)
    if path.name.endswith(".http.json"):
        return Sent(path.name, EVENTS, value["headers"], value["body"].encode(), becomes)
    kind = BATCH if isinstance(value, list) else STRUCTURED
    return Sent(path.name, EVENTS, {"content-type": kind}, body, becomes)


@pytest.fixture(params=["sqlite", "postgres"])
def new_shop(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Any]:
    """Opens shops, each on a fresh database of the same sort."""
    databases = request.getfixturevalue(f"{request.param}_databases")

    @contextmanager
    def new() -> Iterator[Shop]:
        url = databases.create(tmp_path) if request.param == "sqlite" else databases.create()
        try:
            with open_shop(url) as shop:
                yield shop
        finally:
            if request.param == "postgres":
                databases.drop(url)

    return new


def deliver(shop: Shop, one: Sent, status: str | None = None) -> None:
    """Sent and taken; ``status`` is what a sender of CloudEvents must be told."""
    answer = one.to(shop)
    assert answer.status_code == (200 if one.path == HOOK else 202), f"{one.name}: {answer.text}"
    if one.path == EVENTS:
        told = answer.json()["events"]
        assert [each["id"] for each in told] == [id_ for id_, _, _ in one.becomes], one.name
        assert status is None or {each["status"] for each in told} == {status}, one.name


def counts(shop: Shop) -> tuple[int, int, list[Any]]:
    """Events, messages, and every task with everything in it."""
    with shop.db.read() as tx:
        many = [tx.conn.execute(select(func.count()).select_from(t)).scalar_one() for t in (event, message)]
        return many[0], many[1], [tuple(row) for row in tx.conn.execute(select(task).order_by(task.c.id))]


def tasks(shop: Shop) -> Any:
    with shop.db.read() as tx:
        return outcome.tasks(tx.conn)


def test_every_file_ends_as_it_should_and_makes_its_work(new_shop, sent: list[Sent]) -> None:
    with new_shop() as shop:
        for one in sent:
            deliver(shop, one, "accepted")
        shop.drain()
        wanted = {
            (one.name, *fate) for one in sent for fate in one.becomes
        }  # fmt: skip
        ids = {id_: one.name for one in sent for id_, _, _ in one.becomes if one.path == HOOK}
        with shop.db.read() as tx:
            found = {(ids.get(id_), id_, state, reason) for source, id_, state, reason in outcome.events(tx.conn)
                     if source == "pipedrive:pipedrive"}  # fmt: skip
        assert found == {fate for fate in wanted if fate[0] in PIPEDRIVE}
        assert _fates_of_cloudevents(shop) == sorted(fate for fates in CLOUDEVENTS.values() for fate in fates)
        made = shop.admin.ok("GET", "/api/v1/tasks?limit=100")["items"]
        assert {one["state"] for one in made} == {"queued"}
        with shop.db.read() as tx:
            rows = list(tx.conn.execute(select(task.c.kind, task.c.title, task.c.record)))
        assert len(rows) == len(WORK)
        assert set(map(tuple, rows)) == WORK


def _fates_of_cloudevents(shop: Shop) -> list[tuple[str, str, str | None]]:
    """As a client reads them, one by one."""
    listed = shop.admin.ok("GET", f"{EVENTS}?limit=100")["items"]
    shown = [shop.admin.ok("GET", f"{EVENTS}/{one['event_id']}") for one in listed if one["connection"] is None]
    assert all(one["tasks"] == [] for one in shown)
    return sorted((one["id"], one["state"], one["reason"]) for one in shown)


def test_sent_again_twice_and_shuffled_nothing_is_new(new_shop, sent: list[Sent]) -> None:
    with new_shop() as shop:
        for one in sent:
            deliver(shop, one)
        shop.drain()
        before = counts(shop)
        for seed in (1, 2):
            for one in random.Random(seed).sample(sent, len(sent)):
                deliver(shop, one, "duplicate")
            shop.drain()
        assert counts(shop) == before


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_in_any_order_each_twice_the_same_tasks_but_for_ids_and_times(new_shop, sent: list[Sent], seed: int) -> None:
    with new_shop() as shop:
        for one in sent:
            deliver(shop, one)
        shop.drain()
        wanted = tasks(shop)
    chance = random.Random(seed)
    with new_shop() as shop:
        for one in chance.sample([*sent, *sent], 2 * len(sent)):
            deliver(shop, one)
            if chance.random() < 0.3:
                shop.drain()
        shop.drain()
        assert outcome.difference(tasks(shop), wanted) == ""


def test_another_attempt_of_another_subscription_is_the_same_event(new_shop, sent: list[Sent]) -> None:
    with new_shop() as shop:
        for one in sent:
            deliver(shop, one)
        shop.drain()
        before = counts(shop)
        for one in sent:
            if one.path == HOOK:
                body = json.loads(one.body)
                version_1 = "v" in body
                body["meta"] |= {"webhook_id": "999", **({} if version_1 else {"attempt": 3, "host": "elsewhere"})}
                body |= {"retry": 2} if version_1 else {}
                again = shop.client.request("POST", HOOK, content=json.dumps(body), headers=one.headers)
                assert again.status_code == 200
        shop.drain()
        assert counts(shop) == before


def test_what_is_refused_is_not_stored(new_shop, sent: list[Sent]) -> None:
    with new_shop() as shop:
        before = counts(shop)
        hook, cloud = sent[0], next(one for one in sent if one.name == "structured_json_object_null_subject.json")
        kind = {"content-type": STRUCTURED}
        wrong = shop.client.request("POST", "/hooks/pipedrive/guess", content=hook.body, headers=hook.headers)
        assert wrong.status_code == 401
        assert shop.client.request("POST", "/hooks/pipedrive", content=hook.body).status_code == 401
        assert code(shop.client.request("POST", HOOK, content=hook.body[:-20])) == (400, "not_json")
        assert code(shop.client.request("POST", HOOK, content=b"{}")) == (422, "no_envelope")
        assert code(shop.client.request("POST", EVENTS, content=cloud.body, headers=kind))[0] == 401
        assert code(shop.sender.request("POST", EVENTS, content=cloud.body[:-20], headers=kind)) == (400, "not_json")
        assert code(shop.sender.request("POST", EVENTS, content=b'{"id": "1"}', headers=kind)) == (
            422,
            "missing_attribute",
        )
        assert counts(shop) == before
