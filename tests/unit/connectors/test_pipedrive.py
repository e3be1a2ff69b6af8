"""Pipedrive's two webhook bodies: what each becomes, and how a repetition is known."""

import base64
import json
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhub.connectors.asking.orders import their_reason
from taskhub.connectors.inbound import HookRequest
from taskhub.connectors.own_write import is_own_write
from taskhub.connectors.pipedrive.inbound import PipedriveInbound
from taskhub.connectors.registry import inbound_for
from taskhub.errors import InvalidInput, NotFound, Unauthenticated
from taskhub.events.model import Delivery, Doubt, Event
from taskhub.policy.policies import Connection
from taskhub.policy.text import LocalText

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
CONNECTION = Connection(
    "crm",
    "pipedrive",
    LocalText("CRM"),
    fields={"deal": {"language": "a" * 40, "segment": "b" * 40, "region": "region_name"}},
    stages={"deal": {"2": "talk", "3": "offer"}},
    users={"7": "ana"},
    settings={"pipelines": {"1": "sales"}, "lost_labels": {"label-1": "no budget"}, "own_user": 99},
)
DEAL = {
    "id": 8,
    "title": "Acme",
    "value": 100,
    "currency": "EUR",
    "stage_id": 2,
    "pipeline_id": 1,
    "status": "open",
    "lost_reason": None,
    "owner_id": 7,
    "person_id": 5,
    "org_id": None,
    "custom_fields": {},
    "add_time": "2026-05-04T08:00:00Z",
    "update_time": "2026-05-04T08:30:00Z",
}
LEAD = {"id": "u-1", "title": "Acme", "value": None, "is_archived": False, "label_ids": [], "owner_id": 7}
ACTIVITY = {"id": 3, "subject": "Call", "type": "call", "done": False, "deal_id": 8, "lead_id": None}


def body(entity: str, action: str, data: Any, previous: Any = None, **meta: Any) -> dict[str, Any]:
    entity_id = str(data["id"]) if isinstance(data, dict) else "8"
    said = {"action": action, "entity": entity, "entity_id": entity_id, "id": "m1", "company_id": "1", "version": "2.0"}
    more = {"timestamp": "2026-05-04T08:30:00.724Z", "attempt": 1, "webhook_id": "w1", "user_id": "7"}
    return {"data": data, "previous": previous, "meta": {**said, **more, **meta}}


def read(value: Any, connection: Connection = CONNECTION) -> Delivery:
    request = HookRequest(json.dumps(value).encode(), NOW)
    [delivery] = PipedriveInbound().split_and_normalise(request, connection)
    return delivery


def accepted(value: Any, connection: Connection = CONNECTION) -> Event:
    delivery = read(value, connection)
    assert delivery.outcome == "accepted", delivery.reason
    assert delivery.event is not None
    return delivery.event


def changed(entity: str, data: dict[str, Any], previous: dict[str, Any], **now: Any) -> Event:
    return accepted(body(entity, "change", {**data, **now}, previous))


class TestTypes:
    @pytest.mark.parametrize(
        ("previous", "now", "types"),
        [
            ({"stage_id": 2}, {"stage_id": 3}, ("deal.stage_changed",)),
            ({"status": "open"}, {"status": "won"}, ("deal.won",)),
            ({"status": "open"}, {"status": "lost", "lost_reason": "price"}, ("deal.lost",)),
            ({"status": "lost", "lost_reason": "price"}, {"status": "open"}, ("deal.reopened", "deal.updated")),
            (
                {"status": "open", "stage_id": 2, "value": 1},
                {"status": "won", "stage_id": 3},
                ("deal.won", "deal.stage_changed", "deal.updated"),
            ),
            ({"value": 50}, {}, ("deal.updated",)),
            ({"custom_fields": {"c" * 40: None}}, {}, ("deal.updated",)),
            ({}, {}, ("deal.updated",)),
        ],
    )
    def test_of_a_deal(self, previous: dict[str, Any], now: dict[str, Any], types: tuple[str, ...]) -> None:
        assert changed("deal", DEAL, previous, **now).types == types

    @pytest.mark.parametrize(
        ("previous", "now", "types"),
        [
            ({"is_archived": False}, {"is_archived": True}, ("lead.lost",)),
            ({"is_archived": True}, {}, ("lead.reopened",)),
            ({"label_ids": []}, {"label_ids": ["label-1"]}, ("lead.lost", "lead.updated")),
            ({"owner_id": 8}, {}, ("lead.taken_over",)),
            ({"value": None}, {"value": {"amount": 5, "currency": "EUR"}}, ("lead.updated",)),
        ],
    )
    def test_of_a_lead(self, previous: dict[str, Any], now: dict[str, Any], types: tuple[str, ...]) -> None:
        assert changed("lead", LEAD, previous, **now).types == types

    def test_archiving_means_nothing_when_the_setting_says_so(self) -> None:
        settings = {"lead_lost_when_archived": False}
        event = accepted(
            body("lead", "change", {**LEAD, "is_archived": True}, {"is_archived": False}),
            replace(CONNECTION, settings=settings),
        )
        assert event.types == ("lead.updated",)

    @pytest.mark.parametrize(
        ("theirs", "ours"),
        [("Too expensive", "price"), ("too dear", "price"), ("Trop cher", "price"), ("Rain", "Rain"), ("", None)],
    )
    def test_a_deals_text_is_our_lost_reason_and_ours_is_their_text(self, theirs: str, ours: str | None) -> None:
        words = {"lost_reasons": {"deal": {"Too expensive": "price"}}}
        names = {"deal": {"price": LocalText("Too dear", {"fr": "Trop cher"}), "need": LocalText("No need")}}
        connection = replace(CONNECTION, settings={**CONNECTION.settings, **words}, reason_names=names)
        lost = body("deal", "change", {**DEAL, "status": "lost", "lost_reason": theirs}, {"status": "open"})
        assert accepted(lost, connection).data["deal"]["lost_reason"] == ours
        assert their_reason(connection, "deal", "price") == "Too expensive"
        assert their_reason(connection, "deal", "need") == "No need"
        assert their_reason(connection, "deal", "whatever") == "whatever"

    def test_a_label_gives_the_lost_reason(self) -> None:
        event = changed("lead", LEAD, {"label_ids": []}, label_ids=["label-1"])
        assert event.data["lead"]["lost_reason"] == "no budget"

    @pytest.mark.parametrize(
        ("entity", "data", "types"),
        [
            ("deal", DEAL, ("deal.created",)),
            ("deal", {**DEAL, "status": "won"}, ("deal.won", "deal.created")),
            ("lead", LEAD, ("lead.created",)),
            ("activity", {**ACTIVITY, "done": True}, ("activity.completed", "activity.created")),
            ("person", {"id": 5, "name": "Zoé"}, ("contact.created",)),
            ("organization", {"id": 5, "name": "Acme"}, ("account.created",)),
        ],
    )
    def test_of_a_new_record(self, entity: str, data: dict[str, Any], types: tuple[str, ...]) -> None:
        assert accepted(body(entity, "create", data)).types == types

    def test_of_a_finished_activity(self) -> None:
        event = changed("activity", ACTIVITY, {"done": False}, done=True)
        assert event.types == ("activity.completed",)
        assert event.data["deal"] == {"id": "crm:8"}

    def test_of_a_deletion(self) -> None:
        event = accepted(body("lead", "delete", None, {**LEAD, "deal_id": 9}, entity_id="u-1"))
        assert (event.types, event.record) == (("lead.deleted",), ("lead", "crm:u-1"))
        assert event.data == {"lead": {"id": "crm:u-1", "deleted": True, "deal": "crm:9"}}
        assert event.occurred_at == datetime(2026, 5, 4, 8, 30, 0, 724_000, tzinfo=UTC)

    def test_of_a_merge(self) -> None:
        """The record that goes names the one it went into; the other half is a plain change of that one."""
        event = accepted(body("person", "delete", None, {"id": 5, "name": "Zoé"}, entity_id="5", merged_to_id=7))
        assert (event.types, event.record) == (("contact.merged",), ("contact", "crm:5"))
        assert event.data == {"contact": {"id": "crm:5", "deleted": True, "merged_into": "crm:7"}}

    def test_of_a_merge_in_the_older_body(self) -> None:
        """It does not say which of the two it names: that one is looked at."""
        meta = {"action": "merged", "object": "person", "id": 5, "timestamp_micro": 1777883400000000}
        delivery = read({"v": 1, "event": "merged.person", "meta": meta, "current": {"id": 5}, "previous": {"id": 5}})
        assert (delivery.outcome, delivery.reason) == ("ignored", "merged: which record went is not told")
        assert delivery.doubt == Doubt("contact", "crm:5")


class TestFields:
    def test_of_a_deal(self) -> None:
        event = accepted(body("deal", "create", DEAL))
        assert event.data["deal"] == {
            "id": "crm:8",
            "title": "Acme",
            "amount": 100,
            "currency": "EUR",
            "stage": "talk",
            "pipeline": "sales",
            "status": "open",
            "lost_reason": None,
            "owner": "ana",
            "contact": "crm:5",
            "account": None,
        }
        assert event.by == "crm:7"

    def test_unmapped_ids_stay_what_they_are(self) -> None:
        deal = accepted(body("deal", "create", {**DEAL, "stage_id": 77, "owner_id": 12, "pipeline_id": 4})).data["deal"]
        assert (deal["stage"], deal["owner"], deal["pipeline"]) == ("77", "crm:12", "4")

    def test_fields_of_the_customers_own(self) -> None:
        custom = {"a" * 40: {"type": "enum", "id": 3}, "b" * 40: None, "c" * 40: {"type": "text", "value": "x"}}
        deal = accepted(body("deal", "create", {**DEAL, "custom_fields": custom, "region_name": "EU"})).data["deal"]
        assert (deal["language"], deal["segment"], deal["region"]) == ("3", None, "EU")

    def test_changes_of_the_customers_own_fields(self) -> None:
        key = "b" * 40
        event = changed(
            "deal", DEAL, {"custom_fields": {key: None}}, custom_fields={key: {"type": "varchar", "value": "x"}}
        )
        assert event.previous == {"deal": {"segment": None}}

    @pytest.mark.parametrize(
        ("emails", "email"),
        [
            ([{"value": "a@x"}, {"value": "b@x", "primary": True}], "b@x"),
            ([{"value": "a@x"}], "a@x"),
            ([{"value": ""}], None),
            ([], None),
            ("c@x", "c@x"),
        ],
    )
    def test_the_first_address(self, emails: Any, email: str | None) -> None:
        assert accepted(body("person", "create", {"id": 5, "emails": emails})).data["contact"]["email"] == email

    def test_the_version_is_the_records_then_the_events_own_instant(self) -> None:
        first = changed("deal", DEAL, {"stage_id": 2}, stage_id=3)
        second = accepted(body("deal", "change", DEAL, {"stage_id": 3}, timestamp="2026-05-04T08:30:00.900Z", id="a"))
        assert first.occurred_at == second.occurred_at == datetime(2026, 5, 4, 8, 30, tzinfo=UTC)
        assert first.version < second.version


class TestVersion1:
    BODY: ClassVar[dict[str, Any]] = {
        "v": 1,
        "event": "updated.deal",
        "retry": 0,
        "meta": {
            "action": "updated",
            "object": "deal",
            "id": 8,
            "company_id": 1,
            "user_id": 7,
            "timestamp": 1_777_884_300,
            "timestamp_micro": 1_777_884_300_250_000,
            "webhook_id": "w1",
        },
        "current": {"id": 8, "user_id": 7, "stage_id": 3, "value": 5, "update_time": "2026-05-04 08:45:00", "new": 1},
        "previous": {"id": 8, "user_id": 7, "stage_id": 2, "value": 5, "update_time": "2026-05-04 08:30:00", "old": 1},
    }

    def test_the_difference_is_what_changed(self) -> None:
        event = accepted(self.BODY)
        assert event.types == ("deal.stage_changed",)
        assert event.previous == {"deal": {"stage": "talk"}}
        assert event.occurred_at == datetime(2026, 5, 4, 8, 45, tzinfo=UTC)

    def test_a_retry_is_the_same(self) -> None:
        again = {**self.BODY, "retry": 2, "meta": {**self.BODY["meta"], "webhook_id": "w2"}}
        assert read(again) == read(self.BODY)

    def test_a_merge_is_looked_at(self) -> None:
        merged = {**self.BODY, "meta": {**self.BODY["meta"], "action": "merged"}}
        assert read(merged).reason == "merged: which record went is not told"


class TestIdentity:
    def test_retries_and_overlapping_subscriptions_are_one(self) -> None:
        first = body("deal", "create", DEAL)
        again = body("deal", "create", DEAL, attempt=3, webhook_id="w2", webhook_owner_id="9", permitted_user_ids=["1"])
        assert read(first) == read(again)

    def test_numbers_and_text_are_the_same_id(self) -> None:
        assert (
            read(body("deal", "create", DEAL)).delivery_key
            == read(body("deal", "create", DEAL, company_id=1)).delivery_key
        )

    @pytest.mark.parametrize("other", [{"id": "m2"}, {"timestamp": "2026-05-04T08:30:01Z"}, {"correlation_id": "c"}])
    def test_other_facts_are_others(self, other: dict[str, Any]) -> None:
        assert (
            read(body("deal", "create", DEAL)).delivery_key != read(body("deal", "create", DEAL, **other)).delivery_key
        )

    def test_another_body_under_one_key_is_seen(self) -> None:
        one, two = read(body("deal", "create", DEAL)), read(body("deal", "create", {**DEAL, "value": 1}))
        assert one.delivery_key == two.delivery_key
        assert one.body_hash != two.body_hash

    def test_two_connections_do_not_meet(self) -> None:
        other = replace(CONNECTION, key="crm2")
        assert read(body("deal", "create", DEAL)).delivery_key != read(body("deal", "create", DEAL), other).delivery_key


class TestNotApplied:
    @pytest.mark.parametrize(
        ("value", "outcome", "reason"),
        [
            (body("user", "change", {"id": 1}), "ignored", "entity_not_followed: user"),
            (body("deal", "archive", DEAL), "ignored", "action_not_followed: archive"),
            (body("deal", "create", None), "quarantined", "no_record"),
            (body("deal", "create", {"id": None}, entity_id=None), "quarantined", "no_record"),
            (body("deal", "create", [DEAL]), "quarantined", "bad_field: data must be an object"),
            (body("deal", "change", DEAL, "stage"), "quarantined", "bad_field: previous must be an object"),
            (body("deal", "create", {**DEAL, "value": True}), "quarantined", "bad_field: deal.amount must be a number"),
            (
                body("lead", "create", {**LEAD, "value": 5}),
                "quarantined",
                "bad_field: lead.value must be an object with amount and currency",
            ),
            (body("deal", "create", DEAL, timestamp="soon"), "quarantined", "bad_field: meta.timestamp is no time"),
            (body("deal", "create", {**DEAL, "update_time": True}), "quarantined", "bad_field: update_time is no time"),
            (
                body("deal", "create", {**DEAL, "update_time": "0001-01-01"}),
                "quarantined",
                "bad_field: update_time is no time",
            ),
            (body("deal", "", DEAL), "quarantined", "bad_field: meta.action is missing"),
            ({"meta": {}}, "quarantined", "bad_field: meta.action is missing"),
        ],
    )
    def test_reasons(self, value: Any, outcome: str, reason: str) -> None:
        delivery = read(value)
        assert (delivery.outcome, delivery.reason, delivery.event) == (outcome, reason, None)

    @pytest.mark.parametrize("value", [{}, [], [{}], "x", None, {"meta": "x"}, {"data": DEAL}])
    def test_no_envelope(self, value: Any) -> None:
        with pytest.raises(InvalidInput) as refused:
            read(value)
        assert refused.value.stable_code == "no_envelope"

    def test_another_company(self) -> None:
        delivery = read(body("deal", "create", DEAL), replace(CONNECTION, settings={"company_id": 2}))
        assert (delivery.outcome, delivery.reason) == (
            "quarantined",
            "bad_field: meta.company_id is not this connection's company",
        )

    def test_not_json(self) -> None:
        with pytest.raises(InvalidInput):
            PipedriveInbound().split_and_normalise(HookRequest(b"<xml/>", NOW), CONNECTION)


class TestVerify:
    SECRETS: ClassVar = {"user": "hook", "password": "pä:ss", "path": "s3cret"}

    def verify(self, secrets: dict[str, str], header: str | None = None, path: str | None = None) -> None:
        headers = {} if header is None else {"authorization": header}
        request = HookRequest(b"{}", NOW, headers=headers, path_secret=path)
        PipedriveInbound().verify(request, CONNECTION, secrets)

    def basic(self, text: str) -> str:
        return "Basic " + base64.b64encode(text.encode()).decode()

    def test_both_are_met(self) -> None:
        self.verify(self.SECRETS, self.basic("hook:pä:ss"), "s3cret")

    def test_either_alone(self) -> None:
        self.verify({"path": "s3cret"}, None, "s3cret")
        self.verify({"password": "p"}, self.basic(":p"))

    @pytest.mark.parametrize(
        ("credentials", "path"),
        [
            (None, "s3cret"),
            ("hook:wrong", "s3cret"),
            ("other:pä:ss", "s3cret"),
            ("hook:pä:ss", None),
            ("hook:pä:ss", "S3cret"),
            ("", "s3cret"),
        ],
    )
    def test_anything_else_is_refused(self, credentials: str | None, path: str | None) -> None:
        with pytest.raises(Unauthenticated):
            self.verify(self.SECRETS, None if credentials is None else self.basic(credentials), path)

    @pytest.mark.parametrize("header", ["Basic", "Basic !!", "Bearer x", "Basic /w==", "basic aG9vaw=="])
    def test_odd_headers_are_refused(self, header: str) -> None:
        with pytest.raises(Unauthenticated):
            self.verify(self.SECRETS, header, "s3cret")

    def test_without_secrets_nobody_gets_in(self) -> None:
        with pytest.raises(Unauthenticated):
            self.verify({}, self.basic(":"), "")


def test_the_answer_is_always_a_success() -> None:
    assert PipedriveInbound().answer([]).status == 200


def test_the_registry() -> None:
    assert isinstance(inbound_for("pipedrive"), PipedriveInbound)
    with pytest.raises(NotFound) as missing:
        inbound_for("abacus")
    assert missing.value.stable_code == "system_unknown"


def test_our_own_writes_are_known() -> None:
    assert is_own_write(accepted(body("deal", "create", DEAL, user_id=99)), CONNECTION)
    assert not is_own_write(accepted(body("deal", "create", DEAL)), CONNECTION)
    assert not is_own_write(accepted(body("deal", "create", DEAL)), replace(CONNECTION, settings={}))


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
known = sorted({*DEAL, *LEAD, *ACTIVITY, "emails", "user_id", "label_ids", "value"})
records = st.dictionaries(st.sampled_from(known), anything, max_size=6)
metas = st.dictionaries(
    st.sampled_from(["action", "entity", "object", "id", "timestamp", "entity_id", "company_id"]), anything
)
samples = [("deal", DEAL), ("lead", LEAD), ("activity", ACTIVITY), ("person", {"id": 1})]


@given(
    st.sampled_from(samples),
    st.sampled_from(["create", "change", "delete"]),
    records | anything,
    records | anything,
    metas,
    st.booleans(),
)
def test_any_body_is_read_ignored_or_quarantined(
    sample: tuple[str, dict[str, Any]], action: str, data: Any, previous: Any, meta: dict[str, Any], old: bool
) -> None:
    entity, record = deepcopy(sample)
    told = {**record, **data} if isinstance(data, dict) else data
    value = body(entity, action, told if isinstance(told, dict) and "id" in told else record, previous)
    value["meta"].update(meta)
    if old:
        value["meta"].setdefault("object", value["meta"].pop("entity"))
        value["current"] = value.pop("data")
    if "Infinity" in json.dumps(value):
        return
    try:
        delivery = read(value)
    except InvalidInput:
        return
    assert (delivery.event is None) is (delivery.reason is not None)
    assert delivery.outcome in ("accepted", "ignored", "quarantined")
    assert read(value) == delivery
