"""Values as Dataverse writes them, in plain form. Pure.

An attribute is a scalar, null, or wrapped: ``__type`` says the kind, and where it is left out the members do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from taskhub.events.fields import BadField
from taskhub.events.times import FIRST_YEAR, LAST_YEAR, read_instant

_DATE = re.compile(r"/Date\((-?[0-9]{1,17})(?:([+-])([0-9]{2})([0-9]{2}))?\)/", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HALF_A_DAY = timedelta(hours=12)
MOST_OF_ID = 100
EMPTY_GUID = "00000000-0000-0000-0000-000000000000"


class Reference(NamedTuple):
    """Another row: its table, its id, and the name people read where the sender tells it."""

    entity: str
    id: str
    name: str | None


def pairs(path: str, value: Any) -> dict[str, Any]:
    """``[{"key": …, "value": …}]`` as a mapping; nothing at all is empty. Raises ``BadField``."""
    if value is None:
        return {}
    if not isinstance(value, list):
        raise BadField(path, "must be a list of keys and values")
    found = {}
    for one in value:
        if not isinstance(one, Mapping) or not isinstance(one.get("key"), str):
            raise BadField(path, "holds something without a key")
        found[one["key"]] = one.get("value")
    return found


def bare(value: Any) -> Any:
    """The value without its wrapping: scalars stay, choices are numbers, money is an amount, rows are references.

    >>> bare({"__type": "OptionSetValue:http://schemas.microsoft.com/xrm/2011/Contracts", "Value": 3})
    3
    >>> bare({"__type": "Guid:#System", "__value": "E4AF"})
    'E4AF'
    """
    while isinstance(value, Mapping):
        if "__value" in value:
            value = value["__value"]
        elif "LogicalName" in value:
            return _reference(value)
        elif "Entities" in value:
            value = value["Entities"]
        elif "Value" in value:
            value = value["Value"]
        else:
            return None
    return [bare(one) for one in value] if isinstance(value, list) else value


def guid(value: Any) -> str | None:
    """An id in its one spelling; None for what is none: nothing, all zeros, more text than an id has.

    >>> guid("{E837C9EC-8151-E811-A950-000D3A391928}")
    'e837c9ec-8151-e811-a950-000d3a391928'
    """
    if isinstance(value, Reference):
        value = value.id
    text = value.strip().strip("{}").lower() if isinstance(value, str) else ""
    return None if text in ("", EMPTY_GUID) or len(text) > MOST_OF_ID else text


def instant(path: str, value: Any, *, shifted: bool = False) -> datetime | None:
    """A moment: "/Date(ms)/" in UTC, or RFC 3339. Raises ``BadField``.

    ``shifted``: where the text carries an offset it belongs to the instant. So it does in OperationCreatedOn of
    asynchronous steps, whose milliseconds are local time.
    """
    value = bare(value)
    if value is None or value == "":
        return None
    try:
        found = _moment(value, shifted=shifted)
    except (ValueError, OverflowError):
        raise BadField(path, "is no time") from None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise BadField(path, f"must lie between the years {FIRST_YEAR} and {LAST_YEAR}")
    return found


def day(path: str, value: Any) -> str | None:
    """A date without a time of day; the zone of whoever typed it is not known, so the nearest midnight tells it."""
    found = instant(path, value)
    return None if found is None else (found + _HALF_A_DAY).date().isoformat()


def written(value: Any) -> Any:
    """A bare value as it may be kept: moments as RFC 3339, references as ids."""
    if isinstance(value, Reference):
        return value.id
    if isinstance(value, list):
        return [written(one) for one in value]
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return _moment(value, shifted=False).isoformat()
        except (ValueError, OverflowError):
            return value
    return None if value == "" else value


def _reference(value: Mapping[str, Any]) -> Reference | None:
    entity, id_, name = value.get("LogicalName"), guid(bare(value.get("Id"))), value.get("Name")
    if not isinstance(entity, str) or id_ is None:
        return None
    return Reference(entity.lower(), id_, name if isinstance(name, str) and name.strip() else None)


def _moment(value: Any, *, shifted: bool) -> datetime:
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        if not isinstance(value, str):
            raise ValueError(value)
        return read_instant(value)
    millis, sign, hours, minutes = found.groups()
    moment = _EPOCH + timedelta(milliseconds=int(millis))
    if shifted and sign:
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        moment += offset if sign == "+" else -offset
    return moment
