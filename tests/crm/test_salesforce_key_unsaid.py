"""What is never said of a log-in to Salesforce with a key of one's own, and who needs none of it."""

import logging
import subprocess
import sys
from typing import Any

import httpx
import pytest

from taskhub.connectors.calling import Caller
from taskhub.connectors.clients import client_for
from taskhub.connectors.salesforce import bearer
from taskhub.connectors.salesforce.client import SalesforceClient
from taskhub.connectors.salesforce.dialect import DIALECT, login
from taskhub.errors import Unauthenticated
from taskhub.testing.crm.salesforce import FakeSalesforce
from taskhub.testing.crm.salesforce.api import CLIENT
from taskhub.testing.crm.wire import InProcess, served
from tests.crm.ledger import through_faults
from tests.crm.own_key import KEY, SECRETS, certified, client_of, connection


@pytest.fixture
def fake() -> FakeSalesforce:
    return certified()


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
    with served(fake) as base:
        client: Any = client_for(connection(base_url=base), SECRETS, clock=lambda: fake.clock.now)
        said = through_faults(client, fake.faults)
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
