"""One signed post, and what its answer means. The body of an answer is never read: it may be anything, for ever.

Whatever is not a 2xx or a 410 is ``Unavailable``: tried again under the same id. Messages name the connection, never
its address or a signature.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

import httpx

from taskhub.connectors import standard_webhooks
from taskhub.connectors.calling import NOT_SENT, asked_wait
from taskhub.connectors.sending.deadline import Deadline
from taskhub.connectors.sending.news import MEDIA
from taskhub.errors import InvalidInput, TaskhubError, Unavailable
from taskhub.policy.reading.sending import LOOPBACK

PATIENCE = 10.0  # seconds, from the first to the last of it
TAKEN, GONE = "taken", "gone"
BUSY = (429, 503)


@dataclass(frozen=True, slots=True)
class Post:
    """What is sent where. ``secrets``: one key or several, separated by spaces; it is signed with each."""

    connection: str
    address: str = field(repr=False)
    secrets: str = field(repr=False)
    id: str
    body: str


class Poster:
    """Posts. Thread-safe; no connection is kept, so that none is found dead later."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._clients: dict[bool, httpx.Client] = {}

    def post(self, one: Post, at: datetime) -> str:
        """``TAKEN`` or ``GONE``, signed as of ``at``. Raises Unavailable, or InvalidInput where nothing can be sent."""
        body = one.body.encode()
        headers = {"content-type": MEDIA, "user-agent": "taskhub", **signed(one, at, body)}
        client, deadline = self._client(one.address), Deadline(self._patience)
        heard = {"trace": deadline.trace}
        try:
            with (
                deadline,
                client.stream("POST", one.address, content=body, headers=headers, extensions=heard) as answer,
            ):
                return _meaning(one, answer)
        except NOT_SENT as error:
            raise _later(one, f"cannot be reached ({type(error).__name__})") from None
        except httpx.InvalidURL:
            raise InvalidInput(f"The address of {one.connection} cannot be read; look at send.address.") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            why = f"within {self._patience:.0f} s" if deadline.passed else f"({type(error).__name__})"
            raise _later(one, f"gave no answer {why}") from None

    def _client(self, address: str) -> httpx.Client:
        # A company's proxy is for other companies: on loopback nobody stands between.
        outside = urlsplit(address).hostname not in LOOPBACK
        with self._lock:
            if outside not in self._clients:
                limits = httpx.Limits(max_keepalive_connections=0)
                self._clients[outside] = httpx.Client(
                    timeout=self._patience, trust_env=outside, follow_redirects=False, limits=limits
                )
            return self._clients[outside]

    def close(self) -> None:
        """Lets go of everything; whoever posts again begins anew."""
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()


def signed(one: Post, at: datetime, body: bytes) -> dict[str, str]:
    """The headers that prove who sent it. Raises InvalidInput for keys that are missing or unusable."""
    seconds = int(at.timestamp())
    try:
        made = [standard_webhooks.sign(key, one.id, seconds, body) for key in one.secrets.split()]
    except TaskhubError:
        made = []
    if not made:
        said = f"{one.connection} has no usable send_key: set its variable to whsec_ and 24 to 64 bytes in base64."
        raise InvalidInput(said, code="connection_incomplete")
    return {
        standard_webhooks.ID: one.id, standard_webhooks.TIMESTAMP: str(seconds),
        standard_webhooks.SIGNATURE: " ".join(made),
    }  # fmt: skip


def _meaning(one: Post, answer: httpx.Response) -> str:
    status = answer.status_code
    if answer.is_success:
        return TAKEN
    if status == 410:
        return GONE
    if 300 <= status < 400:
        raise _later(one, f"answered {status} and points elsewhere, where nothing is sent: look at send.address")
    raise _later(one, f"answered {status}", asked_wait(answer, "retry-after", otherwise=0.0) if status in BUSY else 0.0)


def _later(one: Post, said: str, wait: float = 0.0) -> Unavailable:
    return Unavailable(f"{one.connection} {said}.", retry_after=wait)
