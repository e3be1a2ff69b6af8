"""What each message of Dataverse becomes, and how a repetition is known."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhub.connectors.dynamics.inbound import DynamicsInbound
from taskhub.connectors.inbound import HookRequest
from taskhub.errors import InvalidInput
from taskhub.events.model import Delivery, Doubt, Event
from taskhub.policy.policies import Connection
from taskhub.policy.text import LocalText
from tests.unit.connectors.dataverse import (
    APPLICATION,
    DEAL,
    LEAD,
    ORGANIZATION,
    OTHER_REP,
    REP,
    T0,
    TASK,
    choice,
    context,
    create,
    date,
    money,
    qualifying,
    ref,
    row,
    update,
)

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
AT = datetime.fromtimestamp(T0 / 1000, UTC)
STAGES = ("6b9ce798-221a-4260-90b2-2a95ed51a5bc", "650e06b4-789b-46c1-822b-0da76bedb1ed")
OTHER = "0f1bcf6e-0d1f-4c0e-9a55-3d2f6c1b7a11"
EURO = "63697dfb-4f77-e811-a84e-000d3a2a979c"
CONNECTION = Connection(
    "crm",
    "dynamics",
    LocalText("CRM"),
    fields={"lead": {"segment": "new_segment", "interests": "new_Interests"}, "deal": {"renewal_on": "new_renewal"}},
    stages={"lead": {STAGES[0].upper(): "qualify"}, "deal": {STAGES[1]: "develop", "Propose": "propose"}},
    users={REP.upper(): "ana"},
    settings={
        "currencies": {EURO: "EUR"},
        "statuses": {"lead": {"100000003": "lost"}},
        "lost_reasons": {"lead": {"5": "no_answer"}, "deal": {"5": "competitor"}},
        "entities": {"new_visit": "activity", "new_bpf_1": "process"},
    },
)
OPEN = {"statecode": choice(0), "statuscode": choice(1), "ownerid": ref("systemuser", REP)}
VALUES = {**OPEN, "subject": "Press", "fullname": "Max Mustermann", "companyname": "Acme"}


def read(value: Any, connection: Connection = CONNECTION, headers: dict[str, str] | None = None) -> Delivery:
    request = HookRequest(json.dumps(value).encode(), NOW, headers=headers or {})
    [delivery] = DynamicsInbound().split_and_normalise(request, connection)
    return delivery


def accepted(value: Any, connection: Connection = CONNECTION) -> Event:
    delivery = read(value, connection)
    assert delivery.outcome == "accepted", delivery.reason
    assert delivery.event is not None
    return delivery.event


class TestCreated:
    def test_a_lead(self) -> None:
        values = {**VALUES, "estimatedamount": money(1200.0), "transactioncurrencyid": ref("transactioncurrency", EURO)}
        event = accepted(create("lead", LEAD, {**values, "telephone1": "", "emailaddress1": None}))
        assert event.types == ("lead.created",)
        assert event.states_change
        assert event.occurred_at == AT
        assert event.by == f"crm:{REP}"
        assert event.data["lead"] == {
            "id": f"crm:{LEAD}", "title": "Press", "name": "Max Mustermann", "company": "Acme", "amount": 1200,
            "currency": "EUR", "owner": "ana", "status": "open", "lost_reason": None, "phone": None, "email": None,
        }  # fmt: skip

    def test_a_deal_with_its_customer(self) -> None:
        linked = {
            "customerid": ref("account", TASK, "Acme"), "parentcontactid": ref("contact", REP),
            "originatingleadid": ref("lead", LEAD), "estimatedclosedate": "/Date(1777593600000)/", "name": "Press",
        }  # fmt: skip
        deal = accepted(create("opportunity", DEAL, {**OPEN, **linked})).data["deal"]
        assert (deal["account"], deal["company"]) == (f"crm:{TASK}", "Acme")
        assert (deal["contact"], deal["lead"]) == (f"crm:{REP}", f"crm:{LEAD}")
        assert (deal["title"], deal["expected_close_on"]) == ("Press", "2026-05-01")

    @pytest.mark.parametrize(
        ("entity", "values", "types"),
        [
            ("opportunity", {"statecode": choice(1), "statuscode": choice(3)}, ("deal.won", "deal.created")),
            ("task", {"statecode": choice(1)}, ("activity.completed", "activity.created")),
            ("phonecall", {"subject": "Ring"}, ("activity.created",)),
            ("new_visit", {"statecode": choice(2)}, ("activity.created",)),
            ("contact", {"fullname": "Zoé"}, ("contact.created",)),
            ("account", {"name": "Acme"}, ("account.created",)),
        ],
    )
    def test_others(self, entity: str, values: dict[str, Any], types: tuple[str, ...]) -> None:
        assert accepted(create(entity, DEAL, values)).types == types

    def test_what_was_made_by_qualifying_belongs_to_its_lead(self) -> None:
        event = accepted(create("opportunity", DEAL, OPEN, Depth=2, ParentContext=qualifying()))
        assert event.data["deal"]["lead"] == f"crm:{LEAD}"

    def test_deep_parents_are_read_to_the_end(self) -> None:
        parent = qualifying()
        for _ in range(20):
            parent = {**context("Update", "contact", REP, {}), "ParentContext": parent}
        assert accepted(create("opportunity", DEAL, OPEN, ParentContext=parent)).data["deal"]["lead"] == f"crm:{LEAD}"


class TestUpdated:
    @pytest.mark.parametrize(
        ("values", "before", "types"),
        [
            ({"statecode": choice(1), "statuscode": choice(3)}, OPEN, ("lead.converted",)),
            ({"statecode": choice(2), "statuscode": choice(5)}, OPEN, ("lead.lost",)),
            ({"statuscode": choice(100000003)}, OPEN, ("lead.lost",)),
            ({"statuscode": choice(2)}, OPEN, ("lead.updated",)),
            ({"statecode": choice(0), "statuscode": choice(1)}, {"statecode": choice(2), "statuscode": choice(4)},
             ("lead.reopened",)),
            ({"ownerid": ref("systemuser", OTHER_REP)}, OPEN, ("lead.taken_over",)),
            ({"stageid": STAGES[0]}, OPEN, ("lead.stage_changed",)),
            ({"stageid": STAGES[0]}, {**OPEN, "stageid": STAGES[0]}, ("lead.updated",)),
            ({"companyname": "Zenith"}, {**OPEN, "companyname": "Acme"}, ("lead.updated",)),
            ({"telephone1": "1"}, OPEN, ("lead.updated",)),
        ],
    )  # fmt: skip
    def test_with_a_pre_image_it_states_its_move(
        self, values: dict[str, Any], before: dict[str, Any], types: tuple[str, ...]
    ) -> None:
        event = accepted(update("lead", LEAD, values, before))
        assert (event.types, event.states_change, event.partial) == (types, True, False)

    def test_old_values_are_told(self) -> None:
        before = {**OPEN, "estimatedvalue": money(5), "name": "Old"}
        won = {"statecode": choice(1), "statuscode": choice(3), "estimatedvalue": money(7), "name": "Old"}
        event = accepted(update("opportunity", DEAL, won, before))
        assert event.types == ("deal.won", "deal.updated")
        assert event.previous == {"deal": {"status": "open", "amount": 5}}

    @pytest.mark.parametrize("before", [None, {"subject": "Press"}])
    def test_without_the_old_value_of_what_decides_it_is_a_state(self, before: dict[str, Any] | None) -> None:
        event = accepted(update("lead", LEAD, {"statecode": choice(2), "statuscode": choice(5)}, before))
        assert (event.states_change, event.partial) == (False, True)
        assert event.data["lead"]["status"] == "lost"
        assert event.previous == {}

    def test_what_is_not_sent_is_not_told_and_null_is_emptied(self) -> None:
        lead = accepted(update("lead", LEAD, {"companyname": None}, OPEN)).data["lead"]
        assert lead["company"] is None
        assert "name" not in lead
        assert "title" not in lead

    def test_images_fill_in_what_the_message_leaves_out(self) -> None:
        after = [{"key": "after", "value": row("lead", LEAD, {"companyname": "Acme", "subject": "Stale"})}]
        event = accepted(update("lead", LEAD, {"subject": "Press"}, VALUES, PostEntityImages=after))
        assert (event.data["lead"]["company"], event.data["lead"]["title"]) == ("Acme", "Press")
        assert event.data["lead"]["name"] == "Max Mustermann"

    def test_set_state_is_an_update(self) -> None:
        inputs = {"EntityMoniker": ref("lead", LEAD), "State": choice(2), "Status": choice(4)}
        images = [{"key": "b", "value": row("lead", LEAD, OPEN)}]
        assert accepted(context("SetState", "lead", LEAD, inputs, PreEntityImages=images)).types == ("lead.lost",)

    def test_a_finished_task_names_what_it_regards(self) -> None:
        before = {"statecode": choice(0), "regardingobjectid": ref("opportunity", DEAL)}
        event = accepted(update("task", TASK, {"statecode": choice(1), "statuscode": choice(5)}, before))
        assert event.types == ("activity.completed",)
        assert event.data["deal"] == {"id": f"crm:{DEAL}"}

    def test_assigning_is_a_new_owner(self) -> None:
        inputs = {"Target": ref("lead", LEAD), "Assignee": ref("systemuser", OTHER_REP)}
        images = [{"key": "b", "value": row("lead", LEAD, OPEN)}]
        event = accepted(context("Assign", "lead", LEAD, inputs, PreEntityImages=images))
        assert event.types == ("lead.taken_over",)
        assert event.data["lead"]["owner"] == f"crm:{OTHER_REP}"
        assert event.occurred_at == AT + timedelta(seconds=1)
        assert not accepted(context("Assign", "lead", LEAD, inputs)).states_change

    def test_a_deletion(self) -> None:
        images = [{"key": "b", "value": row("lead", LEAD, {**VALUES, "parentaccountid": ref("account", TASK)})}]
        inputs = {"Target": ref("lead", LEAD)}
        event = accepted(context("Delete", "lead", LEAD, inputs, PreEntityImages=images))
        assert event.types == ("lead.deleted",)
        assert event.data == {"lead": {"id": f"crm:{LEAD}", "deleted": True, "account": f"crm:{TASK}"}}


class TestMerged:
    @pytest.mark.parametrize("given", [OTHER, {"__type": "Guid:#System", "__value": OTHER.upper()}])
    def test_a_call_is_about_the_record_that_goes(self, given: Any) -> None:
        delivery = read(context("Merge", "lead", LEAD, {"Target": ref("lead", LEAD), "SubordinateId": given}))
        event = delivery.event
        assert event is not None
        assert (event.types, event.record) == (("lead.merged",), ("lead", f"crm:{OTHER}"))
        assert event.data == {"lead": {"id": f"crm:{OTHER}", "deleted": True, "merged_into": f"crm:{LEAD}"}}
        assert delivery.doubt == Doubt("lead", f"crm:{LEAD}")

    def test_a_record_that_says_so_itself_is_not_lost_but_merged(self) -> None:
        closed = {"statecode": choice(2), "statuscode": choice(7), "merged": True, "masterid": ref("lead", LEAD)}
        event = accepted(update("lead", OTHER, closed))
        assert (event.types, event.data["lead"]["merged_into"]) == (("lead.merged",), f"crm:{LEAD}")
        call = accepted(context("Merge", "lead", LEAD, {"Target": ref("lead", LEAD), "SubordinateId": OTHER}))
        assert event.change == call.change

    def test_that_it_is_deleted_later_is_no_second_merge(self) -> None:
        values = {**VALUES, "merged": True, "masterid": ref("lead", LEAD)}
        images = [{"key": "b", "value": row("lead", OTHER, values)}]
        inputs = {"Target": ref("lead", OTHER)}
        assert accepted(context("Delete", "lead", OTHER, inputs, PreEntityImages=images)).types == ("lead.deleted",)

    def test_a_record_that_was_not_merged(self) -> None:
        assert accepted(create("lead", LEAD, {**VALUES, "merged": False, "masterid": None})).types == ("lead.created",)

    @pytest.mark.parametrize(
        ("entity", "inputs", "reason"),
        [
            ("lead", {"Target": ref("lead", LEAD)}, "reread_needed: no_target"),
            ("opportunity", {"SubordinateId": OTHER}, "message_not_followed: Merge of opportunity"),
            ("incident", {"SubordinateId": OTHER}, "entity_not_followed: incident"),
        ],
    )
    def test_a_call_that_tells_too_little_or_of_others(self, entity: str, inputs: Any, reason: str) -> None:
        delivery = read(context("Merge", entity, LEAD, inputs))
        assert (delivery.outcome, delivery.reason) == ("ignored", reason)


class TestMeanings:
    @pytest.mark.parametrize(
        ("reason", "labels", "wanted"),
        [(5, {}, "no_answer"), (6, {}, "No Longer Interested"), (100000009, {"statuscode": "Moved"}, "Moved"),
         (100000009, {}, "100000009"), (None, {}, None)],
    )  # fmt: skip
    def test_why_a_lead_was_disqualified(self, reason: int | None, labels: dict[str, str], wanted: str | None) -> None:
        values = {"statecode": choice(2), "statuscode": choice(reason)}
        assert accepted(update("lead", LEAD, values, OPEN, labels=labels)).data["lead"]["lost_reason"] == wanted

    def test_choices_are_numbers_with_their_label_beside_them(self) -> None:
        own = {"new_segment": choice(2), "new_interests": [choice(1), choice(3)]}
        lead = accepted(create("lead", LEAD, own, labels={"new_segment": "Large", "new_interests": None})).data["lead"]
        assert (lead["segment"], lead["segment_label"], lead["interests"]) == (2, "Large", [1, 3])
        assert "interests_label" not in lead

    def test_a_label_is_no_change(self) -> None:
        image = {"key": "b", "value": row("lead", LEAD, {"new_segment": choice(2)}, {"new_segment": "Large"})}
        event = accepted(update("lead", LEAD, {"new_segment": choice(3)}, PreEntityImages=[image]))
        assert event.previous == {"lead": {"segment": 2}}
        assert "segment_label" not in event.data["lead"]

    def test_a_reason_by_its_label_is_no_change_when_it_is_sent_again(self) -> None:
        lost = {"statecode": choice(2), "statuscode": choice(100000009)}
        event = accepted(update("lead", LEAD, lost, lost, labels={"statuscode": "Moved"}))
        assert event.types == ("lead.updated",)
        assert event.previous == {}

    def test_a_status_reason_as_stage_is_never_empty_before(self) -> None:
        stages = {"lead": {"1": "new", "2": "met"}}
        mapped = replace(CONNECTION, fields={"lead": {"stage": "statuscode"}}, stages=stages)
        event = accepted(update("lead", LEAD, {"statuscode": choice(2)}, {"subject": "Press"}), mapped)
        assert not event.states_change

    def test_dates_of_their_own(self) -> None:
        deal = accepted(create("opportunity", DEAL, {"new_renewal": "/Date(1777593600000)/"})).data["deal"]
        assert deal["renewal_on"] == "2026-05-01T00:00:00+00:00"

    def test_a_stage_may_be_a_column_of_choices(self) -> None:
        mapped = replace(
            CONNECTION, fields={"lead": {"stage": "statuscode"}}, stages={"lead": {"1": "new", "2": "met"}}
        )
        event = accepted(update("lead", LEAD, {"statuscode": choice(2)}, OPEN), mapped)
        assert event.types == ("lead.stage_changed",)
        assert event.data["lead"]["stage"] == "met"
        assert event.previous == {"lead": {"stage": "new"}}
        lost = accepted(update("lead", LEAD, {"statecode": choice(2), "statuscode": choice(4)}, OPEN), mapped)
        assert lost.types == ("lead.lost",)
        assert "stage" not in lost.data["lead"]

    def test_what_nobody_mapped(self) -> None:
        values = {"stageid": OTHER_REP.upper(), "transactioncurrencyid": ref("transactioncurrency", REP)}
        lead = accepted(create("lead", LEAD, values)).data["lead"]
        assert lead["stage"] == OTHER_REP
        assert "currency" not in lead


class TestProcess:
    def event(self, stage: Any, before: dict[str, Any] | None, **more: Any) -> Event:
        entity = more.pop("entity", "leadtoopportunitysalesprocess")
        return accepted(update(entity, TASK, {"activestageid": stage}, before, **more))

    def test_the_stage_of_a_lead(self) -> None:
        before = {"activestageid": ref("processstage", OTHER_REP), "leadid": ref("lead", LEAD)}
        event = self.event(ref("processstage", STAGES[0]), before)
        assert event.types == ("lead.stage_changed",)
        assert event.data == {"lead": {"id": f"crm:{LEAD}", "stage": "qualify"}}
        assert event.previous == {"lead": {"stage": OTHER_REP}}

    def test_the_stage_of_the_deal_it_became(self) -> None:
        both = {"leadid": ref("lead", LEAD), "opportunityid": ref("opportunity", DEAL)}
        event = self.event(ref("processstage", STAGES[1]), {**both, "activestageid": ref("processstage", STAGES[0])})
        assert event.record == ("deal", f"crm:{DEAL}")
        assert event.data["deal"] == {"id": f"crm:{DEAL}", "stage": "develop", "lead": f"crm:{LEAD}"}
        back = self.event(ref("processstage", STAGES[0]), both)
        assert back.record == ("lead", f"crm:{LEAD}")

    def test_stages_by_name_in_a_process_of_their_own(self) -> None:
        before = {"activestageid": STAGES[1], "bpf_opportunityid": ref("opportunity", DEAL)}
        event = self.event(ref("processstage", OTHER_REP, "Propose"), before, entity="new_bpf_1")
        assert event.data["deal"]["stage"] == "propose"

    def test_without_a_pre_image_it_is_a_state(self) -> None:
        image = [{"key": "after", "value": row("x", TASK, {"leadid": ref("lead", LEAD)})}]
        event = self.event(ref("processstage", STAGES[0]), None, PostEntityImages=image)
        assert not event.states_change

    def test_without_its_lead_it_has_to_be_read(self) -> None:
        value = update("opportunitysalesprocess", TASK, {"activestageid": ref("processstage", STAGES[0])})
        assert read(value).reason == "reread_needed: stage_without_lead_or_deal"

    def test_other_news_of_it_is_not_followed(self) -> None:
        assert read(update("opportunitysalesprocess", TASK, {"statecode": choice(1)})).reason == "no_stage_in_process"


class TestQualified:
    def test_the_call_and_the_update_of_the_lead_are_one_change(self) -> None:
        values = {"statecode": choice(1), "statuscode": choice(3), "qualifyingopportunityid": ref("opportunity", DEAL)}
        child = accepted(update("lead", LEAD, values, OPEN, ParentContext=qualifying()))
        call = accepted({**qualifying(), "Stage": 40})
        assert call.types == child.types == ("lead.converted",)
        assert call.change == child.change != ""
        assert call.record == child.record
        assert child.version < call.version
        assert child.data["deal"] == {"id": f"crm:{DEAL}", "lead": f"crm:{LEAD}"}

    def test_another_qualification_is_another_change(self) -> None:
        again = {**qualifying(), "CorrelationId": OTHER_REP}
        assert accepted(again).change != accepted(qualifying()).change


class TestOrder:
    def test_the_first_in_a_second_is_the_creation_then_row_version_tells(self) -> None:
        made = accepted(create("lead", LEAD, VALUES, OperationCreatedOn=date(9)))
        first = accepted(update("lead", LEAD, {"subject": "A"}, OPEN, version="999"))
        second = accepted(update("lead", LEAD, {"subject": "B"}, OPEN, version="1000"))
        assert made.occurred_at == first.occurred_at
        assert made.version < first.version < second.version

    def test_without_a_row_version_the_clock_of_the_operation_tells(self) -> None:
        first = accepted(update("lead", LEAD, {"subject": "A"}, OPEN, OperationCreatedOn=date(1.1)))
        second = accepted(update("lead", LEAD, {"subject": "B"}, OPEN, OperationCreatedOn=date(1.2)))
        assert first.version < second.version


class TestIdentity:
    PARTS = ("OperationId", "MessageName", "PrimaryEntityId", "Depth", "OperationCreatedOn", "OwningExtension")

    def test_the_one_further_try_is_the_same(self) -> None:
        assert read(create("lead", LEAD, VALUES)) == read(create("lead", LEAD, VALUES))

    @pytest.mark.parametrize("part", PARTS)
    def test_another_message_is_another(self, part: str) -> None:
        one, value = read(create("lead", LEAD, VALUES)), create("lead", LEAD, VALUES)
        value[part] = {"Depth": 2, "OwningExtension": ref("step", REP), "MessageName": "Update"}.get(part, OTHER_REP)
        value[part] = date(7) if part == "OperationCreatedOn" else value[part]
        assert read(value).delivery_key != one.delivery_key

    def test_another_body_under_one_key_is_seen(self) -> None:
        one, two = read(create("lead", LEAD, VALUES)), read(create("lead", LEAD, {**VALUES, "subject": "B"}))
        assert one.delivery_key == two.delivery_key
        assert one.body_hash != two.body_hash

    def test_without_an_operation_its_content_tells_it_apart(self) -> None:
        bodies = [create("lead", LEAD, {**VALUES, "subject": text}, OperationId=None) for text in "AB"]
        assert len({read(body).delivery_key for body in bodies}) == 2

    def test_two_connections_do_not_meet(self) -> None:
        value = create("lead", LEAD, VALUES)
        assert read(value).delivery_key != read(value, replace(CONNECTION, key="crm2")).delivery_key


class TestNotApplied:
    @pytest.mark.parametrize(
        ("value", "outcome", "reason"),
        [
            (update("msdyn_agentstatus", TASK, {}), "ignored", "entity_not_followed: msdyn_agentstatus"),
            (context("Win", "opportunity", DEAL, {}), "ignored", "message_not_followed: Win"),
            (context("Update", "lead", LEAD, {}), "ignored", "reread_needed: no_target"),
            (context("Update", "lead", LEAD, {"Target": ref("lead", LEAD)}), "ignored", "reread_needed: no_target"),
            (context("Assign", "lead", LEAD, {"Target": ref("lead", LEAD)}), "ignored", "reread_needed: no_target"),
            (context("Delete", "lead", "0" * 8, {"Target": 7}), "quarantined", "bad_field: Target must be an object"),
            (create("lead", "00000000-0000-0000-0000-000000000000", VALUES, PrimaryEntityId=None), "quarantined",
             "no_record"),
            (context("Update", "lead", LEAD, {"Target": row("lead", LEAD, {"subject": "A", "modifiedon": "soon"})}),
             "quarantined", "bad_field: modifiedon is no time"),
            (create("lead", LEAD, {"estimatedamount": money(1e300)}), "quarantined",
             "bad_field: lead.amount is out of range"),
            (create("lead", LEAD, {"estimatedamount": {"Value": True}}), "quarantined",
             "bad_field: lead.amount must be a number"),
            (create("lead", LEAD, {"subject": "x" * 3000}), "quarantined",
             "bad_field: lead.title is longer than 2000 characters"),
            (create("lead", "x" * 300, {}), "quarantined", "no_record"),
            (create("lead", "a\nb", {}), "quarantined",
             "bad_field: lead.id must be an id of 1 to 200 characters without control characters"),
            (create("lead", LEAD, VALUES, OperationCreatedOn="soon"), "quarantined",
             "bad_field: OperationCreatedOn is no time"),
            (create("lead", LEAD, VALUES, OperationCreatedOn="/Date(99999999999999999)/"), "quarantined",
             "bad_field: OperationCreatedOn is no time"),
            (create("lead", LEAD, VALUES, InputParameters={}), "quarantined",
             "bad_field: InputParameters must be a list of keys and values"),
            (create("lead", LEAD, VALUES, PreEntityImages=[7]), "quarantined",
             "bad_field: PreEntityImages holds something without a key"),
            (create("lead", LEAD, VALUES, ParentContext="x"), "quarantined",
             "bad_field: ParentContext must be an object, at most 32 deep"),
            (create("lead", LEAD, VALUES, MessageName=""), "quarantined", "bad_field: MessageName is missing"),
        ],
    )  # fmt: skip
    def test_reasons(self, value: Any, outcome: str, reason: str | None) -> None:
        delivery = read(value)
        assert (delivery.outcome, delivery.reason) == (outcome, reason)

    def test_a_stripped_body_says_which_record_to_read(self) -> None:
        value = update("lead", LEAD, VALUES)
        for name in ("ParentContext", "InputParameters", "PreEntityImages", "PostEntityImages"):
            del value[name]
        delivery = read(value, headers={"x-ms-dynamics-msg-size-exceeded": "true"})
        assert (delivery.outcome, delivery.reason) == ("ignored", "reread_needed: body_over_256_kb")
        assert delivery.subject == f"lead:crm:{LEAD}"
        gone = {**value, "MessageName": "Delete"}
        assert accepted(gone).types == ("lead.deleted",)

    def test_too_many_parents(self) -> None:
        value = create("lead", LEAD, VALUES)
        for _ in range(40):
            value = {**create("lead", LEAD, VALUES), "ParentContext": value}
        assert read(value).outcome == "quarantined"

    @pytest.mark.parametrize("value", [{}, [], "x", None, {"MessageName": "Update"}, [create("lead", LEAD, VALUES)]])
    def test_no_envelope(self, value: Any) -> None:
        with pytest.raises(InvalidInput) as refused:
            read(value)
        assert refused.value.stable_code == "no_envelope"

    def test_another_organisation(self) -> None:
        mine = replace(CONNECTION, settings={"organization_id": f"{{{ORGANIZATION.upper()}}}"})
        assert read(create("lead", LEAD, VALUES), mine).outcome == "accepted"
        for other in (OTHER_REP, ""):
            with pytest.raises(InvalidInput) as refused:
                read(create("lead", LEAD, VALUES, OrganizationId=other), mine)
            assert refused.value.stable_code == "wrong_organization"

    def test_who_wrote_it_is_known(self) -> None:
        assert accepted(create("lead", LEAD, VALUES, InitiatingUserId=APPLICATION.upper())).by == f"crm:{APPLICATION}"
