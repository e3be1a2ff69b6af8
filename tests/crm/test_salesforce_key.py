"""Logging in to Salesforce with a key of one's own: what goes out, how long it serves, and to whose house it goes."""

from typing import Any

import httpx
import pytest

from taskhub.connectors.clients import client_for
from taskhub.errors import InvalidInput, Unauthenticated
from taskhub.testing.crm.faults import EXPIRED
from taskhub.testing.crm.salesforce import FakeSalesforce
from taskhub.testing.crm.salesforce.api import CLIENT
from taskhub.testing.crm.salesforce.bearer import USERNAME
from tests.crm.own_key import HOME, KEY, SECRETS, TOKEN, Wire, certified, claims_of, client_of, connection


@pytest.fixture
def fake() -> FakeSalesforce:
    return certified()


# ── what goes out ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_assertion_says_who_we_are_and_no_more(fake: FakeSalesforce) -> None:
    wire = Wire(fake)
    client_of(fake, wire).who()
    [(url, form)] = wire.sent
    assert (str(url), set(form)) == (HOME + TOKEN, {"grant_type", "assertion"})
    told = claims_of(form["assertion"])
    ends = int(fake.clock.now.timestamp()) + 90
    assert told == {"iss": CLIENT[0], "sub": USERNAME, "aud": HOME, "exp": ends}


@pytest.mark.parametrize(
    ("settings", "home", "audience"),
    [
        ({"base_url": None}, "https://login.salesforce.com", "https://login.salesforce.com"),
        ({"base_url": None, "login_url": "https://test.salesforce.com/"}, "https://test.salesforce.com",
         "https://test.salesforce.com"),
        ({"audience": "https://test.salesforce.com"}, HOME, "https://test.salesforce.com"),
        ({"login_url": "https://login.salesforce.com"}, "https://login.salesforce.com", "https://login.salesforce.com"),
    ],
)  # fmt: skip
def test_settings_say_where_and_for_whom(
    fake: FakeSalesforce, settings: dict[str, Any], home: str, audience: str
) -> None:
    wire, fake.audience = Wire(fake), audience
    client_of(fake, wire, **settings).who()
    [(url, form)] = wire.sent
    assert (str(url), claims_of(form["assertion"])["aud"]) == (home + TOKEN, audience)


def test_each_log_in_has_an_assertion_of_its_own(fake: FakeSalesforce) -> None:
    wire = Wire(fake)
    client = client_of(fake, wire)
    client.who()
    for _ in range(2):
        fake.clock.forward(minutes=10)  # by then the one before is no good any more
        fake.sessions.clear()
        client.who()
    assert len({form["assertion"] for _, form in wire.sent}) == len(wire.sent) == 3


def test_a_session_lasts_until_it_is_refused(fake: FakeSalesforce) -> None:
    wire = Wire(fake)
    client = client_of(fake, wire)
    client.who()
    client.who()
    assert len(wire.sent) == 1
    fake.faults.plan([EXPIRED])
    client.who()
    assert len(wire.sent) == 2


class Deaf(Wire):
    """Lets in, and then knows nobody."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        return answer if request.url.path == TOKEN else httpx.Response(401, json=[])


def test_a_session_that_is_refused_twice_is_told(fake: FakeSalesforce) -> None:
    wire = Deaf(fake)
    with pytest.raises(Unauthenticated) as caught:
        client_of(fake, wire).who()
    # The key was taken; it is the user, or where it comes from, that is not let in.
    assert "Look at client_id and username" in caught.value.message
    assert "log in from this address" in caught.value.message
    assert "Renew" not in caught.value.message
    assert len(wire.sent) == 2


@pytest.mark.parametrize("fold", [
    lambda pem: pem.replace("\n", "\\n"), lambda pem: pem.replace("\n", "\\r\\n"),
    lambda pem: pem.replace("\n", "\r\n"), lambda pem: pem.replace("\n", " "), lambda pem: f"\n{pem}\n", str.strip,
])  # fmt: skip
def test_a_key_is_taken_however_its_lines_are_written(fake: FakeSalesforce, fold: Any) -> None:
    assert client_of(fake, key=fold(KEY)).who().user == fake.state.robot


# ── whose house ──────────────────────────────────────────────────────────────────────────────────────────────────────
class Elsewhere(Wire):
    """Names another address in its answer."""

    def __init__(self, fake: FakeSalesforce, address: str) -> None:
        super().__init__(fake)
        self.address, self.called = address, set[str]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if request.url.path != TOKEN:
            self.called.add(request.url.host)
            return answer
        return httpx.Response(200, json={**answer.json(), "instance_url": self.address})


@pytest.mark.parametrize("address", [
    "https://evil.example", "https://salesforce.com.evil.example", "https://evilsalesforce.com",
    "http://own.my.salesforce.com", "https://me@own.my.salesforce.com", "https://own.my.salesforce.com:444", "x",
])  # fmt: skip
def test_a_session_goes_to_no_other_house(fake: FakeSalesforce, address: str) -> None:
    wire, fake.audience = Elsewhere(fake, address), "https://login.salesforce.com"
    with pytest.raises(Unauthenticated, match="outside of its own house"):
        client_of(fake, wire, base_url=None).who()
    assert not wire.called


@pytest.mark.parametrize(("base", "called"), [(None, "own.my.salesforce.com"), (HOME, "fake.my.salesforce.com")])
def test_calls_go_where_the_answer_says_unless_the_address_is_set(
    fake: FakeSalesforce, base: str | None, called: str
) -> None:
    wire = Elsewhere(fake, "https://own.my.salesforce.com")
    fake.audience = base or "https://login.salesforce.com"
    client_of(fake, wire, base_url=base).who()
    assert wire.called == {called}


def test_an_assertion_does_not_travel_unencrypted() -> None:
    with pytest.raises(InvalidInput, match="https"):
        client_for(connection(login_url="http://login.example"), SECRETS)
