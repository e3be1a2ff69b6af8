"""An assertion: who we are over there, for how long, signed with RS256. Pure; loaded when one is needed."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from taskhub.errors import Unauthenticated

LASTS = 90  # seconds: half of what Salesforce takes, so that either clock may be that much ahead
LEAST = 2048  # bits, as RFC 7518 wants for RS256


def assertion(key: str, named: str, claims: Mapping[str, str], now: datetime) -> str:
    """The JWT with ``claims`` (iss, sub, aud) and an end, ``LASTS`` seconds from ``now``.

    ``key`` is a PEM; ``named`` is what people call it, for messages. Raises ``Unauthenticated`` saying what is wrong
    with it and what to do.
    """
    signer = _loaded(key, named)
    told = {**claims, "exp": int(now.timestamp()) + LASTS}
    body = ".".join(_text(orjson.dumps(part)) for part in ({"alg": "RS256", "typ": "JWT"}, told))
    return f"{body}.{_text(signer.sign(body.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _loaded(key: str, named: str) -> RSAPrivateKey:
    found: object = None
    try:
        found = load_pem_private_key(key.encode(), None)
        wrong = _unfit(found)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        wrong = _unread(key, encrypted=isinstance(error, TypeError))
    if wrong is None and isinstance(found, RSAPrivateKey):
        return found
    # Raised outside of what failed: a trace of it would go on into the library that held the key.
    raise Unauthenticated(f"{named} {wrong}")


def _unfit(found: object) -> str | None:
    again = f"make an RSA key of {LEAST} bits or more, and give the app its certificate."
    if not isinstance(found, RSAPrivateKey):
        return f"holds a key that is no RSA key, and Salesforce takes no other: {again}"
    return f"holds an RSA key of {found.key_size} bits, which is too short: {again}" if found.key_size < LEAST else None


def _unread(key: str, *, encrypted: bool) -> str:
    if encrypted or "ENCRYPTED" in key:
        return (
            "holds a key with a passphrase, and nobody is there to type it: "
            "take the passphrase off (openssl pkey -in KEY -out PLAIN) and set the variable to what comes out."
        )
    if "OPENSSH PRIVATE KEY" in key:
        return (
            "holds a key in the form of OpenSSH: make a copy of it a PEM (ssh-keygen -p -N '' -m PEM -f COPY; it does "
            "so with RSA keys only) and set the variable to what the copy holds then, or make a new key with openssl."
        )
    if "PRIVATE KEY-----" not in key and ("PUBLIC KEY-----" in key or "CERTIFICATE-----" in key):
        what = "certificate" if "CERTIFICATE-----" in key else "public key"
        return f"holds a {what}, which is for Salesforce: set it to the private key that belongs to it."
    return (
        "holds no private key that can be read: set it to the whole PEM file that openssl wrote, from its line "
        r"BEGIN PRIVATE KEY to its line END PRIVATE KEY, with line ends or with \n for each."
    )


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
