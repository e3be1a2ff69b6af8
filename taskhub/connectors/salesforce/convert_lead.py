"""The body of convertLead and its answer: Salesforce offers it in SOAP only. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

import defusedxml
import defusedxml.ElementTree

from taskhub.connectors.outbound import Conversion, Converted
from taskhub.connectors.salesforce.dialect import CALLER
from taskhub.errors import OutcomeUnknown

CONVERTED = "CANNOT_UPDATE_CONVERTED_LEAD"
_URN = "{urn:partner.soap.sforce.com}"
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns="urn:partner.soap.sforce.com"><soapenv:Header><SessionHeader><sessionId>{key}</sessionId></SessionHeader>'
    "<CallOptions><client>{client}</client></CallOptions></soapenv:Header><soapenv:Body><convertLead><leadConverts>"
    "{members}</leadConverts></convertLead></soapenv:Body></soapenv:Envelope>"
)


@dataclass(frozen=True, slots=True)
class Told:
    """What the answer says: ``done``, or the code and sentence of a refusal."""

    done: Converted | None
    code: str = ""
    message: str = ""


def body(key: str, order: Conversion, status: str) -> bytes:
    """The request; ``key`` is the session."""
    given = {
        "accountId": order.account,
        "contactId": order.contact,
        "convertedStatus": status,
        "doNotCreateOpportunity": "false" if order.make_deal else "true",
        "leadId": order.lead,
        "opportunityName": order.title if order.make_deal and order.title else None,
        "overwriteLeadSource": "false",
        "sendNotificationEmail": "false",
    }
    members = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in given.items() if value)
    return _ENVELOPE.format(key=escape(key), client=CALLER, members=members).encode()


def result(name: str, content: bytes) -> Told:
    """Raises ``OutcomeUnknown`` for an answer that cannot be read."""
    try:
        root = defusedxml.ElementTree.fromstring(content)
    except (defusedxml.ElementTree.ParseError, defusedxml.DefusedXmlException, ValueError):
        raise OutcomeUnknown(f"{name} answered convertLead with no XML; it is looked for.", retry_after=5) from None
    said = {one.tag.removeprefix(_URN): one.text for one in root.iter() if one.tag.startswith(_URN)}
    if said.get("success") == "true":
        return Told(Converted(True, said.get("opportunityId"), said.get("accountId"), said.get("contactId")))
    if said.get("success") != "false":
        raise OutcomeUnknown(f"{name} answered convertLead without a result; it is looked for.", retry_after=5)
    return Told(None, said.get("statusCode") or "", said.get("message") or "")
