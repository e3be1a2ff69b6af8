"""convertLead, the one call that is SOAP only: four changes in one transaction."""

from __future__ import annotations

from typing import Any

import defusedxml.ElementTree
from starlette.responses import Response

from taskhub.testing.crm.salesforce.state import CLOSED, State

URN = "{urn:partner.soap.sforce.com}"
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns="urn:partner.soap.sforce.com" xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body>{}</soapenv:Body>'
    "</soapenv:Envelope>"
)
ACK = b"""<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>
<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>
</soapenv:Body></soapenv:Envelope>"""


def convert_lead(state: State, body: bytes, sessions: set[str]) -> Response:
    """A result, or a fault where nobody is logged in."""
    root = defusedxml.ElementTree.fromstring(body)
    asked = {one.tag.removeprefix(URN): one.text for one in root.iter() if one.tag.startswith(URN)}
    if asked.get("sessionId") not in sessions:
        return _fault("INVALID_SESSION_ID", "Invalid Session ID found in SessionHeader")
    lead = state.records["Lead"].get(str(asked.get("leadId")))
    if lead is None:
        return _result({}, ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"))
    if lead["IsConverted"]:
        return _result({}, ("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead"))
    if asked.get("convertedStatus") != CLOSED:
        return _result({}, ("INVALID_STATUS", "invalid convertedStatus: " + str(asked.get("convertedStatus"))))
    return _result(converted(state, lead, asked), None)


def converted(state: State, lead: dict[str, Any], asked: dict[str, Any], *, by: str = "") -> dict[str, str | None]:
    """The conversion itself. ``by`` is one of their users, "" the one who calls."""
    options = asked.get("client") or ""
    writes: list[tuple[str, str | None, dict[str, Any]]] = []
    ids = {"accountId": asked.get("accountId"), "contactId": asked.get("contactId"), "opportunityId": None}
    if not ids["accountId"]:
        ids["accountId"] = state.id("Account")
        writes.append(("Account", None, {"Id": ids["accountId"], "Name": lead["Company"]}))
    if not ids["contactId"]:
        ids["contactId"] = state.id("Contact")
        values = {"Id": ids["contactId"], "LastName": lead["LastName"], "AccountId": ids["accountId"]}
        writes.append(("Contact", None, values))
    if asked.get("doNotCreateOpportunity") != "true":
        ids["opportunityId"] = state.id("Opportunity")
        name = asked.get("opportunityName") or lead["Company"]
        values = {"Id": ids["opportunityId"], "Name": name, "AccountId": ids["accountId"]}
        writes.append(("Opportunity", None, values))
    day = state.clock.now.date().isoformat()
    ended = {
        "Status": CLOSED, "IsConverted": True, "ConvertedDate": day, "ConvertedAccountId": ids["accountId"],
        "ConvertedContactId": ids["contactId"], "ConvertedOpportunityId": ids["opportunityId"],
    }  # fmt: skip
    origin = "" if by else f"com/salesforce/api/soap/66.0;client={options}"
    state.save([*writes, ("Lead", lead["Id"], ended)], by=by, origin=origin)
    return {**ids, "leadId": lead["Id"]}


def _result(ids: dict[str, str | None], error: tuple[str, str] | None) -> Response:
    said = f"<errors><message>{error[1]}</message><statusCode>{error[0]}</statusCode></errors>" if error else ""
    members = "".join(f"<{name}>{value}</{name}>" for name, value in ids.items() if value)
    result = f"<result>{members}{said}<success>{'false' if error else 'true'}</success></result>"
    text = ENVELOPE.format(f"<convertLeadResponse>{result}</convertLeadResponse>")
    return Response(text, 200, media_type="text/xml")


def _fault(code: str, message: str) -> Response:
    fault = (
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring></soapenv:Fault>"
    )
    return Response(ENVELOPE.format(fault), 500, media_type="text/xml")
