"""Who may post: the address for outbound messages, header or signature for relayed events."""

from datetime import timedelta
from typing import ClassVar

import pytest

from taskhub.connectors import standard_webhooks
from taskhub.connectors.inbound import HookRequest
from taskhub.connectors.registry import inbound_for
from taskhub.connectors.salesforce.inbound import SalesforceInbound
from taskhub.errors import Unauthenticated
from tests.unit.connectors.salesforce.said import CONNECTION, NOW, message

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
XML, JSON = message(""), b"[]"
ALL = {"path": "s3cret", "bearer": "b3arer", "signing_key": KEY}


def verify(secrets: dict[str, str], body: bytes = JSON, path: str | None = None, **headers: str) -> None:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    SalesforceInbound().verify(HookRequest(body, NOW, headers=told, path_secret=path), CONNECTION, secrets)


def signed(body: bytes = JSON, key: str = KEY, age: timedelta = timedelta()) -> dict[str, str]:
    at = int((NOW - age).timestamp())
    signature = standard_webhooks.sign(key, "m1", at, body)
    return {"webhook_id": "m1", "webhook_timestamp": str(at), "webhook_signature": signature}


class TestAllowed:
    def test_an_outbound_message_shows_the_address(self) -> None:
        verify(ALL, XML, "s3cret")
        verify({"path": "s3cret"}, b"\xef\xbb\xbf \n" + XML, "s3cret")

    def test_a_relay_shows_everything_it_can(self) -> None:
        verify(ALL, path="s3cret", authorization="Bearer b3arer", **signed())
        verify({"path": "s3cret"}, path="s3cret")
        verify({"bearer": "b3arer"}, authorization="bearer b3arer")
        verify({"signing_key": KEY}, **signed())


class TestRefused:
    REFUSED: ClassVar = [
        ({}, JSON, None, {}),
        ({}, XML, None, {}),
        ({"bearer": "b3arer", "signing_key": KEY}, XML, None, {"authorization": "Bearer b3arer", **signed(XML)}),
        (ALL, XML, None, {}),
        (ALL, XML, "S3cret", {}),
        (ALL, XML, "", {}),
        (ALL, JSON, "s3cret", {}),
        (ALL, JSON, "s3cret", {"authorization": "Bearer b3arer"}),
        (ALL, JSON, "s3cret", signed()),
        (ALL, JSON, None, {"authorization": "Bearer b3arer", **signed()}),
        ({"bearer": "b3arer"}, JSON, None, {"authorization": "Basic b3arer"}),
        ({"bearer": "b3arer"}, JSON, None, {"authorization": "Bearer "}),
        ({"bearer": "b3arer"}, JSON, None, {"authorization": "Bearer bé"}),
        ({"bearer": "b3arer"}, JSON, "b3arer", {}),
        ({"signing_key": KEY}, b"[ ]", None, signed()),
        ({"signing_key": KEY}, JSON, None, signed(age=timedelta(minutes=6))),
        ({"signing_key": KEY}, JSON, None, signed(age=-timedelta(minutes=6))),
        ({"signing_key": KEY}, JSON, None, signed(key="whsec_" + "A" * 32)),
    ]

    @pytest.mark.parametrize(("secrets", "body", "path", "headers"), REFUSED, ids=range(len(REFUSED)))
    def test_anything_else(
        self, secrets: dict[str, str], body: bytes, path: str | None, headers: dict[str, str]
    ) -> None:
        with pytest.raises(Unauthenticated):
            verify(secrets, body, path, **headers)


def test_the_registry() -> None:
    assert isinstance(inbound_for("salesforce"), SalesforceInbound)
