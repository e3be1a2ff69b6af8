"""Standard Webhooks: the published vector, keys that change, time on both sides; and the generic sender of them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from taskhub.connectors import standard_webhooks
from taskhub.connectors.inbound import HookRequest
from taskhub.connectors.registry import inbound_for
from taskhub.connectors.webhooks.inbound import StandardWebhooksInbound
from taskhub.errors import InvalidInput, Unauthenticated
from taskhub.policy.policies import Connection
from taskhub.policy.text import LocalText

KEY, OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "A" * 32
NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
BODY = b'{"type":"deal.won","timestamp":"2026-05-04T08:30:00Z","data":{"deal":{"id":"D-1"}}}'
CONNECTION = Connection("shop", "standard_webhooks", LocalText("Shop"))


def signed(body: bytes = BODY, *keys: str, at: datetime = NOW, id_: str = "m1") -> dict[str, str]:
    seconds = int(at.timestamp())
    made = [standard_webhooks.sign(key, id_, seconds, body) for key in keys or (KEY,)]
    return {"webhook-id": id_, "webhook-timestamp": str(seconds), "webhook-signature": " ".join(made)}


def test_the_published_vector(shared_data: Path) -> None:
    vector = json.loads((shared_data / "crm-events" / "standard-webhooks" / "sign_vector.json").read_text())
    at, body = vector["webhook-timestamp"], vector["body"].encode()
    assert standard_webhooks.sign(vector["secret"], vector["webhook-id"], at, body) == vector["webhook-signature"]
    now = datetime.fromtimestamp(int(at), UTC)
    assert standard_webhooks.verify(vector, body, vector["secret"], now) == vector["webhook-id"]
    with pytest.raises(Unauthenticated):
        standard_webhooks.verify(vector, body, vector["secret"], NOW)


@pytest.mark.parametrize(
    ("headers", "secrets"),
    [
        (signed(), KEY),
        (signed(), KEY.removeprefix("whsec_")),
        (signed(), f"{OTHER} {KEY}"),
        (signed(BODY, OTHER, KEY), KEY),
        ({**signed(), "webhook-signature": "v1a,AAAA " + signed()["webhook-signature"]}, KEY),
        (signed(at=NOW - timedelta(minutes=5)), KEY),
        (signed(at=NOW + timedelta(minutes=5)), KEY),
    ],
)
def test_one_that_fits_suffices(headers: dict[str, str], secrets: str) -> None:
    assert standard_webhooks.verify(headers, BODY, secrets, NOW) == "m1"


@pytest.mark.parametrize(
    ("headers", "secrets"),
    [
        ({}, KEY),
        (signed(b"{}"), KEY),
        (signed(), OTHER),
        (signed(), ""),
        (signed(), "whsec_short"),
        (signed(), "whsec_" + "A" * 400),
        ({**signed(), "webhook-id": "m2"}, KEY),
        ({**signed(), "webhook-id": ""}, KEY),
        ({**signed(), "webhook-id": "m\n1"}, KEY),
        ({**signed(), "webhook-timestamp": "1e9"}, KEY),
        ({**signed(), "webhook-timestamp": "٣"}, KEY),
        ({**signed(), "webhook-timestamp": str(int(NOW.timestamp()) + 1)}, KEY),
        ({**signed(), "webhook-signature": ""}, KEY),
        ({**signed(), "webhook-signature": "v1,é"}, KEY),
        ({**signed(), "webhook-signature": signed()["webhook-signature"].removeprefix("v1,")}, KEY),
        ({**signed(), "webhook-signature": "v1,x " * 16 + signed()["webhook-signature"]}, KEY),
        (signed(at=NOW - timedelta(minutes=5, seconds=1)), KEY),
        (signed(at=NOW + timedelta(minutes=5, seconds=1)), KEY),
    ],
)
def test_anything_else_is_refused(headers: dict[str, str], secrets: str) -> None:
    with pytest.raises(Unauthenticated):
        standard_webhooks.verify(headers, BODY, secrets, NOW)


class TestAnySender:
    def read(self, body: Any, **headers: str) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        [one] = StandardWebhooksInbound().split_and_normalise(HookRequest(raw, NOW, headers=told), CONNECTION)
        return one

    def test_a_native_event_has_the_id_of_its_message(self) -> None:
        one = self.read(BODY, webhook_id="m1")
        assert (one.outcome, one.external_id, one.source) == ("accepted", "m1", "webhooks:shop")
        assert one.event.record == ("deal", "D-1")
        assert one.event.occurred_at == datetime(2026, 5, 4, 8, 30, tzinfo=UTC)
        assert one.delivery_key == self.read(BODY, webhook_id="m1").delivery_key
        assert one.delivery_key != self.read(BODY, webhook_id="m2").delivery_key
        assert self.read(BODY) == self.read(BODY)

    def test_a_cloud_event_keeps_its_own(self) -> None:
        cloud = {"specversion": "1.0", "id": "e1", "source": "erp", "type": "deal.won", "subject": "D-1"}
        one = self.read(cloud, webhook_id="m1")
        assert (one.external_id, one.source) == ("e1", "erp")
        assert one.delivery_key == self.read(cloud, webhook_id="m2").delivery_key

    @pytest.mark.parametrize(
        ("body", "code"),
        [([], "not_an_object"), (b"<x/>", "not_json"), ({}, "missing_attribute"), ({"type": 7}, "bad_attribute"),
         ({"type": "x", "timestamp": "soon"}, "bad_time"), ({"specversion": "1.0"}, "missing_attribute")],
    )  # fmt: skip
    def test_what_is_no_event_is_refused(self, body: Any, code: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            self.read(body)
        assert refused.value.stable_code == code

    @pytest.mark.parametrize(
        ("secrets", "path", "allowed"),
        [
            ({"signing_key": KEY}, None, True),
            ({"signing_key": KEY, "path": "s"}, "s", True),
            ({"signing_key": KEY, "path": "s"}, "t", False),
            ({"signing_key": KEY, "path": "s"}, None, False),
            ({"path": "s"}, "s", False),
            ({}, None, False),
            ({"signing_key": OTHER}, None, False),
        ],
    )
    def test_who_may_post(self, secrets: dict[str, str], path: str | None, allowed: bool) -> None:
        request = HookRequest(BODY, NOW, headers=signed(), path_secret=path)
        if allowed:
            StandardWebhooksInbound().verify(request, CONNECTION, secrets)
            return
        with pytest.raises(Unauthenticated):
            StandardWebhooksInbound().verify(request, CONNECTION, secrets)

    def test_any_success_will_do(self) -> None:
        assert StandardWebhooksInbound().answer([]).status == 200
        assert isinstance(inbound_for("standard_webhooks"), StandardWebhooksInbound)
