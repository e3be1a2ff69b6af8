"""Outbound messages: what each notification becomes, what is refused, and what never leaves the parser."""

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from taskhub.connectors.inbound import HookRequest
from taskhub.connectors.own_write import guarded
from taskhub.connectors.salesforce import soap
from taskhub.connectors.salesforce.inbound import SalesforceInbound
from taskhub.errors import InvalidInput
from taskhub.sales.projection import project
from tests.unit.connectors.salesforce.said import (
    AT,
    CONNECTION,
    DEAL,
    EAY,
    LEAD,
    NOW,
    ORGANIZATION,
    OWN_USER,
    USER,
    accepted,
    message,
    messages,
    only,
    read,
)  # fmt: skip

STAMP = "<sf:LastModifiedDate>2026-05-04T08:30:00.000Z</sf:LastModifiedDate>"
ID = f"<sf:Id>{LEAD}{EAY}</sf:Id>"
WORKING = "<sf:Status>Working</sf:Status>"


def ours_again() -> str:
    later = STAMP.replace("LastModifiedDate", "SystemModstamp").replace("08:30", "08:31")
    return f"{later}<sf:LastModifiedById>{OWN_USER}AAC</sf:LastModifiedById>"


def lead(*fields: str, **more: Any) -> bytes:
    return message("".join((ID, STAMP, *fields)), **more)


class TestState:
    def test_a_lead_as_it_is_now(self) -> None:
        event = accepted(lead(WORKING, "<sf:FirstName>Zoé</sf:FirstName><sf:LastName>B &amp; C</sf:LastName>",
                              f"<sf:OwnerId>{USER}</sf:OwnerId><sf:IsConverted>false</sf:IsConverted>",
                              '<sf:Email xsi:nil="true"/><sf:Phone></sf:Phone>'))  # fmt: skip
        assert event.data == {
            "lead": {
                "id": f"sf:{LEAD}{EAY}", "stage": "contacted", "name": "Zoé B & C", "owner": "ana", "status": "open",
                "email": None, "phone": None,
            }
        }  # fmt: skip
        assert event.occurred_at == AT
        assert not event.states_change
        assert event.previous == {}

    def test_it_says_what_differs_from_what_is_known(self) -> None:
        first, known = project(None, accepted(lead(WORKING)))
        assert known.types == ("lead.created",)
        later = lead("<sf:Status>Rejected</sf:Status>").replace(b"08:30:00", b"08:31:00")
        _, changes = project(first, accepted(later))
        assert changes.types == ("lead.lost", "lead.stage_changed")

    def test_an_older_one_is_stale(self) -> None:
        newer, _ = project(None, accepted(lead(WORKING)))
        _, changes = project(newer, accepted(lead("<sf:Status>New</sf:Status>").replace(b"08:30:00", b"08:29:00")))
        assert changes.reason == "stale"

    @pytest.mark.parametrize(
        ("field", "amount"), [("40000.0", 40000), ("1.25E7", 12_500_000), ("12.5", 12.5), ("-3", -3)]
    )
    def test_amounts_are_texts(self, field: str, amount: Any) -> None:
        told = f"<sf:Id>{DEAL}</sf:Id><sf:Amount>{field}</sf:Amount>{STAMP}"
        assert accepted(message(told, "Opportunity")).data["deal"]["amount"] == amount

    @pytest.mark.parametrize("field", ["NaN", "1e999", "much", "1" * 50])
    def test_amounts_that_are_none(self, field: str) -> None:
        delivery = only(message(f"<sf:Id>{DEAL}</sf:Id><sf:Amount>{field}</sf:Amount>{STAMP}", "Opportunity"))
        assert delivery.outcome == "quarantined"
        assert delivery.reason is not None
        assert delivery.reason.startswith("bad_field: deal.amount")

    def test_flags_of_a_deal(self) -> None:
        won = f"<sf:Id>{DEAL}</sf:Id><sf:IsClosed>true</sf:IsClosed><sf:IsWon>true</sf:IsWon>{STAMP}"
        assert accepted(message(won, "Opportunity")).data["deal"]["status"] == "won"

    def test_a_deleted_record_says_so_itself(self) -> None:
        event = accepted(lead("<sf:IsDeleted>true</sf:IsDeleted>"))
        assert (event.types, event.states_change) == (("lead.deleted",), True)
        assert event.data["lead"] == {"id": f"sf:{LEAD}{EAY}", "deleted": True}

    def test_the_stamp_orders_what_the_system_did_later(self) -> None:
        stamp = "<sf:SystemModstamp>2026-05-04T08:30:{}.000Z</sf:SystemModstamp>"
        first = accepted(lead(WORKING, stamp.format("00")))
        second = accepted(lead(WORKING, stamp.format("07"), id_="04l0"))
        assert first.occurred_at == second.occurred_at
        assert first.version < second.version

    def test_without_a_version_it_is_taken_and_marked(self) -> None:
        event, doubt = read(message(ID + WORKING))
        assert event.occurred_at == NOW
        assert (doubt.outcome, doubt.reason) == ("ignored", "reread_needed: no_time")


class TestNotApplied:
    @pytest.mark.parametrize(
        ("body", "outcome", "reason"),
        [
            (message(ID, "Case"), "ignored", "entity_not_followed: Case"),
            (message(ID), "ignored", "reread_needed: no_data"),
            (messages(["<Notification><Id>04l1</Id></Notification>"]), "ignored", "reread_needed: no_data"),
            (message(WORKING), "quarantined", "no_record"),
            (message("<sf:Id>00Q</sf:Id>"), "quarantined",
             "bad_field: sObject.Id is no Salesforce id of 15 or 18 characters"),
            (message(ID + "<sf:LastModifiedDate>soon</sf:LastModifiedDate>" + WORKING), "quarantined",
             "bad_field: LastModifiedDate is no time"),
        ],
    )  # fmt: skip
    def test_reasons(self, body: bytes, outcome: str, reason: str) -> None:
        delivery = only(body)
        assert (delivery.outcome, delivery.reason, delivery.event) == (outcome, reason, None)


class TestBatches:
    def test_each_notification_is_a_delivery(self) -> None:
        found = [f'<Notification><Id>04l{n:03}</Id><sObject xsi:type="sf:Lead">{ID}{STAMP}{WORKING}</sObject>'
                 "</Notification>" for n in range(100)]  # fmt: skip
        told = read(messages(found))
        assert len(told) == len({one.delivery_key for one in told}) == 100
        assert all(one.kept and len(one.kept[0]) < 1_000 for one in told)
        with pytest.raises(InvalidInput) as refused:
            read(messages([*found, found[0]]))
        assert refused.value.stable_code == "too_many_events"

    def test_cut_otherwise_and_sent_again_with_newer_values_it_is_the_same(self) -> None:
        two = [f'<Notification><Id>04l{n}</Id><sObject xsi:type="sf:Lead">{ID}{STAMP}</sObject></Notification>'
               for n in (1, 2)]  # fmt: skip
        first, second = read(messages(two))
        again = only(messages([two[1].replace(STAMP, STAMP + WORKING)], ORGANIZATION + "EAY"))
        assert (again.delivery_key, again.body_hash) == (second.delivery_key, second.body_hash)
        assert again.delivery_key != first.delivery_key

    def test_sent_again_with_another_version_it_is_news(self) -> None:
        first, again = (only(lead(WORKING)), only(message(ID + STAMP.replace("08:30", "08:31") + WORKING)))
        assert first.external_id == again.external_id
        assert first.delivery_key != again.delivery_key

    def test_what_our_own_user_made_is_told_as_ours(self) -> None:
        ours = accepted(lead(WORKING, f"<sf:LastModifiedById>{OWN_USER}AAC</sf:LastModifiedById>"))
        theirs = accepted(lead(WORKING, f"<sf:LastModifiedById>{USER}</sf:LastModifiedById>"))
        assert (ours.by, theirs.by) == (f"sf:{OWN_USER}", None)
        state, changes = project(None, ours)
        assert guarded(ours, changes, {"sf": CONNECTION}).reason == "own_write"
        known, seen = project(state, accepted(lead("<sf:Status>Rejected</sf:Status>", ours_again(), id_="04l2")))
        assert known.fields["status"] == "lost"
        assert guarded(replace(ours, external_id="04l2"), seen, {"sf": CONNECTION}).reason is None

    def test_one_answer_for_all(self) -> None:
        answer = SalesforceInbound().answer(read(lead()))
        assert (answer.status, answer.content_type) == (200, "text/xml; charset=utf-8")
        space = "{http://soap.sforce.com/2005/09/outbound}"
        assert ET.fromstring(answer.body).findtext(f".//{space}notificationsResponse/{space}Ack") == "true"

    def test_what_is_kept_reads_the_same(self) -> None:
        body = lead(
            "<sf:Company>A &lt; B&#13;\n</sf:Company>", '<sf:Email xsi:nil="true"/>', "<sf:Odd__c>x</sf:Odd__c>"
        )
        delivery = only(body)
        assert delivery.kept is not None
        assert b"Odd__c" in delivery.kept[0]
        assert only(delivery.kept[0]) == delivery
        bare = only(messages(["<Notification><Id>04l1</Id></Notification>"]))
        assert bare.kept is not None
        assert only(bare.kept[0]) == bare


class TestSecurity:
    @pytest.mark.parametrize(
        "inside",
        [
            "<SessionId>00Dx!MORE</SessionId>",
            "<sf:SessionId>00Dx!MORE</sf:SessionId>",
            "<sf:sessionid>00Dx!MORE</sf:sessionid>",
            "<!-- 00Dx!MORE -->",
            "<sf:Company>Acme<sf:SessionId>00Dx!MORE</sf:SessionId></sf:Company>",
        ],
    )
    def test_a_session_id_is_nowhere(self, inside: str) -> None:
        for delivery in read(lead(inside, WORKING)):
            assert "LIVE-SESSION" not in repr(delivery)
            assert "MORE" not in repr(delivery)
            assert "EnterpriseUrl" not in repr(delivery)

    @pytest.mark.parametrize("given", [ORGANIZATION, ORGANIZATION + "EAY"])
    def test_both_forms_of_the_organisation(self, given: str) -> None:
        assert only(lead(organization=given)).delivery_key == only(lead()).delivery_key

    @pytest.mark.parametrize("given", ["", "00D5f0000051ABD", "00d5f0000051abc", "00D", "00D5f0000051ABCX", "x" * 500])
    def test_another_organisation_is_refused(self, given: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            read(lead(organization=given))
        assert refused.value.stable_code == "wrong_organization"

    @pytest.mark.parametrize(
        "prolog",
        [
            '<!DOCTYPE x SYSTEM "etc/hostname">',
            '<!DOCTYPE x [<!ENTITY a "aaaa">]>',
            '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>',
            '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x">%p;]>',
        ],
    )
    def test_a_dtd_is_not_read(self, prolog: str) -> None:
        body = lead().replace(b"?>", f"?>{prolog}".encode(), 1)
        with pytest.raises(InvalidInput) as refused:
            read(body)
        assert refused.value.stable_code == "forbidden_xml"

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"<", "not_xml"),
            (b"<a>", "not_xml"),
            (b"<a>&x;</a>", "not_xml"),
            (lead()[:-20], "not_xml"),
            (lead() + b"<again/>", "not_xml"),
            (lead().decode().replace("UTF-8", "UTF-16").encode("utf-16-le"), "not_xml"),
            (lead(WORKING).replace(b"Working", b"\xff\xfe"), "not_xml"),
            (b"<a/>", "no_envelope"),
            (messages([]), "no_envelope"),
            (lead().replace(b"2005/09/outbound", b"2005/09/inbound"), "no_envelope"),
            (lead().replace(b"schemas.xmlsoap.org/soap/envelope", b"www.w3.org/2003/05/soap-envelope"), "no_envelope"),
            (b"<a>" * 1_700_000, "too_deep"),
            (b"<a>" * 13 + b"</a>" * 13, "too_deep"),
            (b"<a>" * 12 + b"</a>" * 12, "no_envelope"),
            (b"<a>" + b"<b/>" * 200_000 + b"</a>", "too_many_keys"),
            (b"<a>" + b" " * (5 * 1024 * 1024) + b"</a>", "too_large"),
        ],
        ids=range(16),
    )
    def test_what_is_no_message_is_refused(self, body: bytes, code: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            read(body)
        assert refused.value.stable_code == code
        answer = SalesforceInbound().fault(HookRequest(body, NOW), refused.value, 422)
        assert answer is not None
        told = ET.fromstring(answer.body).findtext(".//faultstring")
        assert told == refused.value.message

    @pytest.mark.parametrize(
        "said",
        [
            b'xmlns:a="' + b"u" * 300 + b'"',
            b"xmlns:a \n=\t'" + b"u" * 30_000 + b"'",
            b'xmlns="' + b"u" * 300 + b'"',
            b"xmlns:" + b"a" * 101 + b'="u"',
        ],
        ids=["prefix", "spaces", "default", "long prefix"],
    )
    def test_a_name_that_would_stand_before_every_other_is_short(self, said: bytes) -> None:
        with pytest.raises(InvalidInput) as refused:
            read(lead().replace(b"<soapenv:Body>", b"<soapenv:Body " + said + b">"))
        assert refused.value.stable_code == "forbidden_xml"

    def test_a_namespace_of_usual_length_is_read(self) -> None:
        said = b'xmlns:b="' + b"u" * 299 + b'" xmlns:' + b"a" * 100 + b'="u"'
        delivery = only(lead(WORKING).replace(b"<soapenv:Body>", b"<soapenv:Body " + said + b">"))
        assert delivery.outcome == "accepted"

    def test_it_is_read_as_utf_8_whatever_it_says_of_itself(self) -> None:
        body = lead("<sf:LastName>Zoé</sf:LastName>")
        assert only(body.replace(b"UTF-8", b"ISO-8859-1")).event == only(body).event

    def test_other_refusals_have_the_usual_form(self) -> None:
        assert SalesforceInbound().fault(HookRequest(b"{", NOW), InvalidInput("no"), 400) is None

    def test_a_fault_is_xml_whatever_it_says(self) -> None:
        assert ET.fromstring(soap.fault("a < b & \x00\x1f\ud800")).findtext(".//faultstring") == "a < b & "

    def test_a_record_nobody_could_have(self) -> None:
        """More fields than a record has, names that are none: kept to what can be written again."""
        odd = "<sf:Ünï>x</sf:Ünï>" + "".join(f"<sf:F{n}>x</sf:F{n}>" for n in range(2_000))
        delivery = only(lead(WORKING, odd))
        assert delivery.outcome == "accepted"
        assert delivery.kept is not None
        assert only(delivery.kept[0]) == delivery


def test_the_organisation_is_asked_for_only_when_it_is_named() -> None:
    body = lead(WORKING, organization="00D000000000000")
    assert only(body, replace(CONNECTION, settings={})).outcome == "accepted"
