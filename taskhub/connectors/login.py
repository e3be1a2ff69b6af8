"""How we prove to another system who we are: a key that stands, or one that is fetched, kept and renewed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from taskhub.clock import real_now
from taskhub.errors import Unauthenticated, Unavailable

Send = Callable[..., httpx.Response]
EARLY = timedelta(minutes=2)  # before it ends, so that no call meets its end
LONGEST = 300
SHORTEST = 4  # shorter parts give nothing away, and would blot out words


class Login(Protocol):
    """``home``: where it begins; ``base``: where calls go, which some systems say with the key.

    ``remedy``: what to do when what it shows is refused.
    """

    home: str
    base: str
    remedy: str

    def key(self, http: httpx.Client, send: Send) -> str:
        """The key in force, fetched when there is none."""
        ...

    def headers(self, key: str) -> Mapping[str, str]:
        """What shows it in a call."""
        ...

    def renew(self, refused: str) -> bool:
        """``refused`` is no good; whether asking once more makes sense."""
        ...

    def secrets(self) -> Iterable[str]:
        """What must never be said."""
        ...


class Standing:
    """A key that somebody wrote down, in a header of its own."""

    remedy = "renew the key of this connection"

    def __init__(self, base: str, header: str, key: str) -> None:
        self.home = self.base = base
        self._header, self._key = header, key

    def key(self, http: httpx.Client, send: Send) -> str:
        return self._key

    def headers(self, key: str) -> Mapping[str, str]:
        return {self._header: key}

    def renew(self, refused: str) -> bool:
        """Nothing to renew; but a system that has just lost its sessions takes it the second time."""
        return True

    def secrets(self) -> Iterable[str]:
        return [self._key] if len(self._key) >= SHORTEST else []


@dataclass(frozen=True, slots=True)
class Grant:
    """How to ask for a key. ``form``, ``basic`` and ``hidden`` hold secrets; ``hidden`` is sent nowhere.

    ``anew``: what of the form is made for each log-in, at a time of day; ``remedy``: what to do when it is refused.

    ``base_from``: member of the answer that says where calls go, which must be in a house of ``houses`` (the end of a
    host's name) or where the key comes from; ``lasting``: member of the form that an answer must not replace.
    """

    url: str
    form: Mapping[str, str] = field(repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    base_from: str | None = None
    lasting: str | None = None
    houses: tuple[str, ...] = ()
    anew: Callable[[datetime], Mapping[str, str]] | None = field(default=None, repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)
    remedy: str = "renew the key or the client secret of this connection"


class Fetched:
    """OAuth 2: a bearer that is kept until shortly before its end, and renewed when it is refused.

    ``follow_base``: whether calls go where the answer says (not where a base address was set by hand).
    """

    def __init__(
        self, base: str, grant: Grant, *, follow_base: bool = False, clock: Callable[[], datetime] = real_now
    ) -> None:
        self.home, self.base, self.remedy = grant.url, base, grant.remedy
        self._grant, self._follow, self._clock = grant, follow_base, clock
        self._form = dict(grant.form)
        self._token: str | None = None
        self._until: datetime | None = None
        self._line = threading.Lock()

    def key(self, http: httpx.Client, send: Send) -> str:
        """Raises ``Unauthenticated`` when it is refused, ``Unavailable`` when it cannot be had now."""
        with self._line:
            if self._token is None or (self._until is not None and self._clock() >= self._until):
                self._keep(self._fetch(send))
            return self._token or ""

    def headers(self, key: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {key}"}

    def renew(self, refused: str) -> bool:
        """Another thread may have renewed it already: then that one is taken."""
        with self._line:
            if self._token == refused:
                self._token = None
        return True

    def secrets(self) -> Iterable[str]:
        form = [value for name, value in self._form.items() if name != "grant_type"]
        known = [*form, *(self._grant.basic or ()), self._token or "", *self._grant.hidden]
        return [one for one in known if len(one) >= SHORTEST]

    def _fetch(self, send: Send) -> Any:
        if self._grant.anew:
            # Kept until the next one only so that nobody says it.
            self._form = {**self._grant.form, **self._grant.anew(self._clock())}
        options: dict[str, Any] = {"data": self._form}
        if self._grant.basic:
            options["auth"] = self._grant.basic
        # Asking for a key changes nothing over there: whatever goes wrong, it is asked again.
        answer = send("POST", self._grant.url, **options)
        if answer.status_code in (400, 401, 403):
            why = self._words(answer)
            raise Unauthenticated(f"The log-in was refused{why}: {self._grant.remedy}.")
        try:
            body = answer.json()
            body["access_token"] = str(body["access_token"])
        except (ValueError, KeyError, TypeError):
            said = f"The log-in answered {answer.status_code} without a key; it is tried again."
            raise Unavailable(said, retry_after=_wait(answer)) from None
        return body

    def _words(self, answer: httpx.Response) -> str:
        """What OAuth 2 says of its refusal, without our secrets; nothing where it says it in a form of its own."""
        try:
            body = answer.json()
            words = [body[name] for name in ("error", "error_description") if isinstance(body.get(name), str)]
        except (ValueError, AttributeError):
            return ""
        told = " ".join(": ".join(words).split())
        for secret in self.secrets():
            told = told.replace(secret, "***")
        return f" ({told[:LONGEST]})" if told else ""

    def _keep(self, body: Any) -> None:
        self._refuse(body)
        lasts = body.get("expires_in")
        self._token = body["access_token"]
        self._until = self._clock() + timedelta(seconds=float(lasts)) - EARLY if lasts else None
        if self._follow and self._grant.base_from and body.get(self._grant.base_from):
            self.base = str(body[self._grant.base_from])

    def _refuse(self, body: Any) -> None:
        """Keys leave for their own house only, and what would be worth nothing after a restart is not begun with."""
        name, said = self._grant.lasting, body.get(self._grant.lasting or "")
        if name and said and str(said) != self._form[name]:
            raise Unauthenticated(
                "The log-in replaces its refresh token with each use. taskhub keeps no keys of others and would stand "
                "outside after its next start: use an API token, or an app whose refresh tokens stay."
            )
        told = body.get(self._grant.base_from) if self._grant.base_from and self._follow else None
        if told and not self._is_theirs(str(told)):
            raise Unauthenticated("The log-in names an address outside of its own house; nothing is sent there.")

    def _is_theirs(self, address: str) -> bool:
        try:
            url, home = urlsplit(address), urlsplit(self.home)
            host = url.hostname or ""
        except ValueError:
            return False
        if (url.scheme, url.netloc) == (home.scheme, home.netloc):
            return True
        # A port or a name before the host could lead elsewhere.
        plain = url.scheme == "https" and url.netloc.lower() == host
        return plain and any(host.endswith(f".{house}") for house in self._grant.houses)


def _wait(answer: httpx.Response) -> float:
    value = answer.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else 5.0
