"""Change events: what each becomes, and what is not known without asking Salesforce."""

import json
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from taskhub.connectors.inbound import HookRequest
from taskhub.connectors.own_write import is_own_write
from taskhub.connectors.salesforce.inbound import SalesforceInbound
from taskhub.events.model import Doubt
from taskhub.sales.stated import change_key, stated_changes
from tests.unit.connectors.salesforce.said import (
    AAY,
    ACCOUNT,
    AT,
    CONNECTION,
    CONTACT,
    DEAL,
    EAY,
    LEAD,
    MILLIS,
    NOW,
    OTHER_USER,
    OWN_USER,
    TASK,
    USER,
    accepted,
    change,
    header,
    only,
    read,
)  # fmt: skip

OTHER_LEAD = "00Q5f0000000009EAA"
CALLED = replace(CONNECTION, secrets={"client_id": "SF_ID", "client_secret": "SF_SECRET"})


class TestTypes:
    @pytest.mark.parametrize(
        ("fields", "types"),
        [
            ({"StageName": "Proposal"}, ("deal.stage_changed",)),
            ({"StageName": "Closed Won", "IsClosed": True, "IsWon": True}, ("deal.won", "deal.stage_changed")),
            ({"StageName": "Closed Won"}, ("deal.won", "deal.stage_changed")),
            ({"StageName": "Signed"}, ("deal.won", "deal.stage_changed")),
            ({"StageName": "Verloren", "IsClosed": True}, ("deal.lost", "deal.stage_changed")),
            ({"IsClosed": True, "IsWon": False}, ("deal.lost",)),
            ({"StageName": "Proposal", "IsClosed": False}, ("deal.reopened", "deal.stage_changed")),
            ({"Amount": 5}, ("deal.updated",)),
            ({"OwnerId": USER}, ("deal.updated",)),
            ({"NextStep": "call"}, ("deal.updated",)),
        ],
    )
    def test_of_a_changed_deal(self, fields: dict[str, Any], types: tuple[str, ...]) -> None:
        assert accepted(change("Opportunity", "UPDATE", DEAL, fields)).types == types

    @pytest.mark.parametrize(
        ("fields", "types"),
        [
            ({"Status": "Working"}, ("lead.stage_changed",)),
            ({"Status": "Rejected"}, ("lead.lost", "lead.stage_changed")),
            ({"Status": "Closed - Not Converted"}, ("lead.lost", "lead.stage_changed")),
            ({"OwnerId": USER}, ("lead.taken_over",)),
            ({"Email": "a@x"}, ("lead.updated",)),
            ({"IsConverted": True, "ConvertedAccountId": ACCOUNT}, ("lead.converted", "lead.updated")),
        ],
    )
    def test_of_a_changed_lead(self, fields: dict[str, Any], types: tuple[str, ...]) -> None:
        assert accepted(change("Lead", "UPDATE", LEAD, fields)).types == types

    @pytest.mark.parametrize(
        ("entity", "id_", "fields", "types"),
        [
            ("Lead", LEAD, {"Company": "Acme"}, ("lead.created",)),
            ("Opportunity", DEAL, {"IsWon": True, "IsClosed": True}, ("deal.won", "deal.created")),
            ("Contact", CONTACT, {}, ("contact.created",)),
            ("Account", ACCOUNT, {}, ("account.created",)),
            ("Task", TASK, {"Status": "Open"}, ("activity.created",)),
            ("Task", TASK, {"Status": "Completed"}, ("activity.completed", "activity.created")),
            ("Enquiry__c", LEAD, {}, ("lead.created",)),
        ],
    )
    def test_of_a_new_record(self, entity: str, id_: str, fields: dict[str, Any], types: tuple[str, ...]) -> None:
        assert accepted(change(entity, "CREATE", id_, fields)).types == types

    def test_a_task_that_is_done(self) -> None:
        event = accepted(change("Task", "UPDATE", TASK, {"Status": "Completed", "IsClosed": True}))
        assert event.types == ("activity.completed",)
        assert event.data["activity"]["done"] is True

    @pytest.mark.parametrize("kind", ["DELETE", "GAP_DELETE"])
    def test_a_deletion_says_all_there_is_to_say(self, kind: str) -> None:
        event = accepted(change("Lead", kind, LEAD, {}))
        assert (event.types, event.record) == (("lead.deleted",), ("lead", f"sf:{LEAD}{EAY}"))
        assert event.data == {"lead": {"id": f"sf:{LEAD}{EAY}", "deleted": True}}

    @pytest.mark.parametrize(
        ("entity", "noun", "id_", "end"), [("Lead", "lead", LEAD, EAY), ("Account", "account", ACCOUNT, AAY)]
    )
    def test_a_deletion_that_names_a_winner_is_a_merge(self, entity: str, noun: str, id_: str, end: str) -> None:
        event = accepted(change(entity, "DELETE", id_, {"MasterRecordId": OTHER_LEAD}), CALLED)
        assert (event.types, event.record) == ((f"{noun}.merged",), (noun, f"sf:{id_}{end}"))
        assert event.data[noun] == {"id": f"sf:{id_}{end}", "deleted": True, "merged_into": f"sf:{OTHER_LEAD}"}

    @pytest.mark.parametrize("kind", ["DELETE", "GAP_DELETE"])
    def test_one_that_names_none_is_asked_for_where_that_can_be(self, kind: str) -> None:
        delivery = only(change("Lead", kind, LEAD, {}), CALLED)
        assert (delivery.outcome, delivery.reason) == ("ignored", "reread_needed: deleted_or_merged")
        assert delivery.doubt == Doubt("lead", f"sf:{LEAD}{EAY}", gone=True)
        assert accepted(change("Opportunity", kind, DEAL, {}), CALLED).types == ("deal.deleted",)

    def test_a_record_that_is_brought_back(self) -> None:
        event = accepted(change("Lead", "UNDELETE", LEAD, {"Company": "Acme"}))
        assert event.types == ("lead.updated",)
        assert stated_changes(event).fields["deleted"] == (True, False)
        assert event.data["lead"]["company"] == "Acme"


class TestFields:
    def test_of_a_deal(self) -> None:
        fields = {
            "Name": "Acme", "Amount": 1200.5, "CurrencyIsoCode": "EUR", "CloseDate": 1653955200000, "OwnerId": USER,
            "AccountId": ACCOUNT, "StageName": "Proposal", "RecordTypeId": "0125f000000AbcDEFG",
            "Renewal__c": "2027-01-31", "Reason__c": "Too expensive", "Probability": 10,
        }  # fmt: skip
        event = accepted(change("Opportunity", "CREATE", DEAL, fields))
        assert event.data == {
            "deal": {
                "id": f"sf:{DEAL}{AAY}", "title": "Acme", "amount": 1200.5, "currency": "EUR", "owner": "ana",
                "expected_close_on": "2022-05-31", "account": f"sf:{ACCOUNT}{AAY}", "stage": "offer",
                "pipeline": "sales", "renewal_on": "2027-01-31", "lost_reason": "price", "status": "open",
            }
        }  # fmt: skip
        assert event.by == f"sf:{USER}"

    @pytest.mark.parametrize("value", ["2027-01-31", 1801353600000])
    def test_dates_come_in_two_forms(self, value: Any) -> None:
        deal = accepted(change("Opportunity", "UPDATE", DEAL, {"Renewal__c": value})).data["deal"]
        assert deal["renewal_on"] == "2027-01-31"

    def test_nobody_mapped_them_so_they_stay(self) -> None:
        fields = {"StageName": "Perception", "OwnerId": OTHER_USER, "RecordTypeId": "0125f000000XbcDEFG"}
        deal = accepted(change("Opportunity", "UPDATE", DEAL, fields)).data["deal"]
        wanted = {"stage": "Perception", "owner": f"sf:{OTHER_USER}", "pipeline": "0125f000000XbcDEFG"}
        assert deal == {"id": f"sf:{DEAL}{AAY}", **wanted}

    def test_null_means_not_changed_unless_it_is_named(self) -> None:
        told = change("Lead", "UPDATE", LEAD, {"Company": None, "Email": "a@x", "Phone": None})
        told["ChangeEventHeader"]["changedFields"] = ["Email"]
        told["ChangeEventHeader"]["nulledFields"] = ["Phone"]
        assert accepted(told).data["lead"] == {"id": f"sf:{LEAD}{EAY}", "email": "a@x", "phone": None}

    def test_of_a_new_record_null_is_empty(self) -> None:
        event = accepted(change("Opportunity", "CREATE", DEAL, {"Amount": None, "Name": "Acme"}))
        assert event.data["deal"]["amount"] is None
        assert set(stated_changes(event).fields) == {"title", "status"}

    def test_enriched_fields_are_known_and_have_not_moved(self) -> None:
        told = change("Lead", "UPDATE", LEAD, {"Company": "Acme", "Email": "a@x"}, changedFields=["Email"])
        event = accepted(told)
        assert event.data["lead"]["company"] == "Acme"
        assert set(stated_changes(event).fields) == {"email"}

    def test_a_lead_is_open_until_a_word_ends_it(self) -> None:
        lost = accepted(change("Lead", "UPDATE", LEAD, {"Status": "Rejected"}))
        again = accepted(change("Lead", "UPDATE", LEAD, {"Status": "Nurturing"}))
        assert [one.data["lead"]["status"] for one in (lost, again)] == ["lost", "open"]
        assert again.types == ("lead.stage_changed",)
        assert set(stated_changes(again).fields) == {"stage"}

    def test_a_deal_is_what_its_flags_say(self) -> None:
        def status(**fields: Any) -> Any:
            return accepted(change("Opportunity", "UPDATE", DEAL, fields)).data["deal"].get("status")

        assert status(StageName="Gewonnen") is None
        assert status(StageName="Gewonnen", IsClosed=True, IsWon=True) == "won"
        assert status(StageName="Proposal") == "open"

    def test_a_name_in_parts(self) -> None:
        created = change("Lead", "CREATE", LEAD, {"Name": {"Salutation": "Mr.", "FirstName": "Zoé", "LastName": "B"}})
        assert accepted(created).data["lead"]["name"] == "Zoé B"
        alone = change("Lead", "CREATE", LEAD, {"Name": {"LastName": "B"}})
        assert accepted(alone).data["lead"]["name"] == "B"
        married = change("Lead", "UPDATE", LEAD, {"Name": {"LastName": "C"}}, changedFields=["Name.LastName"])
        event, doubt = read(married)
        assert event.event is not None
        assert "name" not in event.event.data["lead"]
        assert (doubt.outcome, doubt.reason) == ("ignored", "reread_needed: name_in_parts")
        assert doubt.subject == event.subject == f"lead:sf:{LEAD}{EAY}"

    def test_part_of_a_compound_field(self) -> None:
        told = change("Lead", "UPDATE", LEAD, {"Address": {"City": "Lyon"}}, changedFields=["Address.City"])
        event = accepted(told)
        assert event.data["lead"]["city"] == "Lyon"
        assert set(stated_changes(event).fields) == {"city"}

    def test_the_difference_of_a_long_text_is_no_value(self) -> None:
        told = change(
            "Opportunity", "UPDATE", DEAL, {"Reason__c": "--- a\n+++ b", "Amount": 5}, diffFields=["Reason__c"]
        )
        event, doubt = read(told)
        assert event.event is not None
        assert "lost_reason" not in event.event.data["deal"]
        assert doubt.reason == "reread_needed: difference_only: Reason__c"

    def test_what_a_task_is_about(self) -> None:
        event = accepted(change("Task", "CREATE", TASK, {"WhoId": LEAD, "WhatId": DEAL, "Subject": "Call"}))
        assert event.data["lead"] == {"id": f"sf:{LEAD}{EAY}"}
        assert event.data["deal"] == {"id": f"sf:{DEAL}{AAY}"}
        assert event.data["activity"]["title"] == "Call"
        other = accepted(change("Task", "CREATE", TASK, {"WhatId": "500000000000001"}))
        assert other.data == {"activity": {"id": f"sf:{TASK}{EAY}"}}


class TestConversion:
    def test_is_one_event_that_ties_the_records(self) -> None:
        ids = {"ConvertedAccountId": ACCOUNT, "ConvertedContactId": CONTACT, "ConvertedOpportunityId": DEAL}
        told = change("Lead", "UPDATE", LEAD, {"Status": "Closed - Converted", "IsConverted": True, **ids})
        event = accepted(told)
        deal, contact, account = (f"sf:{one}{AAY}" for one in (DEAL, CONTACT, ACCOUNT))
        lead = f"sf:{LEAD}{EAY}"
        assert event.types[0] == "lead.converted"
        assert event.data["lead"]["status"] == "converted"
        assert event.data["deal"] == {"id": deal, "lead": lead, "contact": contact, "account": account}
        assert event.data["contact"] == {"id": contact, "account": account}

    def test_without_a_deal(self) -> None:
        event = accepted(change("Lead", "UPDATE", LEAD, {"IsConverted": True, "ConvertedAccountId": ACCOUNT}))
        assert set(event.data) == {"lead"}

    def test_the_rest_of_the_transaction_is_what_it_is(self) -> None:
        """Each with its own key although they share a transaction; holes in the sequence mean nothing."""
        told = [
            change("Account", "CREATE", ACCOUNT, {"Name": "Acme"}, sequenceNumber=1),
            change("Opportunity", "CREATE", DEAL, {"Name": "Acme-"}, sequenceNumber=5),
            change("Lead", "UPDATE", LEAD, {"IsConverted": True}, sequenceNumber=9),
        ]
        found = read(told)
        assert [one.event.types[0] for one in found if one.event] == [
            "account.created",
            "deal.created",
            "lead.converted",
        ]
        assert len({one.delivery_key for one in found}) == 3


class TestNotKnown:
    @pytest.mark.parametrize("kind", ["GAP_CREATE", "GAP_UPDATE", "GAP_UNDELETE"])
    def test_a_gap_asks_for_the_record(self, kind: str) -> None:
        delivery = only(change("Lead", kind, LEAD, {}))
        assert (delivery.outcome, delivery.reason) == ("ignored", f"reread_needed: {kind.lower()}")
        assert delivery.subject == f"lead:sf:{LEAD}{EAY}"

    @pytest.mark.parametrize(
        ("kind", "id_", "reason"),
        [
            ("GAP_OVERFLOW", "000000000000000AAA", "resync_needed: Lead: more changes than events"),
            ("GAP_UPDATE", "00Q*", "resync_needed: Lead: 00Q*"),
            ("UPDATE", "001*", "resync_needed: Lead: 001*"),
            ("UPDATE", "000000000000000AAA", "resync_needed: Lead: 000000000000000AAA"),
        ],
    )
    def test_what_names_no_record_asks_for_all(self, kind: str, id_: str, reason: str) -> None:
        delivery = only(change("Lead", kind, id_, {}))
        assert (delivery.outcome, delivery.reason, delivery.subject) == ("ignored", reason, None)
        assert delivery.type == f"salesforce.Lead.{kind}"

    def test_bits_that_fit_no_field(self) -> None:
        told = change("Lead", "UPDATE", LEAD, {"Status": "Working"}, changedFields=["0x7"])
        assert only(told).reason == "reread_needed: unknown_fields"

    def test_an_event_without_any_time_is_taken_and_marked(self) -> None:
        told = change("Lead", "UPDATE", LEAD, {"Status": "Working"}, commitTimestamp=None)
        event, doubt = read(told)
        assert event.occurred_at == NOW
        assert doubt.reason == "reread_needed: no_time"
        assert doubt.delivery_key != event.delivery_key


class TestNotFollowed:
    @pytest.mark.parametrize(
        ("told", "outcome", "reason"),
        [
            (change("Case", "CREATE", "500000000000001", {}), "ignored", "entity_not_followed: Case"),
            (change("Lead", "SNAPSHOT", LEAD, {}), "ignored", "change_not_followed: SNAPSHOT"),
            (change("Lead", "CREATE", None, {}), "quarantined", "no_record"),
            (change("Lead", "CREATE", 7, {}), "quarantined",
             "bad_field: recordIds is no Salesforce id of 15 or 18 characters"),
            (change("Lead", "CREATE", "00Q", {}), "quarantined",
             "bad_field: recordIds is no Salesforce id of 15 or 18 characters"),
            (change("Opportunity", "CREATE", DEAL, {"Amount": True}), "quarantined",
             "bad_field: deal.amount must be a number"),
            (change("Lead", "CREATE", LEAD, {}, commitTimestamp="soon"), "quarantined",
             "bad_field: commitTimestamp is no time"),
            (change("Lead", "UPDATE", LEAD, {"LastModifiedDate": 10**18}), "quarantined",
             "bad_field: LastModifiedDate is no time"),
            (change("Lead", "UPDATE", LEAD, {"OwnerId": "ana"}), "quarantined",
             "bad_field: OwnerId is no Salesforce id of 15 or 18 characters"),
            ({"ChangeEventHeader": "x"}, "quarantined", "bad_field: ChangeEventHeader must be an object"),
            ({"ChangeEventHeader": {}}, "ignored", "entity_not_followed: "),
        ],
    )  # fmt: skip
    def test_reasons(self, told: Any, outcome: str, reason: str) -> None:
        delivery = only(told)
        assert (delivery.outcome, delivery.reason, delivery.event) == (outcome, reason, None)

    @pytest.mark.parametrize(
        "origin",
        ["com/salesforce/api/rest/66.0;client=taskhub", "com/salesforce/api/soap/66.0;client=taskhub/"],
    )
    def test_our_own_writes(self, origin: str) -> None:
        # What we wrote is known like everything else; no rule hears of it.
        told = accepted(change("Lead", "UPDATE", LEAD, {"Status": "Working"}, changeOrigin=origin))
        assert told.data["lead"]["stage"] == "contacted"
        assert is_own_write(told, CONNECTION)
        assert is_own_write(told, replace(CONNECTION, settings={}))

    def test_writes_of_the_user_we_write_as(self) -> None:
        told = change("Lead", "UPDATE", LEAD, {"Status": "Working"}, commitUser=OWN_USER + "XYZ")
        assert is_own_write(accepted(told), CONNECTION)
        assert not is_own_write(accepted(told), replace(CONNECTION, settings={}))

    @pytest.mark.parametrize("origin", ["com/salesforce/api/rest/66.0;client=taskhubber", "", None, 7])
    def test_writes_of_others(self, origin: Any) -> None:
        told = accepted(change("Lead", "UPDATE", LEAD, {"Status": "Working"}, changeOrigin=origin))
        assert not is_own_write(told, CONNECTION)


class TestIdentity:
    def test_several_records_have_an_effect_each(self) -> None:
        told = change("Lead", "UPDATE", LEAD, {"OwnerId": USER})
        told["ChangeEventHeader"]["recordIds"] = [LEAD, "00Q5f000005bwLG"]
        one, two = read(told)
        assert one.event is not None
        assert two.event is not None
        assert one.event.record != two.event.record
        assert one.event.types == two.event.types == ("lead.taken_over",)

    def test_cut_otherwise_they_are_the_same(self) -> None:
        """A relay that takes merged events apart repeats them, with or without a key."""
        for more in ({}, {"transactionKey": None}, {"sequenceNumber": None}):
            told = change("Lead", "UPDATE", LEAD, {"OwnerId": USER}, **more)
            told["ChangeEventHeader"]["recordIds"] = [LEAD, "00Q5f000005bwLG"]
            alone = deepcopy(told)
            alone["ChangeEventHeader"]["recordIds"] = [LEAD]
            assert read(told)[0] == only(alone)

    def test_both_forms_of_an_id_are_one_record(self) -> None:
        one, two = only(change("Lead", "CREATE", LEAD, {})), only(change("Lead", "CREATE", LEAD + EAY, {}))
        assert (one.delivery_key, one.subject) == (two.delivery_key, two.subject)

    @pytest.mark.parametrize("other", [{"transactionKey": "t-2"}, {"sequenceNumber": 2}])
    def test_other_facts_are_others(self, other: dict[str, Any]) -> None:
        one, two = only(change("Lead", "CREATE", LEAD, {})), only(change("Lead", "CREATE", LEAD, {}, **other))
        assert one.delivery_key != two.delivery_key

    def test_another_body_under_one_key_is_seen(self) -> None:
        one, two = only(change("Lead", "CREATE", LEAD, {})), only(change("Lead", "CREATE", LEAD, {"Company": "B"}))
        assert one.delivery_key == two.delivery_key
        assert one.body_hash != two.body_hash

    def test_two_connections_do_not_meet(self) -> None:
        told = change("Lead", "CREATE", LEAD, {})
        assert only(told).delivery_key != only(told, replace(CONNECTION, key="sf2")).delivery_key

    def test_the_wrapping_is_no_part_of_the_fact(self) -> None:
        told = change("Lead", "CREATE", LEAD, {"Company": "Acme"})
        streamed = {
            "data": {"schema": "x", "payload": told, "event": {"replayId": 5}},
            "channel": "/data/LeadChangeEvent",
        }
        pulled = {"event": {"id": "e", "schema_id": "s", "payload": told}, "replay_id": "AAA="}
        bus = {"detail-type": "LeadChangeEvent", "detail": {"payload": told, "replayId": 5}}
        assert only(streamed) == only(pulled) == only(bus) == only([told]) == only(told)

    def test_the_version_is_the_records_then_the_commits(self) -> None:
        first = accepted(change("Lead", "UPDATE", LEAD, {"Status": "A", "LastModifiedDate": MILLIS}))
        again = {"commitNumber": 101, "transactionKey": "a"}
        second = accepted(change("Lead", "UPDATE", LEAD, {"Status": "B", "LastModifiedDate": MILLIS}, **again))
        third = {"commitNumber": 101, "sequenceNumber": 10, "transactionKey": "a"}
        last = accepted(change("Lead", "UPDATE", LEAD, {"Status": "C", "LastModifiedDate": AT.isoformat()}, **third))
        assert first.occurred_at == second.occurred_at == last.occurred_at == AT
        assert first.version < second.version < last.version

    def test_a_change_has_one_key_however_it_was_relayed(self) -> None:
        named = accepted(change("Lead", "UPDATE", LEAD, {"Status": "Working", "LastModifiedDate": AT.isoformat()}))
        bits = {"ChangeEventHeader": header("Lead", "UPDATE", LEAD, changedFields=["0xA"], nulledFields=[]),
                "Status": "Working", "Company": None, "LastModifiedDate": MILLIS}  # fmt: skip
        decoded = accepted(bits)
        assert change_key(named, stated_changes(named)) == change_key(decoded, stated_changes(decoded))
        assert decoded.occurred_at - named.occurred_at == timedelta(0)

    def test_what_is_kept_reads_the_same(self) -> None:
        told = change("Lead", "UPDATE", LEAD, {"Name": {"LastName": "C"}}, changedFields=["Name.LastName"])
        told["ChangeEventHeader"]["recordIds"] = [LEAD, "00Q5f000005bwLG"]
        for one in read({"data": {"payload": told}}):
            assert one.kept is not None
            again = SalesforceInbound().split_and_normalise(HookRequest(one.kept[0], NOW), CONNECTION)
            assert one in again

    def test_a_session_id_that_somebody_relays_is_not_kept(self) -> None:
        told = {**change("Lead", "CREATE", LEAD, {}), "SessionId": "00Dx!LIVE", "x": [{"sessionId": "00Dx!LIVE"}]}
        delivery = only(told)
        assert delivery.kept is not None
        assert b"LIVE" not in delivery.kept[0]
        assert b"LIVE" not in json.dumps([str(delivery)]).encode()
