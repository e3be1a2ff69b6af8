"""Standard Webhooks: a signature over id, time and body, made with a shared key. Pure.

Headers ``webhook-id``, ``webhook-timestamp`` (seconds) and ``webhook-signature`` (``v1,<base64>``, several separated by
spaces); HMAC-SHA256 over ``id.timestamp.body``. A secret is ``whsec_`` and 24 to 64 bytes in base64; while keys are
changed it may be two, separated by a space.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from taskhub.errors import Unauthenticated

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
WINDOW = timedelta(minutes=5)
_PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64
_MOST = 16  # signatures looked at in one header
_MESSAGE_ID = re.compile(r"[!-~]{1,256}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


def sign(secret: str, message_id: str, timestamp: int | str, body: bytes) -> str:
    """One signature under one secret, as it stands in the header; raises ``Unauthenticated`` for an unusable secret."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def verify(headers: Mapping[str, str], body: bytes, secrets: str, now: datetime) -> str:
    """The message id, when one signature fits one secret and the time is within five minutes of ``now``, either way.

    ``headers`` have lower-case names. Raises ``Unauthenticated``; what is wrong is not told apart in time.
    """
    message_id, timestamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not _MESSAGE_ID.fullmatch(message_id) or not _SECONDS.fullmatch(timestamp):
        raise Unauthenticated("The request is not signed: webhook-id or webhook-timestamp is missing or odd.")
    given = headers.get(SIGNATURE, "").split()[:_MOST]
    wanted = [sign(secret, message_id, timestamp, body) for secret in secrets.split()]
    # Every pair is compared always, so that time does not tell which one was near.
    right = [hmac.compare_digest(one.encode(), other.encode()) for one in given for other in wanted]
    if not any(right):
        raise Unauthenticated("No signature fits.")
    if abs(int(timestamp) - now.timestamp()) > WINDOW.total_seconds():
        raise Unauthenticated("The request was signed more than five minutes ago, or its clock runs ahead.")
    return message_id


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise Unauthenticated(f"The signing key is no {_PREFIX} and {_SHORTEST} to {_LONGEST} bytes in base64.")
    return key
