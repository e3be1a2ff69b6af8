"""What the fake Pipedrive sends is shaped like what Pipedrive sent, in its rhythm; our own reading takes it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from taskhub.connectors.inbound import HookRequest
from taskhub.connectors.pipedrive.inbound import PipedriveInbound
from taskhub.policy.policies import Connection
from taskhub.testing.crm.pipedrive import FakePipedrive
from taskhub.testing.crm.sender import Answer, Parcel
from tests.crm.shapes import unlike

URL = "https://taskhub.test/hooks/crm/s"


def subscribed(status: int | None = 200) -> tuple[FakePipedrive, list[Parcel]]:
    got: list[Parcel] = []

    def post(parcel: Parcel) -> Answer:
        got.append(parcel)
        return Answer(status)

    fake = FakePipedrive(post=post)
    fake.state.hooks[1] = {
        "id": 1, "event_action": "*", "event_object": "*", "subscription_url": URL, "http_auth_user": "u",
        "http_auth_password": "p", "user_id": 5, "strikes": 0, "banned_until": None,
    }  # fmt: skip
    return fake, got


@pytest.mark.parametrize(("name", "entity", "change"), [
    ("v2_lead_create", "lead", False), ("v2_lead_change_marketplace_app", "lead", True),
    ("v2_deal_create", "deal", False), ("v2_deal_change_custom_field", "deal", True),
    ("v2_activity_create", "activity", False),
])  # fmt: skip
def test_bodies_have_the_keys_and_types_of_published_ones(
    shared_data: Path, name: str, entity: str, change: bool
) -> None:
    published = orjson.loads((shared_data / f"crm-events/pipedrive/{name}.json").read_bytes())
    fake, got = subscribed()
    kept = {name: published["data"][name] for name in ("value", "custom_fields") if name in published["data"]}
    record = fake.state.add(entity, {"title" if entity != "activity" else "subject": "A", **kept}, by=1)
    if change:
        fake.state.change(entity, str(record["id"]), {"title": "other"}, by=1)
    fake.webhooks.sender.run()
    body = orjson.loads(got[-1].body)
    # What changed differs; that it is an object of old values, or null, does not.
    loose: dict[str, Any] = {"previous": None if not change else {}}
    assert not unlike(body | loose, published | loose)
    assert isinstance(body["previous"], dict) is change


def test_a_failed_delivery_is_tried_after_3_30_150_seconds_with_attempt_raised() -> None:
    fake, got = subscribed(500)
    start = fake.clock.now
    fake.state.add("deal", {"title": "A"})
    fake.webhooks.sender.run_out()
    assert [(parcel.due_at - start).total_seconds() for parcel in got] == [0, 3, 33, 183]
    assert [orjson.loads(parcel.body)["meta"]["attempt"] for parcel in got] == [1, 2, 3, 4]
    assert len({orjson.loads(parcel.body)["meta"]["id"] for parcel in got}) == 1


def test_ten_failed_first_tries_ban_for_half_an_hour() -> None:
    fake, got = subscribed(None)
    for number in range(10):
        fake.state.add("deal", {"title": str(number)})
    fake.webhooks.sender.run()
    fake.state.add("deal", {"title": "lost for good"})
    assert len(fake.webhooks.lost) == 1
    fake.clock.forward(minutes=31)
    fake.state.add("deal", {"title": "heard again"})
    fake.webhooks.sender.run_out(timedelta(hours=1))
    titles = {orjson.loads(parcel.body)["data"]["title"] for parcel in got}
    assert "heard again" in titles
    assert "lost for good" not in titles


def test_copies_and_shuffling_are_told_apart_by_our_reading() -> None:
    import random

    fake, got = subscribed()
    fake.faults.copies, fake.faults.shuffle = 3, random.Random(1)
    deal = fake.state.add("deal", {"title": "A"}, by=1)
    for stage in (2, 3, 4):
        fake.clock.forward(seconds=1)
        fake.state.change("deal", str(deal["id"]), {"stage_id": stage}, by=1)
    fake.webhooks.sender.run()
    connection = Connection(key="crm", system="pipedrive", name={"en": "CRM"})
    read = [
        PipedriveInbound().split_and_normalise(HookRequest(parcel.body, fake.clock.now), connection)[0]
        for parcel in got
    ]
    assert (len(read), len({one.delivery_key for one in read})) == (12, 4)
    assert {one.outcome for one in read} == {"accepted"}


def test_what_we_wrote_ourselves_names_our_user() -> None:
    fake, got = subscribed()
    fake.state.add("deal", {"title": "A"})
    fake.webhooks.sender.run()
    meta = orjson.loads(got[0].body)["meta"]
    assert (meta["user_id"], meta["change_source"]) == (str(fake.state.robot), "api")
