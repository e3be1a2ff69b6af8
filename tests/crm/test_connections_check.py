"""`taskhub connections check` tells what works and what does not, and what to do; over a real wire to the fakes."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from typer.testing import CliRunner

from taskhub import bootstrap
from taskhub.cli.app import app
from taskhub.clock import real_now
from taskhub.connectors.checking import Given, Looked, look
from taskhub.connectors.clients import client_for, has_client
from taskhub.connectors.hooks import address_of
from taskhub.errors import InvalidInput, NotFound
from taskhub.policy.policies import Connection, Pipeline, Policies, Stage
from taskhub.testing.clock import SetClock
from taskhub.testing.crm import dataverse, pipedrive, salesforce
from taskhub.testing.crm.faults import BROKEN, CUT_EARLY, LIMITED
from taskhub.testing.crm.wire import InProcess, served
from tests.architecture.source import ROOT

Fake = Any
HOME = "https://fake.example"
SYSTEMS: dict[str, tuple[Callable[[], Fake], dict[str, str], dict[str, Any]]] = {
    "pipedrive": (
        pipedrive.FakePipedrive,
        {"token": pipedrive.api.TOKEN, "path": "s3cret-part"},
        {"base_url": HOME, "company_id": 8087566, "own_user": 12345679},
    ),
    "salesforce": (
        salesforce.FakeSalesforce,
        {"client_id": salesforce.api.CLIENT[0], "client_secret": salesforce.api.CLIENT[1]},
        {"base_url": HOME, "organization_id": "00D5f000000HBdM", "own_user": "0055f000005mc66AAA"},
    ),
    "dynamics": (
        dataverse.FakeDataverse,
        {"client_id": dataverse.api.CLIENT[0], "client_secret": dataverse.api.CLIENT[1], "code": "s3cret-code"},
        {"base_url": HOME, "tenant": dataverse.api.TENANT, "organization_id": "E4AFCEA5-0944-4066-b839-a318fe3b4e55",
         "own_user": "593db65c-9747-e811-a94f-000d3a395ecc",
         "token_url": f"{HOME}/{dataverse.api.TENANT}/oauth2/v2.0/token"},
    ),
}  # fmt: skip
SALES = Pipeline(
    "sales", {"en": "Sales"}, "deal", (Stage("proposal", {"en": "Proposal"}),), lost_reasons=("price", "no_need")
)


def looked(
    system: str,
    fake: Fake = None,
    secrets: dict[str, str] | None = None,
    maps: dict[str, Any] | None = None,
    **settings: Any,
) -> dict[str, Looked]:
    make, right, given = SYSTEMS[system]
    fake = fake or make()
    merged = {name: value for name, value in {**given, **settings}.items() if value is not None}
    known = {**right, **(secrets or {})}
    variables = {name: f"VARIABLE_{name.upper()}" for name in known}
    connection = Connection("crm", system, {"en": "CRM"}, variables, settings=merged, **(maps or {}))
    about = Given(
        connection, known, Policies("h", pipelines={"sales": SALES}), frozenset({"lea"}), lambda: fake.clock.now
    )
    found = list(look(about, lambda: client_for(connection, known, transport=InProcess(fake))))
    spoken = " ".join(f"{one.said} {one.todo}" for one in found)
    assert not [value for name, value in known.items() if value and name != "path" and value in spoken]
    return {one.name: one for one in found}


def states(found: dict[str, Looked]) -> dict[str, str]:
    return {name: one.state for name, one in found.items() if one.state != "ok"}


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_sound_connection_is_told_as_such(system: str) -> None:
    make, secrets, settings = SYSTEMS[system]
    fake = make()
    connection = Connection("crm", system, {"en": "CRM"}, settings=settings)
    client = client_for(connection, secrets, transport=InProcess(fake))
    url = "https://t.test/hooks/crm" + (f"/{secrets['path']}" if "path" in secrets else "")
    if hasattr(client, "subscribe"):
        assert states(looked(system, fake)) == {"webhooks": "wrong"}
        client.subscribe(url, secrets)
    assert states(looked(system, fake)) == ({"webhooks": "note"} if system == "salesforce" else {})


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_wrong_key_is_wrong_and_the_rest_is_not_asked(system: str) -> None:
    name = "token" if system == "pipedrive" else "client_secret"
    found = looked(system, secrets={name: "not-the-right-one"})
    assert found["log-in"].state == "wrong"
    assert "new key" in str(found["log-in"].todo)
    assert "webhooks" not in found


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_is_not_set_is_named_and_nothing_is_called(system: str) -> None:
    name = "token" if system == "pipedrive" else "client_secret"
    make = SYSTEMS[system][0]
    fake = make()
    found = looked(system, fake, secrets={name: ""})
    assert f"VARIABLE_{name.upper()}" in found["secrets"].said
    assert found["log-in"].state == ("note" if system == "pipedrive" else "wrong")
    assert not fake.gate.calls


def test_a_hook_that_lets_nobody_in_is_wrong() -> None:
    found = looked("pipedrive", secrets={"path": ""})["secrets"]
    assert (found.state, "401" in found.said) == ("wrong", True)
    assert looked("pipedrive", secrets={"password": ""})["secrets"].state == "wrong"  # named, so it must be met
    assert looked("pipedrive", secrets={"client_id": ""})["secrets"].state == "note"


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("kind", [LIMITED, BROKEN, CUT_EARLY])
def test_a_system_in_trouble_is_told(system: str, kind: str) -> None:
    fake = SYSTEMS[system][0]()
    fake.faults.plan([kind] * 9)
    assert states(looked(system, fake))["log-in"] == "wrong"


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_wrong_company_and_user_are_told(system: str) -> None:
    setting = "company_id" if system == "pipedrive" else "organization_id"
    found = looked(system, own_user="somebody", **{setting: "another"})
    assert (found["company"].state, found["own user"].state) == ("wrong", "wrong")
    found = looked(system, own_user=None, **{setting: None})
    assert (found["company"].state, found["own user"].state) == ("note", "note")


@pytest.mark.parametrize(
    ("system", "user"),
    [("salesforce", "0055f000005mc66"), ("dynamics", "{593DB65C-9747-E811-A94F-000D3A395ECC}")],
)
def test_ids_are_the_same_in_any_spelling(system: str, user: str) -> None:
    assert looked(system, own_user=user)["own user"].state == "ok"
    assert looked(system, own_user=f"{user[:14]}x")["own user"].state == "wrong"


class Odd(httpx.BaseTransport):
    """Keys and the first ``sound`` calls are answered as ever, the others with ``body``."""

    def __init__(self, fake: Fake, sound: int, body: bytes) -> None:
        self.sound, self.body, self.inner = sound, body, InProcess(fake)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            return self.inner.handle_request(request)
        self.sound -= 1
        return self.inner.handle_request(request) if self.sound >= 0 else httpx.Response(200, content=self.body)


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[]", b"null", b'{"data": 7}', b'{"value": 7}', b'{"value": [7]}'])
@pytest.mark.parametrize("system", SYSTEMS)
def test_an_answer_of_another_shape_is_told_in_words(system: str, body: bytes) -> None:
    make, secrets, settings = SYSTEMS[system]
    fake = make()
    connection = Connection("crm", system, {"en": "CRM"}, settings=settings)
    given = Given(connection, secrets, Policies("h"), frozenset(), lambda: fake.clock.now)
    for sound in range(6):
        odd = Odd(fake, sound, body)
        found = {one.name: one for one in look(given, partial(client_for, connection, secrets, transport=odd))}
        assert all(one.said for one in found.values())
        assert sound or found["log-in"].state == "wrong"


def test_clocks_that_differ_are_told() -> None:
    fake = pipedrive.FakePipedrive()
    ours = SetClock(fake.clock.now + timedelta(minutes=10))
    connection = Connection("crm", "pipedrive", {"en": "CRM"}, settings=SYSTEMS["pipedrive"][2])
    secrets = SYSTEMS["pipedrive"][1]
    given = Given(connection, secrets, Policies("h"), frozenset(), lambda: ours.now)
    found = {one.name: one for one in look(given, lambda: client_for(connection, secrets, transport=InProcess(fake)))}
    assert (found["clock"].state, "600 s" in found["clock"].said) == ("wrong", True)


def test_maps_that_name_nothing_are_told_with_the_nearest() -> None:
    maps = {"stages": {"deal": {"1": "propsal", "2": "proposal"}}, "users": {"7": "leah", "8": "lea"}}
    said = looked("pipedrive", maps=maps, pipelines={"1": "sale"})["maps"].said
    assert all(one in said for one in ("stages.deal.1 = 'propsal'", "'proposal'", "users.7", "'lea'", "'sales'"))
    assert "stages.deal.2" not in said


def test_reasons_and_statuses_that_name_nothing_are_told() -> None:
    words = {"statuses": {"deal": {"Dead": "lots"}}, "lost_reasons": {"deal": {"Money": "prise", "Other": "no_need"}}}
    said = looked("salesforce", **words)["maps"].said
    assert all(one in said for one in ("settings.lost_reasons.deal.Money = 'prise'", "'price'"))
    assert "settings.statuses.deal.Dead = 'lots' names nothing here (did you mean 'lost'?)" in said
    assert "Other" not in said
    assert "lost_labels" not in looked("pipedrive", lost_labels={"a": "whatever"})["maps"].said  # leads have no list


KEY = "dcf558aac1ae4e8c4f849ba5e668430d8df9be12"


@pytest.mark.parametrize(("system", "right", "wrong", "nearest"), [
    ("pipedrive", KEY, f"{KEY[:-1]}3", KEY),
    ("salesforce", "Rating", "Rateing__c", "Rating"),
    ("dynamics", "CompanyName", "companynane", "companyname"),
])  # fmt: skip
def test_fields_nobody_has_over_there_are_told_with_the_nearest(
    system: str, right: str, wrong: str, nearest: str
) -> None:
    fake = SYSTEMS[system][0]()
    if system == "pipedrive":
        fake.state.fields["dealFields"] = [{"key": KEY, "name": "Region", "field_type": "varchar"}]
    found = looked(system, fake, maps={"fields": {"lead": {"region": right, "lost_reason": wrong}}})["their fields"]
    assert found.state == "wrong"
    assert found.said == f"fields.lead.lost_reason = {wrong!r} is no field over there (did you mean {nearest!r}?)"
    fine = looked(system, fake, maps={"fields": {"lead": {"region": right}}})
    assert fine["their fields"].state == "ok"
    assert "their fields" not in looked(system, fake)
    if system == "pipedrive":
        fake.state.fields.clear()  # a client without the scope
        assert looked(system, fake, maps={"fields": {"lead": {"region": right}}})["their fields"].state == "note"


@pytest.mark.parametrize(("system", "right", "wrong"), [
    ("pipedrive", "3", "33"), ("salesforce", "Prospecting", "Prospektion"),
])  # fmt: skip
def test_ids_nobody_has_over_there_are_told_with_what_there_is(system: str, right: str, wrong: str) -> None:
    found = looked(system, maps={"stages": {"deal": {right: "proposal", wrong: "proposal"}}})["their names"]
    assert (found.state, f"stages.deal.{wrong} is nothing" in found.said) == ("wrong", True)
    assert f"stages.deal.{right} is" not in found.said
    assert right in found.said
    assert looked(system, maps={"stages": {"deal": {right: "proposal"}}})["their names"].state == "ok"


def test_a_webhook_that_is_switched_off_is_missing() -> None:
    fake = pipedrive.FakePipedrive()
    _, secrets, settings = SYSTEMS["pipedrive"]
    client = client_for(
        Connection("crm", "pipedrive", {"en": ""}, settings=settings), secrets, transport=InProcess(fake)
    )
    client.subscribe("https://t.test/hooks/crm/s3cret-part", secrets)
    for hook in fake.state.hooks.values():
        hook["is_active"] = 0 if hook["event_object"] == "person" else 1
    found = looked("pipedrive", fake)["webhooks"]
    assert (found.state, "change.person" in found.said) == ("wrong", True)


def test_a_salesforce_without_the_key_field_is_told() -> None:
    found = looked("salesforce", task_key_field="Missing__c")["key field"]
    assert (found.state, "Missing__c" in found.said) == ("wrong", True)


def test_keys_do_not_travel_unencrypted() -> None:
    connection = Connection("crm", "pipedrive", {"en": ""}, settings={"base_url": "http://crm.example"})
    with pytest.raises(InvalidInput, match="https"):
        client_for(connection, {"token": "t"})
    with pytest.raises(NotFound, match="pipedrive"):
        client_for(Connection("x", "webhooks", {"en": ""}), {})
    assert not has_client("webhooks")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    for name in ("DATABASE_URL", "REDIS_URL", "CONFIG", "DATA", "LOG_FORMAT"):
        monkeypatch.delenv(f"TASKHUB_{name}", raising=False)
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield lambda *words: CliRunner().invoke(app, list(map(str, words)))
    root.handlers[:], root.level = before


@pytest.mark.slow
def test_the_command_checks_and_subscribes_over_a_real_wire(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = pipedrive.FakePipedrive(SetClock(real_now()))
    own = bootstrap.policies(bootstrap.read_config(ROOT / "config")).connections["pipedrive"].fields["deal"]
    fake.state.fields["dealFields"] = [{"key": key, "name": ours} for ours, key in own.items()]
    monkeypatch.setenv("TASKHUB_PIPEDRIVE_TOKEN", pipedrive.api.TOKEN)
    monkeypatch.setenv("TASKHUB_PIPEDRIVE_PATH_SECRET", "s3cret-part")
    config, data = tmp_path / "config", tmp_path / "data"
    shutil.copytree(ROOT / "config", config)
    with served(fake) as base:
        file = config / "connections.toml"
        file.write_text(
            file.read_text().replace("[connection.settings]\n", f'[connection.settings]\nbase_url = "{base}"\n', 1)
        )
        assert run("config", "apply", config, "--data", data).exit_code == 0
        first = run("connections", "check", "pipedrive", "--data", data, "--json")
        told = json.loads(first.stdout)
        assert (first.exit_code, told["ok"]) == (1, False)
        assert [one["name"] for one in told["findings"] if one["state"] == "wrong"] == ["webhooks"]
        assert run("connections", "subscribe", "pipedrive", "http://t.test", "--data", data).exit_code == 1
        made = run("connections", "subscribe", "pipedrive", "https://t.test", "--data", data, "--json")
        assert len(json.loads(made.stdout)["made"]) == 10
        again = run("connections", "subscribe", "pipedrive", "https://t.test/", "--data", data)
        assert again.stdout == "Nothing was missing.\n"
        last = run("connections", "check", "pipedrive", "--data", data)
    assert (last.exit_code, len(fake.state.hooks)) == (0, 10)
    assert "s3cret-part" not in first.output + last.output + made.output
    assert pipedrive.api.TOKEN not in first.output + last.output
    assert "Did you mean 'pipedrive'?" in run("connections", "check", "pipedrve", "--data", data).stderr
    assert "pipedrive" in run("connections", "list", "--data", data).stdout


def test_secrets_arrive_whatever_they_are_made_of() -> None:
    fake, secret = pipedrive.FakePipedrive(), "a/b?c#d %é"
    address = address_of("https://t.test/", "crm", secret)
    assert address == "https://t.test/hooks/crm/a%2Fb%3Fc%23d%20%25%C3%A9"
    _, right, given = SYSTEMS["pipedrive"]
    client = client_for(Connection("crm", "pipedrive", {"en": ""}, settings=given), right, transport=InProcess(fake))
    client.subscribe(address, {})  # type: ignore[attr-defined]
    assert looked("pipedrive", fake, {"path": secret})["webhooks"].state == "ok"
    assert looked("pipedrive", fake, {"path": "another"})["webhooks"].state == "wrong"
