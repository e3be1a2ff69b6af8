"""Messages of Dataverse through the real routes under the shipped configuration, and who is let in."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import func, select

from taskhub.db.columns import metadata
from taskhub.db.tables import event, message, task
from taskhub.events.intake import Intake
from tests.api.client import code
from tests.faults import outcome, shop
from tests.faults.shop import Shop, open_shop
from tests.unit.connectors.dataverse import (
    APPLICATION,
    DEAL,
    LEAD,
    ORGANIZATION,
    OTHER_REP,
    REP,
    choice,
    create,
    money,
    qualifying,
    ref,
    update,
)
from tests.unit.policy.small import shipped

SECRET = "step-s3cret-4711"
WORD = "x-step-word"
QUIET = "lead_follow_up"  # these rows have been quiet for months: at which of them it is asked depends on the clock
AT = f"/hooks/dynamics?code={SECRET}"
JSON = {"content-type": "application/json"}
# By file: what becomes of it, as (type, state, reason).
FATES = {
    "activity_setstate_update_async_pre_image.json": (
        "dynamics.new_customactivity.Update", "ignored", "entity_not_followed: new_customactivity"),
    "agentstatus_update_async.json": (
        "dynamics.msdyn_agentstatus.Update", "ignored", "entity_not_followed: msdyn_agentstatus"),
    "contact_update_async_post_image.json": ("contact.updated", "ignored", "no_rule"),
    "lead_create_sync.json": ("lead.created", "applied", None),
    "opportunity_assign_by_qualifylead_async.json": ("deal.updated", "ignored", "no_rule"),
}  # fmt: skip
OPEN_ROW = {"statecode": choice(0), "statuscode": choice(1), "ownerid": ref("systemuser", REP)}
LEAD_ROW = {**OPEN_ROW, "subject": "Press", "fullname": "Max", "companyname": "Acme", "estimatedamount": money(60_000)}


@pytest.fixture(params=["sqlite", "postgres"])
def new_shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Opens shops, each on a fresh database of the same sort."""
    databases = request.getfixturevalue(f"{request.param}_databases")
    monkeypatch.setitem(shop.SECRETS, "TASKHUB_DYNAMICS_CODE", SECRET)

    @contextmanager
    def new(files: Mapping[str, str] | None = None) -> Iterator[Shop]:
        url = databases.create(tmp_path) if request.param == "sqlite" else databases.create()
        try:
            with open_shop(url, files=files) as opened:
                yield opened
        finally:
            if request.param == "postgres":
                databases.drop(url)

    return new


def edited(**settings: str) -> dict[str, str]:
    """The shipped files with other secrets or settings of the connection."""
    files = dict(shipped())
    whole = files["connections.toml"]
    place = whole.index('key = "dynamics"')
    text = whole[place:]
    for old, new in settings.values():
        assert old in text
        text = text.replace(old, new, 1)
    return {**files, "connections.toml": whole[:place] + text}


def send(opened: Shop, body: bytes | dict[str, Any], path: str = AT, **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return opened.client.request("POST", path, content=raw, headers={**JSON, **headers})


def taken(opened: Shop, body: bytes | dict[str, Any], **headers: str) -> None:
    answer = send(opened, body, **headers)
    assert answer.status_code == 200, answer.text


def counts(opened: Shop) -> tuple[int, int, list[Any]]:
    """Events, messages, and every task with everything in it."""
    with opened.db.read() as tx:
        many = [tx.conn.execute(select(func.count()).select_from(one)).scalar_one() for one in (event, message)]
        return many[0], many[1], [tuple(row) for row in tx.conn.execute(select(task).order_by(task.c.id))]


def work(opened: Shop) -> Any:
    with opened.db.read() as tx:
        return outcome.tasks(tx.conn, without=(QUIET,))


def titles(opened: Shop) -> list[tuple[str, str, str]]:
    with opened.db.read() as tx:
        rows = tx.conn.execute(select(task.c.kind, task.c.title, task.c.state))
        return sorted((kind, title.strip(), state) for kind, title, state in rows)


def everything(opened: Shop) -> str:
    """Every value of every table, as text."""
    with opened.db.read() as tx:
        return repr([tuple(row) for table in metadata.sorted_tables for row in tx.conn.execute(select(table))])


@pytest.fixture
def files(shared_data: Path) -> list[bytes]:
    """Every published body."""
    folder = shared_data / "crm-events" / "dataverse"
    assert {path.name for path in folder.iterdir()} == set(FATES)
    return [(folder / name).read_bytes() for name in FATES]


class TestPublishedBodies:
    def test_every_file_ends_as_it_should_and_makes_its_work(self, new_shop: Any, files: list[bytes]) -> None:
        with new_shop() as opened:
            for body in files:
                taken(opened, body)
            opened.drain()
            with opened.db.read() as tx:
                rows = tx.conn.execute(select(event.c.type, event.c.state, event.c.reason))
                assert sorted(map(tuple, rows)) == sorted(FATES.values())
            made = [(kind, title) for kind, title, _ in titles(opened)]
            assert made == [("lead_follow_up", "Quiet for 14 days: Max Mustermann"),
                            ("lead_qualification", "Qualify Max Mustermann")]  # fmt: skip

    def test_sent_again_twice_and_shuffled_nothing_is_new(self, new_shop: Any, files: list[bytes]) -> None:
        with new_shop() as opened:
            for body in files:
                taken(opened, body)
            opened.drain()
            before = counts(opened)
            for seed in (1, 2):
                for body in random.Random(seed).sample(files, len(files)):
                    taken(opened, body)
                opened.drain()
            assert counts(opened) == before

    def test_in_any_order_each_twice_the_same_tasks(self, new_shop: Any, files: list[bytes]) -> None:
        with new_shop() as opened:
            for body in files:
                taken(opened, body)
            opened.drain()
            wanted = work(opened)
        chance = random.Random(5)
        with new_shop() as opened:
            for body in chance.sample([*files, *files], 2 * len(files)):
                taken(opened, body)
                if chance.random() < 0.3:
                    opened.drain()
            opened.drain()
            assert outcome.difference(work(opened), wanted) == ""


def story() -> list[dict[str, Any]]:
    """A lead is made, contacted and qualified: one press of a button, told by five messages."""
    converted = {"statecode": choice(1), "statuscode": choice(3), "qualifyingopportunityid": ref("opportunity", DEAL)}
    deal = {**OPEN_ROW, "name": "Press", "estimatedvalue": money(60_000), "customerid": ref("account", REP, "Acme")}
    child = {"ParentContext": qualifying(), "Depth": 2}
    steps = [
        create("lead", LEAD, LEAD_ROW, 0),
        update("lead", LEAD, {"statuscode": choice(2)}, LEAD_ROW, 60),
        {**qualifying(), "Stage": 40, "OperationCreatedOn": "/Date(1777884120000+0000)/"},
        create("opportunity", DEAL, deal, 120, **child),
        update("lead", LEAD, converted, {**LEAD_ROW, "statuscode": choice(2)}, 120, **child),
        update("opportunity", DEAL, {"ownerid": ref("systemuser", OTHER_REP)}, deal, 121, **child),
    ]
    return [{**one, "OperationId": f"{number:0>8}{LEAD[8:]}"} for number, one in enumerate(steps)]


class TestQualification:
    def test_one_act_makes_one_set_of_work_in_whatever_order_it_is_told(self, new_shop: Any) -> None:
        with new_shop() as opened:
            for body in story():
                taken(opened, body)
                opened.drain()
            wanted = work(opened)
            made = titles(opened)
        assert [kind for kind, _, _ in made if kind != QUIET] == [
            "billing_setup", "contract", "credit_check", "data_hygiene", "lead_qualification",
        ]  # fmt: skip
        assert ("contract", "Framework agreement for Acme", "queued") in made
        for seed in (1, 2):
            chance = random.Random(seed)
            with new_shop() as opened:
                for body in chance.sample([*story(), *story()], 12):
                    taken(opened, body)
                    if chance.random() < 0.5:
                        opened.drain()
                opened.drain()
                assert outcome.difference(work(opened), wanted) == ""

    def test_what_taskhub_wrote_itself_is_known_and_makes_no_work(self, new_shop: Any) -> None:
        own = ("[connection.settings]\n", f'[connection.settings]\nown_user = "{APPLICATION}"\n')
        with new_shop(edited(own=own)) as opened:
            taken(opened, create("lead", LEAD, LEAD_ROW, InitiatingUserId=APPLICATION))
            opened.drain()
            [one] = opened.admin.ok("GET", "/api/v1/events")["items"]
            assert (one["state"], one["reason"]) == ("ignored", "own_write")
            assert titles(opened) == []
            assert "Acme" in opened.admin.request("GET", f"/api/v1/leads/dynamics:{LEAD}").text

    def test_a_body_without_its_content_says_which_record_to_read(self, new_shop: Any) -> None:
        value = update("lead", LEAD, LEAD_ROW)
        for name in ("ParentContext", "InputParameters", "PreEntityImages", "PostEntityImages"):
            del value[name]
        with new_shop() as opened:
            taken(opened, value, **{"x-ms-dynamics-msg-size-exceeded": "true"})
            opened.drain()
            with opened.db.read() as tx:
                [row] = tx.conn.execute(select(event))
            assert (row.state, row.reason) == ("ignored", "reread_needed: body_over_256_kb")
            assert row.subject == f"lead:dynamics:{LEAD}"


class TestSecurity:
    WAYS: Mapping[str, tuple[dict[str, Any], str, dict[str, str]]] = {
        "webhook key": ({}, AT, {}),
        "header": (
            {"secret": ("code =", "header ="),
             "name": ("[connection.settings]\n", f'[connection.settings]\nheader_name = "{WORD.title()}"\n')},
            "/hooks/dynamics", {WORD: SECRET}),
        "query": (
            {"secret": ("code =", "query ="),
             "name": ("[connection.settings]\n", '[connection.settings]\nquery_name = "word"\n')},
            f"/hooks/dynamics?word={SECRET}", {}),
        "path": ({"secret": ("code =", "path =")}, f"/hooks/dynamics/{SECRET}", {}),
    }  # fmt: skip

    @pytest.mark.parametrize("way", WAYS)
    def test_right_and_wrong_and_never_kept(self, new_shop: Any, way: str, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        changed, path, headers = self.WAYS[way]
        body = create("lead", LEAD, LEAD_ROW)
        with new_shop(edited(**changed)) as opened:
            before = counts(opened)
            for guess in ("", "wrong", SECRET[:-1], SECRET.upper()):
                wrong = dict.fromkeys(headers, guess)
                answer = send(opened, body, path.replace(SECRET, guess), **wrong)
                assert answer.status_code in ({401, 404} if not guess else {401}), (way, guess)
            assert send(opened, body, "/hooks/dynamics").status_code == 401
            assert counts(opened) == before
            answer = send(opened, body, path, **headers)
            assert answer.status_code == 200, answer.text
            broken = send(opened, body | {"OperationCreatedOn": "never"}, path, **headers)
            assert broken.status_code == 200
            assert send(opened, b"[", path, **headers).status_code == 400
            opened.drain()
            kept = everything(opened)
            assert "Acme" in kept
            assert SECRET not in kept
            shown = opened.admin.request("GET", "/api/v1/events").text + opened.client.request("GET", "/metrics").text
            assert SECRET not in shown
        assert caplog.records
        lines = [f"{one.getMessage()} {vars(one)}" for one in caplog.records if one.name.startswith("taskhub")]
        assert not [line for line in lines if SECRET in line]

    def test_another_organisation_is_refused_and_not_stored(self, new_shop: Any) -> None:
        own = ("[connection.settings]\n", f'[connection.settings]\norganization_id = "{ORGANIZATION}"\n')
        with new_shop(edited(own=own)) as opened:
            before = counts(opened)
            answer = send(opened, create("lead", LEAD, LEAD_ROW, OrganizationId=OTHER_REP))
            assert code(answer) == (403, "wrong_organization")
            assert counts(opened) == before
            taken(opened, create("lead", LEAD, LEAD_ROW))

    REFUSED: Mapping[bytes, tuple[int, str]] = {
        b"": (400, "not_json"),
        b"<xml/>": (400, "not_json"),
        b'{"MessageName": "Update"': (400, "not_json"),
        b'{"a": NaN}': (400, "not_json"),
        b'{"a": "\xff"}': (400, "not_utf8"),
        b"\xef\xbb\xbf{}": (400, "byte_order_mark"),
        b"{}": (422, "no_envelope"),
        b"[]": (422, "no_envelope"),
        b"[" * 100 + b"]" * 100: (422, "too_deep"),
        b'{"a": 1e999}': (422, "number_out_of_range"),
        b'{"a": 99999999999999999999999}': (422, "number_out_of_range"),
        b'{"a": 1, "a": 2}': (422, "duplicate_key"),
        b'{"a": "\\u0000"}': (422, "bad_text"),
    }

    def test_every_malformed_body_has_its_answer(self, new_shop: Any) -> None:
        deep = create("lead", LEAD, LEAD_ROW)
        for _ in range(70):
            deep = {**create("lead", LEAD, LEAD_ROW), "ParentContext": deep}
        with new_shop() as opened:
            before = counts(opened)
            for body, wanted in self.REFUSED.items():
                assert code(send(opened, body)) == wanted, body
            assert code(send(opened, deep)) == (422, "too_deep")
            assert code(send(opened, b" " * (5 * 1024 * 1024 + 1))) == (413, "too_large")
            assert counts(opened) == before

    def test_too_much_at_once_is_503_for_who_tries_again_after_nothing_else(self, new_shop: Any) -> None:
        with new_shop() as opened:
            opened.client.app.state.taskhub.intake = Intake(1, 1, -1.0)
            taken(opened, create("lead", LEAD, LEAD_ROW))
            answer = send(opened, create("lead", LEAD, LEAD_ROW, OperationId=OTHER_REP))
            assert code(answer) == (503, "unavailable")
            assert int(answer.headers["retry-after"]) > 0
            opened.drain()
            taken(opened, create("lead", LEAD, LEAD_ROW, OperationId=OTHER_REP))
