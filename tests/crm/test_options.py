"""Options of Pipedrive: its events tell ids, people read labels; what is unknown is asked for, and mended."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from taskhub.connectors.inbound import HookRequest
from taskhub.connectors.looking import labels, store
from taskhub.connectors.pipedrive.inbound import PipedriveInbound
from taskhub.connectors.pipedrive.options import bare, labelled, options_of, unlabelled
from taskhub.events import service as events
from taskhub.events.model import Doubt
from taskhub.policy.policies import Connection, Options
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.testing.crm.faults import BROKEN
from taskhub.testing.crm.pipedrive import FakePipedrive
from tests.crm.days import USER, Day, day, senders
from tests.crm.test_pipedrive_client import client_of

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
TIER, TAGS, NOTE = "a" * 40, "b" * 40, "c" * 40
FIELDS = {"deal": {"tier": TIER, "tags": TAGS, "remark": NOTE}}
KNOWN = {
    TIER: Options(many=False, labels={"1": "Gold", "2": "Silver"}),
    TAGS: Options(many=True, labels={"7": "New", "8": "Late"}),
    NOTE: None,
}
CONNECTION = Connection("crm", "pipedrive", LocalText("CRM"), fields=FIELDS, options={"deal": KNOWN})
GOLD = Rule("gold", ("deal.updated",), tasks=(TaskTemplate("contract", "Gold: {deal.tier}"),))


def definitions(*tiers: str) -> list[dict[str, Any]]:
    """As version 1 of their API lists them; a standard field stands among them."""
    options = [{"id": number, "label": label, "color": None} for number, label in enumerate(tiers, 1)]
    tags = [{"id": 7, "label": "New"}, {"id": 8, "label": "Late"}]
    return [
        {"id": 1, "key": "title", "name": "Title", "field_type": "varchar"},
        {"id": 2, "key": TIER, "name": "Tier", "field_type": "enum", "options": options},
        {"id": 3, "key": TAGS, "name": "Tags", "field_type": "set", "options": tags},
        {"id": 4, "key": NOTE, "name": "Remark", "field_type": "text"},
    ]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (TIER, {"type": "enum", "id": 1}, "Gold"),
        (TIER, 2, "Silver"),
        (TIER, "2", "Silver"),
        (TIER, 9, 9),
        (TIER, None, None),
        (TIER, "", None),
        (TAGS, {"type": "set", "values": [{"id": 7}, {"id": 8}]}, ["New", "Late"]),
        (TAGS, {"type": "set", "values": [7]}, ["New"]),
        (TAGS, "7,8", ["New", "Late"]),
        (TAGS, "7", ["New"]),
        (TAGS, [7, 9], ["New", 9]),
        (NOTE, {"type": "text", "value": "1"}, "1"),
        (NOTE, "1,2", "1,2"),
    ],
)
def test_an_id_becomes_its_label_and_stays_where_there_is_none(key: str, value: Any, said: Any) -> None:
    assert labelled(value, KNOWN[key]) == said


@pytest.mark.parametrize(
    ("values", "unknown"),
    [
        ({TIER: {"type": "enum", "id": 1}}, False),
        ({TIER: {"type": "enum", "id": 3}}, True),
        ({TAGS: {"type": "set", "values": [{"id": 7}, {"id": 9}]}}, True),
        ({TIER: None, TAGS: []}, False),
        ({NOTE: {"type": "text", "value": "1"}}, False),
        ({"d" * 40: {"type": "enum", "id": 3}}, False),
    ],
)
def test_only_fields_that_are_mapped_are_asked_for(values: Any, unknown: bool) -> None:
    assert unlabelled("deal", {"custom_fields": values}, CONNECTION) is unknown
    old = {key: _joined(value) for key, value in values.items()}
    assert unlabelled("deal", old, CONNECTION) is unknown


def _joined(value: Any) -> Any:
    """The same in the older body."""
    told = bare(value)
    return ",".join(map(str, told)) if isinstance(told, list) else told


def test_a_field_nobody_has_read_is_unknown_where_the_event_says_it_is_chosen() -> None:
    fresh = Connection("crm", "pipedrive", LocalText("CRM"), fields=FIELDS)
    assert unlabelled("deal", {"custom_fields": {TIER: {"type": "enum", "id": 1}}}, fresh)
    assert not unlabelled("deal", {"custom_fields": {NOTE: {"type": "text", "value": "1"}, TIER: None}}, fresh)


def test_definitions_are_read_to_their_last_page() -> None:
    fake = FakePipedrive()
    filler = [{"id": n, "key": f"k{n}", "field_type": "varchar"} for n in range(600)]
    fake.state.fields["dealFields"] = [*filler, *definitions("Gold", "Silver")]
    assert client_of(fake).options("deal", sorted(KNOWN)) == KNOWN
    assert client_of(fake).options("lead", ["gone"]) == {"gone": None}
    odd: Any = ["x", None, {}]
    assert options_of([], [TIER]) == options_of(odd, [TIER]) == {TIER: None}


def test_hooks_and_looks_tell_labels(sqlite_url: str) -> None:
    with day("pipedrive", sqlite_url, FIELDS) as one:
        one.fake.state.fields["dealFields"] = definitions("Gold", "Silver")
        one.begin()
        deal = made(one, {TIER: 1, TAGS: [7, 8], NOTE: "1"})
        assert told(one, deal) == ("Gold", ["New", "Late"], "1")
        asked = calls(one)
        one.clock.forward(minutes=1)
        one.fake.state.change("deal", deal, {"custom_fields": {TIER: 2, TAGS: []}}, by=USER)
        send(one)
        assert told(one, deal)[:2] == ("Silver", [])
        one.lose = lambda: True
        one.clock.forward(minutes=1)
        one.fake.state.change("deal", deal, {"custom_fields": {TIER: 1, TAGS: [8]}}, by=USER)
        one.later()
        assert told(one, deal)[:2] == ("Gold", ["Late"])
        assert calls(one) == asked


def test_an_unknown_option_stays_an_id_until_its_record_is_read_again(sqlite_url: str) -> None:
    with day("pipedrive", sqlite_url, FIELDS, rules=(GOLD,)) as one:
        one.fake.state.fields["dealFields"] = definitions("Gold")
        one.begin()
        deal = made(one, {TIER: 1})
        one.clock.forward(minutes=1)
        one.fake.state.fields["dealFields"] = definitions("Gold", "Silver")
        one.fake.faults.plan([BROKEN])
        one.fake.state.change("deal", deal, {"custom_fields": {TIER: 2}}, by=USER)
        send(one)
        assert told(one, deal)[0] == 2
        one.work(timedelta(hours=1))
        assert told(one, deal)[0] == "Silver"
        # Twice, as docs/adr/0035 says: when it became an option nobody knew, and when that had a name.
        assert one.tasks() == {("gold", f"deal:crm:{deal}"): 2}


def test_an_option_that_is_gone_over_there_stays_an_id_and_nothing_goes_round(sqlite_url: str) -> None:
    with day("pipedrive", sqlite_url, FIELDS) as one:
        one.fake.state.fields["dealFields"] = definitions("Gold")
        one.begin()
        deal = made(one, {TIER: 5})
        assert told(one, deal)[0] == 5
        asked = calls(one)
        one.later()
        one.work(timedelta(days=1))
        assert (told(one, deal)[0], calls(one)) == (5, asked)


def test_an_option_without_a_label_is_asked_for_once_an_hour_however_often_it_is_told(sqlite_url: str) -> None:
    with day("pipedrive", sqlite_url, FIELDS) as one:
        one.fake.state.fields["dealFields"] = definitions("Gold")
        one.begin()
        deal, asked = made(one, {TIER: 5}), calls(one)
        for number in range(12):
            one.clock.forward(minutes=1)
            one.fake.state.change("deal", deal, {"title": f"Acme {number}"}, by=USER)
            send(one)
        assert (calls(one), reads(one)) == (asked, 1)
        one.fake.state.fields["dealFields"] = definitions("Gold", "A", "B", "C", "New")
        one.work(timedelta(hours=1))
        assert (calls(one), reads(one)) == (asked + 1, 2)
        assert told(one, deal)[0] == "New"


def test_a_doubt_that_is_put_off_does_not_keep_one_that_is_not_waiting(sqlite_url: str) -> None:
    with day("pipedrive", sqlite_url, FIELDS) as one:
        one.fake.state.fields["dealFields"] = definitions("Gold")
        one.begin()
        deal = made(one, {TIER: 5})
        one.lose = lambda: True
        one.clock.forward(minutes=1)
        one.fake.state.change("deal", deal, {"title": "Unheard"}, by=USER)
        send(one)
        one.clock.forward(minutes=1)
        with one.db.begin() as tx:
            doubt = Doubt("deal", f"crm:{deal}")
            events.doubted(tx, "crm", doubt)
            events.doubted(tx, "crm", doubt._replace(after=tx.now + timedelta(hours=1)))
        one.work()
        assert one.known()[f"deal:crm:{deal}"]["title"] == "Unheard"


def test_while_the_crm_does_not_tell_its_fields_records_are_told_with_ids(sqlite_url: str) -> None:
    with day("pipedrive", sqlite_url, FIELDS) as one:
        hidden = one.fake.state.fields.pop("dealFields")
        one.begin()
        deal = made(one, {TIER: 1, NOTE: "1"})
        one.work(timedelta(hours=1))
        assert told(one, deal) == (1, None, "1")
        assert reads(one) == 0
        assert "labels of deals" in refusal(one)
        one.fake.state.fields["dealFields"] = [*hidden, *definitions("Gold")]
        one.later()
        assert told(one, deal)[0] == "Gold"
        assert refusal(one) is None


def test_a_refusal_to_read_labels_anew_is_shown_until_they_are_told_and_keeps_what_is_known(database_url: str) -> None:
    with day("pipedrive", database_url, FIELDS) as one:
        one.fake.state.fields["dealFields"] = definitions("Gold")
        one.begin()
        hidden = one.fake.state.fields.pop("dealFields")
        one.clock.forward(days=2)
        for _ in range(3):
            one.later()
            assert "labels of deals" in refusal(one)
        assert told(one, made(one, {TIER: 1}))[0] == "Gold"
        one.fake.state.fields["dealFields"] = hidden
        one.later()
        assert refusal(one) is None


def test_a_field_that_is_mapped_later_is_asked_for(sqlite_url: str) -> None:
    with day("pipedrive", sqlite_url, FIELDS) as one:
        one.fake.state.fields["dealFields"] = definitions("Gold")
        one.begin()
        with one.db.read() as tx:
            known = labels.labelled(tx, one.connection)
    fields = {"deal": {**FIELDS["deal"], "size": "d" * 40}}
    raw = {"custom_fields": {"d" * 40: {"type": "enum", "id": 3}}}
    assert unlabelled("deal", raw, replace(known, fields=fields))


def test_labels_are_read_anew_once_a_day(sqlite_url: str) -> None:
    with day("pipedrive", sqlite_url, FIELDS) as one:
        one.fake.state.fields["dealFields"] = definitions("Gold")
        one.begin()
        deal = made(one, {TIER: 1})
        one.fake.state.fields["dealFields"] = definitions("Platinum")
        one.clock.forward(days=2)
        one.later()
        one.fake.state.change("deal", deal, {"title": "Acme again"}, by=USER)
        send(one)
        assert told(one, deal)[0] == "Platinum"


def test_a_connection_without_fields_of_its_own_asks_nothing(sqlite_url: str) -> None:
    with day("pipedrive", sqlite_url) as one:
        one.begin()
        made(one, {TIER: 1})
        assert calls(one) == 0
        with one.db.read() as tx:
            assert labels.labelled(tx, one.connection) is one.connection


def send(one: Day) -> None:
    """What waits is delivered, and every row that is due was tried once."""
    for sender in senders(one.fake):
        sender.run()
    one.work()


def made(one: Day, custom: dict[str, Any]) -> str:
    id_ = str(one.fake.state.add("deal", {"title": "Acme", "custom_fields": custom}, by=USER)["id"])
    send(one)
    return id_


def told(one: Day, deal: str) -> tuple[Any, ...]:
    known = one.known()[f"deal:crm:{deal}"]
    return tuple(known.get(name) for name in ("tier", "tags", "remark"))


def calls(one: Day) -> int:
    """How often they were asked what their fields of deals offer."""
    return sum(path.endswith("/dealFields") for _, path, _ in one.fake.gate.calls)


def refusal(one: Day) -> Any:
    """What was not told at the last look."""
    with one.db.read() as tx:
        return store.watched(tx, "crm")["refused"]


def reads(one: Day) -> int:
    """How often they were asked for one deal."""
    return sum("/deals/" in path for _, path, _ in one.fake.gate.calls)


def test_people_and_organisations_have_labels_too_and_are_followed_when_nobody_tells(sqlite_url: str) -> None:
    fields = {"contact": {"tier": TIER}, "account": {"tier": TIER}}
    with day("pipedrive", sqlite_url, fields) as one:
        one.fake.state.fields |= {
            name: definitions("Gold", "Silver") for name in ("personFields", "organizationFields")
        }
        one.begin()
        one.lose = lambda: True
        ids = [
            one.fake.state.add(entity, {"name": entity, "custom_fields": {TIER: 2}}, by=USER)["id"]
            for entity in ("person", "organization")
        ]
        one.later()
        keys = [f"contact:crm:{ids[0]}", f"account:crm:{ids[1]}"]
        assert [(one.known()[key]["name"], one.known()[key]["tier"]) for key in keys] == [
            ("person", "Silver"), ("organization", "Silver"),
        ]  # fmt: skip
        for name in ("personFields", "organizationFields"):
            one.fake.state.fields[name] = definitions("Gold", "Platinum")
        one.clock.forward(days=2)
        for entity, id_ in zip(("person", "organization"), ids, strict=True):
            one.fake.state.change(entity, str(id_), {"name": "Acme"}, by=USER)
        one.later()
        assert [(one.known()[key]["name"], one.known()[key]["tier"]) for key in keys] == [("Acme", "Platinum")] * 2


def test_odd_definitions_keep_nothing_from_its_place(database_url: str) -> None:
    with day("pipedrive", database_url, FIELDS) as one:
        odd = [{"id": 1, "label": "a\0b"}, {"id": 2, "label": "z" * 5000}, {"id": 3}, "x", None]
        tier = {"key": TIER, "field_type": "enum", "options": odd}
        one.fake.state.fields["dealFields"] = [tier, {"key": TAGS, "field_type": "set"}]
        one.begin()
        assert [told(one, made(one, {TIER: number}))[0] for number in (1, 2, 3)] == ["a\ufffdb", "z" * 200, 3]


def test_a_published_field_that_is_not_chosen_stays_as_it_is(shared_data: Path) -> None:
    body = json.loads((shared_data / "crm-events/pipedrive/v2_deal_change_custom_field.json").read_bytes())
    [key] = body["data"]["custom_fields"]
    fresh = Connection("crm", "pipedrive", LocalText("CRM"), fields={"deal": {"place": key}})
    for connection in (fresh, replace(fresh, options={"deal": {key: None}})):
        [delivery] = PipedriveInbound().split_and_normalise(HookRequest(json.dumps(body).encode(), NOW), connection)
        assert delivery.event is not None
        assert delivery.event.data["deal"]["place"] == "Tallinn, Estonia"
        assert delivery.event.previous["deal"]["place"] is None
        assert delivery.doubt is None
