"""Outbound messages: SOAP 1.1 in and out. Pure.

What a stranger sends is parsed without a DTD and without entities. The session id, which would open Salesforce to
whoever reads it, never leaves this file: what is kept of a message is written anew without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import TreeBuilder
from xml.sax.saxutils import escape, quoteattr

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, XMLParser

from taskhub.errors import InvalidInput
from taskhub.events.reading import MAX_BYTES, storable

MEDIA_TYPE = "text/xml; charset=utf-8"
MOST = 100
_DEEPEST, _MOST_ELEMENTS = 12, 200_000  # a message nests five levels; its records have up to 800 fields each
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_OUTBOUND = "http://soap.sforce.com/2005/09/outbound"
# The parser writes the namespace before every name: a long one, used often, would fill the memory.
_LONG_NAMES = re.compile(rb"xmlns(?::[^\s=:]{1,100})?\s*=\s*(?:\"[^\"]{300}|'[^']{300})|xmlns:[^\s=:]{101}")
_OBJECT = "urn:sobject.enterprise.soap.sforce.com"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_TYPE, _NIL = f"{{{_XSI}}}type", f"{{{_XSI}}}nil"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}", re.ASCII)
_SESSION = "sessionid"
_KEPT = {"\r": "&#13;"}  # else a reader takes it for the end of a line
_HEAD = f'<?xml version="1.0" encoding="UTF-8"?>\n<soapenv:Envelope xmlns:soapenv="{_SOAP}"'


@dataclass(frozen=True, slots=True)
class Notification:
    """One record in one message. ``fields`` are texts, None for nil; ``entity`` is "" when no record came."""

    id: str
    entity: str = ""
    fields: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """A batch of one organisation; what may not be kept was left behind."""

    organization_id: str
    action_id: str
    notifications: tuple[Notification, ...]


class _Bounded(TreeBuilder):
    """A tree that stops growing before it fills the memory."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = self._elements = 0

    def start(self, tag: str, attrs: Any) -> Any:
        self._depth += 1
        self._elements += 1
        if self._depth > _DEEPEST:
            raise InvalidInput(f"Nested deeper than {_DEEPEST} levels.", code="too_deep", limit=_DEEPEST)
        if self._elements > _MOST_ELEMENTS:
            raise InvalidInput(f"More than {_MOST_ELEMENTS} elements.", code="too_many_keys", limit=_MOST_ELEMENTS)
        return super().start(tag, attrs)

    def end(self, tag: str) -> Any:
        self._depth -= 1
        return super().end(tag)


def read_message(body: bytes) -> OutboundMessage:
    """Raises ``InvalidInput``.

    Codes: ``too_large``, ``forbidden_xml``, ``not_xml``, ``too_deep``, ``too_many_keys``, ``no_envelope``,
    ``too_many_events``.
    """
    if len(body) > MAX_BYTES:
        raise InvalidInput(f"The body is larger than {MAX_BYTES} bytes.", code="too_large", limit=MAX_BYTES)
    root = _parsed(body)
    outer = root.find(f"{{{_SOAP}}}Body") if root.tag == f"{{{_SOAP}}}Envelope" else None
    told = outer.find(f"{{{_OUTBOUND}}}notifications") if outer is not None else None
    found = told.findall(f"{{{_OUTBOUND}}}Notification") if told is not None else []
    if told is None or not found:
        raise InvalidInput("This is no outbound message of Salesforce, or an empty one.", code="no_envelope")
    if len(found) > MOST:
        raise InvalidInput(f"A message holds at most {MOST} notifications.", code="too_many_events", limit=MOST)
    return OutboundMessage(_text(told, "OrganizationId"), _text(told, "ActionId"), tuple(map(_notification, found)))


def written(message: OutboundMessage, one: Notification) -> bytes:
    """One notification as a message of its own, to be kept."""
    nil = ' xsi:nil="true"/>'
    fields = "".join(
        f"<sf:{name}{nil}" if value is None else f"<sf:{name}>{escape(value, _KEPT)}</sf:{name}>"
        for name, value in one.fields.items()
    )
    record = f"<sObject xsi:type={quoteattr(f'sf:{one.entity}')}>{fields}</sObject>" if one.entity else ""
    return (
        f'{_HEAD} xmlns:xsi="{_XSI}" xmlns:sf="{_OBJECT}"><soapenv:Body><notifications xmlns="{_OUTBOUND}">'
        f"<OrganizationId>{escape(message.organization_id)}</OrganizationId>"
        f"<ActionId>{escape(message.action_id)}</ActionId>"
        f"<Notification><Id>{escape(one.id)}</Id>{record}</Notification>"
        "</notifications></soapenv:Body></soapenv:Envelope>"
    ).encode()


def acknowledgement() -> bytes:
    """The one answer that keeps Salesforce from sending the batch again."""
    inner = f'<notificationsResponse xmlns="{_OUTBOUND}"><Ack>true</Ack></notificationsResponse>'
    return f"{_HEAD}><soapenv:Body>{inner}</soapenv:Body></soapenv:Envelope>".encode()


def fault(message: str) -> bytes:
    """What a sender of SOAP reads when a message is refused."""
    said = escape("".join(char for char in message if storable(char) and char >= " "))
    inner = f"<soapenv:Fault><faultcode>soapenv:Client</faultcode><faultstring>{said}</faultstring></soapenv:Fault>"
    return f"{_HEAD}><soapenv:Body>{inner}</soapenv:Body></soapenv:Envelope>".encode()


def _parsed(body: bytes) -> Any:
    if b"\0" in body:  # two bytes to a character: the parser would find that out, and read what the look below cannot
        raise InvalidInput("Not XML in UTF-8.", code="not_xml")
    if _LONG_NAMES.search(body):
        raise InvalidInput("XML with such long namespaces is not read.", code="forbidden_xml")
    try:
        # Another encoding could hide from the look above what it says.
        parser = XMLParser(target=_Bounded(), encoding="utf-8", forbid_dtd=True)
        parser.feed(body)
        return parser.close()
    except DefusedXmlException:
        raise InvalidInput("XML with a DTD or entities is not read.", code="forbidden_xml") from None
    except ParseError as error:
        line, column = error.position
        raise InvalidInput(f"Not XML at line {line}, column {column}.", code="not_xml") from None
    except (LookupError, ValueError):
        raise InvalidInput("Not XML: the encoding is unknown or does not fit.", code="not_xml") from None


def _notification(element: Any) -> Notification:
    record = element.find(f"{{{_OUTBOUND}}}sObject")
    if record is None:
        return Notification(_text(element, "Id"))
    entity = (record.get(_TYPE) or "").rpartition(":")[2]
    fields: dict[str, str | None] = {}
    for child in record:
        name = child.tag.rpartition("}")[2]
        if _NAME.fullmatch(name) and name.lower() != _SESSION and len(child) == 0:
            empty = child.get(_NIL) in ("true", "1")
            fields.setdefault(name, None if empty else child.text or "")
    return Notification(_text(element, "Id"), entity if _NAME.fullmatch(entity) else "", fields)


def _text(element: Any, name: str) -> str:
    """A short text of the envelope; "" for none."""
    value = (element.findtext(f"{{{_OUTBOUND}}}{name}") or "").strip()
    return value if len(value) <= 100 else ""
