"""Whom a record is about in the end: the account, else the contact, else the lead, else the record itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.db.tx import Tx
from taskhub.events.model import RecordRef
from taskhub.sales import service

Known = Mapping[str, Mapping[str, Any]]


def of(tx: Tx, record: str) -> str:
    """The customer of ``noun:id`` as noun:id; what sales does not know of is its own customer."""
    noun, _, id_ = record.partition(":")
    return customer(record, service.known_of(tx, RecordRef(noun, id_)))


def customer(record: str, known: Known) -> str:
    """The same from what is known of the record and those linked to it.

    >>> customer("deal:7", {"deal": {"lead": "3"}, "lead": {"account": "12"}}), customer("deal:7", {"deal": {}})
    ('account:12', 'deal:7')
    """
    noun, _, _id = record.partition(":")
    around = [known[one] for one in (noun, "deal", "lead") if one in known]
    for wanted in ("account", "contact", "lead"):
        if noun == wanted:
            return record
        linked = next((fields[wanted] for fields in around if isinstance(fields.get(wanted), str)), None)
        if linked:
            return f"{wanted}:{linked}"
    return record
