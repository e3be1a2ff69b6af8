"""A Salesforce that taskhub logs in to with a key of its own. The fake checks the signature: what passes is signed."""

import base64
from typing import Any

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from taskhub.connectors.clients import client_for
from taskhub.connectors.salesforce import bearer
from taskhub.errors import Unauthenticated
from taskhub.policy.policies import Connection
from taskhub.testing.crm.salesforce import FakeSalesforce
from taskhub.testing.crm.salesforce.api import CLIENT
from taskhub.testing.crm.salesforce.bearer import USERNAME, key_pair
from taskhub.testing.crm.wire import InProcess

HOME = "https://fake.my.salesforce.com"
KEY, CERTIFIED = key_pair()
SECRETS = {"client_id": CLIENT[0], "private_key": KEY}
TOKEN = "/services/oauth2/token"


def connection(**settings: Any) -> Connection:
    told = {"base_url": HOME, "username": USERNAME, **settings}
    variables = {name: f"SF_{name.upper()}" for name in SECRETS}
    given = {name: value for name, value in told.items() if value is not None}
    return Connection("crm", "salesforce", {"en": "CRM"}, variables, settings=given)


class Wire(InProcess):
    """Remembers what was sent to log in, and where."""

    def __init__(self, fake: FakeSalesforce) -> None:
        super().__init__(fake)
        self.sent: list[tuple[httpx.URL, dict[str, str]]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == TOKEN:
            self.sent.append((request.url, dict(httpx.QueryParams(request.read().decode()))))
        return super().handle_request(request)


def certified() -> FakeSalesforce:
    """One that has the certificate of our key."""
    made = FakeSalesforce()
    made.public_key = CERTIFIED
    return made


def client_of(fake: FakeSalesforce, wire: httpx.BaseTransport | None = None, key: str = KEY, **settings: Any) -> Any:
    return client_for(
        connection(**settings), {**SECRETS, "private_key": key}, clock=lambda: fake.clock.now,
        transport=wire or InProcess(fake),
    )  # fmt: skip


def refused(fake: FakeSalesforce, key: str = KEY, **settings: Any) -> str:
    with pytest.raises(Unauthenticated) as caught:
        client_of(fake, key=key, **settings).who()
    said = caught.value.message
    assert not [piece for piece in bearer.pieces(KEY) if piece in said]
    assert not [piece for piece in bearer.pieces(bearer.unfolded(key)) if len(piece) > 8 and piece in said]
    return said


def claims_of(assertion: str) -> dict[str, Any]:
    part = assertion.split(".")[1]
    told: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return told


def private(key: Any, kind: PrivateFormat = PrivateFormat.PKCS8, phrase: str = "") -> str:
    lock = BestAvailableEncryption(phrase.encode()) if phrase else NoEncryption()
    text: bytes = key.private_bytes(Encoding.PEM, kind, lock)
    return text.decode()


SMALL = rsa.generate_private_key(65537, 1024)
PEM = "make a copy of it a PEM (ssh-keygen -p -N '' -m PEM -f COPY;"
UNUSABLE = {
    "other kind": (private(ec.generate_private_key(ec.SECP256R1())), "no RSA key"),
    "short": (private(SMALL), "1024 bits"),
    "encrypted": (private(SMALL, phrase="x" * 8), "passphrase"),
    "encrypted as of old": (private(SMALL, PrivateFormat.TraditionalOpenSSL, "x" * 8), "passphrase"),
    "encrypted in one line": (private(SMALL, phrase="x" * 8).replace("\n", "\\n"), "passphrase"),
    "public": (CERTIFIED, "public key, which is for Salesforce"),
    "certificate": (CERTIFIED.replace("PUBLIC KEY", "CERTIFICATE"), "certificate, which is for Salesforce"),
    "of OpenSSH": (private(SMALL, PrivateFormat.OpenSSH), PEM),
    "of OpenSSH in one line": (private(SMALL, PrivateFormat.OpenSSH).replace("\n", "\\n"), PEM),
    "cut": (KEY[: len(KEY) // 2], "no private key that can be read"),
    "a name of a file": ("~/keys/server.key", "no private key that can be read"),
    "first line": (KEY.splitlines()[0], "no private key that can be read"),
    "not ASCII": ("Schlüssel\ud800", "no private key that can be read"),
}
