"""The native objects of an event, and the records it ties together. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.events.model import RecordRef


def native_data(noun: str, record: RecordRef, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The record's own object; beside it those of a conversion, or whom an activity is about.

    A converted lead names its deal and its contact in the same event: their tasks then belong to one file.
    """
    data: dict[str, Any] = {noun: {"id": record.id, **fields}}
    if noun == "lead" and fields.get("status") == "converted":
        deal, contact, account = (fields.get(name) for name in ("deal", "contact", "account"))
        if deal is not None:
            data["deal"] = {"id": deal, "lead": record.id, **_given(contact=contact, account=account)}
        if contact is not None:
            data["contact"] = {"id": contact, **_given(account=account)}
    for other in ("deal", "lead"):
        if noun == "activity" and fields.get(other) is not None:
            data[other] = {"id": fields[other]}
    return data


def _given(**links: Any) -> dict[str, Any]:
    return {name: value for name, value in links.items() if value is not None}
