"""One call to another system: time limits, log-in, one renewal, and its refusals in our words.

What surely did not happen is ``Unavailable``; a write that may have happened is ``OutcomeUnknown``. Messages name the
connection and what the system says about its own error, scrubbed of our secrets, and never an address or a header.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from taskhub.connectors.login import Login
from taskhub.errors import Conflict, Forbidden, InvalidInput, NotFound, OutcomeUnknown, TaskhubError, Unauthenticated
from taskhub.errors import Unavailable as Later

PATIENCE = 20.0  # seconds for an answer; the vendors' own limits are longer, a worker's are not
AWHILE = 5.0
LONGEST = 300
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Nothing has left for the other side when these are raised.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one system says things. ``limit``: seconds to wait when an answer means "too much", else None.

    ``words``: its own sentence about an error; what it raises on a body of another shape means none. ``expired``:
    whether a key was refused before anything was done.
    """

    limit: Callable[[httpx.Response], float | None]
    words: Callable[[httpx.Response], str]
    expired: Callable[[httpx.Response], bool] = lambda answer: answer.status_code == 401


class Caller:
    """Calls of one connection. Threads may share it."""

    def __init__(
        self,
        name: str,
        login: Login,
        dialect: Dialect,
        *,
        transport: httpx.BaseTransport | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.name = name
        # What one thread reads is as old as its own answer, not as another's that came meanwhile.
        self._heard_here = threading.local()
        self._login, self._dialect = login, dialect
        # A company's proxy is for other companies: on loopback nobody stands between.
        host = urlsplit(login.home).hostname or ""
        outside = host not in ("localhost", "127.0.0.1", "::1")
        self._http = httpx.Client(transport=transport, timeout=patience, trust_env=outside, follow_redirects=False)

    @property
    def at(self) -> datetime | None:
        """The other side's clock as its newest answer to this thread showed it; None: it showed none."""
        at: datetime | None = getattr(self._heard_here, "at", None)
        return at

    def close(self) -> None:
        """Lets go of its connections."""
        self._http.close()

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A 2xx answer to ``method`` on ``path`` (or on a whole address of theirs); everything else is raised.

        ``options`` are those of ``httpx.Client.request``; ``content`` may be a function of the key, for bodies that
        carry it.
        """
        seen = self._login.key(self._http, self._send)
        answer = self._with(seen, method, path, options)
        if self._dialect.expired(answer) and self._login.renew(seen):
            # Refused before anything was done: again, once, with a new key.
            answer = self._with(self._login.key(self._http, self._send), method, path, options)
        if answer.is_success:
            return answer
        raise self._refusal(method, answer)

    def json(self, method: str, path: str, **options: Any) -> Any:
        """The body of the answer. A body that cannot be read leaves a write of unknown outcome."""
        answer = self.call(method, path, **options)
        try:
            return answer.json()
        except ValueError:
            raise self._lost(method, "answered with something that is no JSON") from None

    def _with(self, key: str, method: str, path: str, options: Mapping[str, Any]) -> httpx.Response:
        headers = {**options.get("headers", {}), **self._login.headers(key)}
        # Paging links come as whole addresses; a key goes to its own house only.
        url = path if "://" in path else self._login.base.rstrip("/") + path
        # The scheme too: over plain http anybody on the way would read the key.
        if urlsplit(url)[:2] != urlsplit(self._login.base)[:2]:
            raise InvalidInput(f"{self.name} names an address outside its own house; nothing was sent there.")
        body = options.get("content")
        return self._send(
            method, url, **{**options, "headers": headers, "content": body(key) if callable(body) else body}
        )

    def _send(self, method: str, url: str, **options: Any) -> httpx.Response:
        try:
            return self._heard(self._http.request(method, url, **options))
        except NOT_SENT as error:
            said = f"{self.name} cannot be reached ({type(error).__name__}). Is its address right, is the network up?"
            raise Later(said, retry_after=AWHILE) from None
        except httpx.InvalidURL:
            raise InvalidInput(
                f"The address of {self.name} cannot be read; look at base_url in its settings."
            ) from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise self._lost(method, f"broke off ({type(error).__name__})") from None

    def _heard(self, answer: httpx.Response) -> httpx.Response:
        self._heard_here.at = their_time(answer)
        return answer

    def _lost(self, method: str, said: str, wait: float = AWHILE) -> Later:
        kind = Later if method in SAFE else OutcomeUnknown
        return kind(f"{self.name} {said}; it is tried again.", retry_after=wait)

    def _refusal(self, method: str, answer: httpx.Response) -> TaskhubError:
        status, wait = answer.status_code, self._dialect.limit(answer)
        if wait is not None:
            return Later(f"{self.name} takes no more calls for {wait:.0f} s.", retry_after=wait, status=status)
        words = self._words(answer)
        said = f"{self.name} answered {status}" + (f": {words}" if words else ".")
        if self._dialect.expired(answer):
            # Not renewed again here: a session that is new and refused has another cause than its key.
            remedy = self._login.remedy
            return Unauthenticated(f"{said} {remedy[:1].upper()}{remedy[1:]}.")
        if status >= 500:
            said = f"answered {status}" + (f" ({words})" if words else "")
            return self._lost(method, said, asked_wait(answer, "retry-after"))
        if 300 < status < 400:
            return InvalidInput(f"{said} It points elsewhere: look at base_url in the settings of the connection.")
        kinds: Mapping[int, type[TaskhubError]] = {
            402: Forbidden, 403: Forbidden, 404: NotFound, 410: NotFound, 409: Conflict, 412: Conflict,
        }  # fmt: skip
        return kinds.get(status, InvalidInput)(said, status=status)

    def _words(self, answer: httpx.Response) -> str:
        try:
            words = self._dialect.words(answer)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            return ""
        for secret in self._login.secrets():
            words = words.replace(secret, "***")
        return " ".join(words.split())[:LONGEST]


def their_time(answer: httpx.Response) -> datetime | None:
    """The clock of the other side, as the ``Date`` of its answer shows it; None without one."""
    try:
        at = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def asked_wait(answer: httpx.Response, *names: str, otherwise: float = AWHILE) -> float:
    """The longest wait, in seconds, that one of the headers ``names`` asks for; an HTTP date counts from their Date."""
    found = [_seconds(answer, answer.headers[name]) for name in names if name in answer.headers]
    return max((one for one in found if one is not None), default=otherwise)


def _seconds(answer: httpx.Response, value: str) -> float | None:
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        until, now = parsedate_to_datetime(value), their_time(answer)
        return max(0.0, (until - now).total_seconds()) if now else None
    except (ValueError, TypeError):
        return None
