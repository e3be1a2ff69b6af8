"""How an assertion is looked at: its signature, whom it names, how long it lasts. Knows nothing of our own client."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
USERNAME = "taskhub@example.com"
LONGEST = 180  # seconds
BAD = ("invalid_grant", "invalid assertion")


@dataclass(frozen=True, slots=True)
class App:
    """What an app over there was told: its consumer key, the public key (PEM), who may use it, how it is addressed."""

    client: str
    public_key: str
    audience: str
    users: tuple[str, ...] = (USERNAME,)


@functools.cache
def key_pair(bits: int = 2048, number: int = 0) -> tuple[str, str]:
    """A private key and its public one, as PEM. The same for the same ``bits`` and ``number``, in one process."""
    key = rsa.generate_private_key(65537, bits)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private.decode(), key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def refusal(assertion: str, app: App, now: datetime) -> tuple[str, str] | None:
    """Error and description in the words of Salesforce; None when who signed it may come in."""
    try:
        head, claims, signature = _parts(assertion)
    except (ValueError, TypeError):
        return BAD
    if claims.get("iss") != app.client:
        return "invalid_client_id", "client identifier invalid"
    if head.get("alg") != "RS256" or not _signed(assertion, signature, app.public_key):
        return BAD
    ends = claims.get("exp")
    if not isinstance(ends, int) or ends - now.timestamp() > LONGEST:
        return BAD
    if ends <= now.timestamp():
        return "invalid_grant", "expired authorization code"
    if claims.get("aud") != app.audience:
        return "invalid_grant", "audience is invalid"
    return None if claims.get("sub") in app.users else ("invalid_grant", "user hasn't approved this consumer")


def _parts(assertion: str) -> tuple[Mapping[str, Any], Mapping[str, Any], bytes]:
    head, claims, signature = (
        base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True) for part in assertion.split(".")
    )
    read = orjson.loads(head), orjson.loads(claims)
    if not all(isinstance(one, dict) for one in read):
        raise TypeError("no objects")
    return *read, signature


def _signed(assertion: str, signature: bytes, public_key: str) -> bool:
    key = load_pem_public_key(public_key.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    try:
        key.verify(signature, assertion.rpartition(".")[0].encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
