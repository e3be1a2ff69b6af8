"""Logging in to Salesforce with a key of one's own: the fake checks the signature, so what passes is really signed."""

import base64
import logging
import subprocess
import sys
from datetime import timedelta
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

from taskhub.connectors.calling import Caller
from taskhub.connectors.checking import Given, Looked, look
from taskhub.connectors.clients import can_log_in, client_for
from taskhub.connectors.salesforce import bearer
from taskhub.connectors.salesforce.client import SalesforceClient
from taskhub.connectors.salesforce.dialect import DIALECT, login
from taskhub.errors import InvalidInput, Unauthenticated, Unavailable
from taskhub.policy.policies import Connection, Policies
from taskhub.testing.crm.faults import EXPIRED, KINDS
from taskhub.testing.crm.salesforce import FakeSalesforce
from taskhub.testing.crm.salesforce.api import CLIENT
from taskhub.testing.crm.salesforce.bearer import USERNAME, key_pair
from taskhub.testing.crm.wire import InProcess, served
from tests.crm.ledger import work

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


@pytest.fixture
def fake() -> FakeSalesforce:
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
    with pytest.raises(Unauthenticated, match="Renew the key"):
        client_of(fake, wire).who()
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


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_refusals_are_told_in_their_words_and_with_what_to_look_at(fake: FakeSalesforce) -> None:
    assert "(invalid_grant: invalid assertion)" in refused(fake, key=key_pair(2048, 1)[0])
    assert "(invalid_grant: user hasn't approved this consumer)" in refused(fake, username="bob@example.com")
    assert "(invalid_grant: audience is invalid)" in refused(fake, audience="https://test.salesforce.com")
    said = refused(fake, audience="https://test.salesforce.com")
    assert all(word in said for word in ("username", "audience", "certificate", "clock"))


@pytest.mark.parametrize(("apart", "said"), [
    (timedelta(seconds=-80), None), (timedelta(seconds=80), None),
    (timedelta(seconds=-95), "expired authorization code"), (timedelta(seconds=95), "invalid assertion"),
])  # fmt: skip
def test_either_clock_may_be_wrong_by_a_minute(fake: FakeSalesforce, apart: timedelta, said: str | None) -> None:
    client = client_for(connection(), SECRETS, clock=lambda: fake.clock.now + apart, transport=InProcess(fake))
    if said is None:
        assert client.who()
        return
    with pytest.raises(Unauthenticated, match=said):
        client.who()


def private(key: Any, kind: PrivateFormat = PrivateFormat.PKCS8, phrase: str = "") -> str:
    lock = BestAvailableEncryption(phrase.encode()) if phrase else NoEncryption()
    text: bytes = key.private_bytes(Encoding.PEM, kind, lock)
    return text.decode()


SMALL = rsa.generate_private_key(65537, 1024)
UNUSABLE = {
    "other kind": (private(ec.generate_private_key(ec.SECP256R1())), "no RSA key"),
    "short": (private(SMALL), "1024 bits"),
    "encrypted": (private(SMALL, phrase="x" * 8), "passphrase"),
    "encrypted as of old": (private(SMALL, PrivateFormat.TraditionalOpenSSL, "x" * 8), "passphrase"),
    "encrypted in one line": (private(SMALL, phrase="x" * 8).replace("\n", "\\n"), "passphrase"),
    "public": (CERTIFIED, "public key, which is for Salesforce"),
    "certificate": (CERTIFIED.replace("PUBLIC KEY", "CERTIFICATE"), "certificate, which is for Salesforce"),
    "cut": (KEY[: len(KEY) // 2], "no private key that can be read"),
    "a name of a file": ("~/keys/server.key", "no private key that can be read"),
    "first line": (KEY.splitlines()[0], "no private key that can be read"),
    "not ASCII": ("Schlüssel\ud800", "no private key that can be read"),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_a_key_that_is_no_good_is_told_with_what_to_do_and_nothing_is_sent(fake: FakeSalesforce, what: str) -> None:
    key, words = UNUSABLE[what]
    said = refused(fake, key)
    assert said.startswith("SF_PRIVATE_KEY holds")
    assert words in said
    assert not fake.gate.calls


def test_nothing_of_the_key_hangs_on_the_error(fake: FakeSalesforce) -> None:
    with pytest.raises(Unauthenticated) as caught:
        client_of(fake, key=UNUSABLE["cut"][0]).who()
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize(("secrets", "settings", "said"), [
    ({"private_key": ""}, {}, "secrets private_key."), ({"client_id": ""}, {}, "secrets client_id."),
    ({}, {"username": None}, "set username in its settings."),
    ({"private_key": ""}, {"username": None}, "secrets private_key and username in its settings."),
])  # fmt: skip
def test_what_is_not_set_is_named(secrets: dict[str, str], settings: dict[str, Any], said: str) -> None:
    given = {**SECRETS, **secrets}
    with pytest.raises(InvalidInput, match=said):
        login(connection(**settings), given)
    assert not can_log_in(connection(**settings), given)
    assert can_log_in(connection(), SECRETS)


def looked(fake: FakeSalesforce, key: str, **settings: Any) -> dict[str, Looked]:
    there = connection(organization_id=fake.state.organization, own_user=fake.state.robot, **settings)
    given = Given(there, {**SECRETS, "private_key": key}, Policies("h"), frozenset(), lambda: fake.clock.now)
    return {one.name: one for one in look(given, lambda: client_of(fake, key=key, **settings))}


def test_the_check_says_what_is_wrong_with_the_key_and_the_log_in(fake: FakeSalesforce) -> None:
    assert {one.state for one in looked(fake, KEY).values()} == {"ok", "note"}
    for key, words in UNUSABLE.values():
        found = looked(fake, key)["log-in"]
        assert (found.state, words in found.said) == ("wrong", True)
        assert "salesforce.md" in str(found.todo)
    assert "approved" in looked(fake, KEY, username="bob@example.com")["log-in"].said
    unset = looked(fake, "")["log-in"]
    assert (unset.state, "private_key" in unset.said) == ("wrong", True)


# ── what is never said ───────────────────────────────────────────────────────────────────────────────────────────────
class Echo(httpx.BaseTransport):
    """Says everything it is told, and what it must not know."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        form = dict(httpx.QueryParams(request.read().decode()))
        lines = KEY.splitlines()
        said = f"bad {form['assertion']} for {CLIENT[0]}: {lines[5]} {''.join(lines[1:-1])}"
        return httpx.Response(400, json={"error": "invalid_grant", "error_description": said})


def test_what_says_too_much_is_struck_out() -> None:
    with pytest.raises(Unauthenticated) as caught:
        client_for(connection(), SECRETS, transport=Echo()).who()
    assert "(invalid_grant: bad *** for ***: *** ***)" in caught.value.message


def test_neither_key_nor_assertion_is_shown_by_what_holds_them(fake: FakeSalesforce) -> None:
    way: Any = login(connection(), SECRETS, lambda: fake.clock.now)
    client = SalesforceClient(Caller("crm", way, DIALECT, transport=InProcess(fake)), connection())
    client.who()
    [assertion] = [one for one in way.secrets() if one.count(".") == 2]
    shown = repr(way._grant) + repr(way) + repr(client)
    assert not [one for one in (*SECRETS.values(), *bearer.pieces(KEY), assertion) if one in shown]
    assert {*SECRETS.values(), *bearer.pieces(KEY)} <= set(way.secrets())
    assert bearer.GRANT not in set(way.secrets())


def test_over_a_real_wire_nothing_of_it_is_logged(fake: FakeSalesforce, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said = []
    with served(fake) as base:
        client: Any = client_for(connection(base_url=base), SECRETS, clock=lambda: fake.clock.now)
        client.who()
        for kind in KINDS:
            fake.faults.plan([kind])
            try:
                client.write_work(work())
            except Unavailable as error:
                said.append(str(error))
        client.complete_work(client.write_work(work()))
        client.close()
    assert [task["Status"] for task in fake.state.records["Task"].values()] == ["Completed"]
    spoken = caplog.text + "".join(said)
    assert "oauth2/token" in spoken
    assert "eyJ" not in spoken  # what every JWT begins with
    assert not [one for one in (*SECRETS.values(), *bearer.pieces(KEY), "fake-session") if one in spoken]


def test_without_a_certificate_nobody_logs_in_with_a_key() -> None:
    with pytest.raises(Unauthenticated):
        client_of(FakeSalesforce()).who()


def test_who_needs_no_key_loads_no_library_of_keys() -> None:
    rooms = (
        "taskhub.bootstrap, taskhub.server, taskhub.workers, taskhub.connectors.clients, taskhub.connectors.registry"
    )
    code = f"import sys, {rooms}; print('cryptography.hazmat' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
