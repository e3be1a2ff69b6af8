"""Fields in which a person chooses from a list: Pipedrive tells the ids of options, people know their labels. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taskhub.connectors.reading import plain
from taskhub.policy.policies import Connection, Options

KINDS = ("enum", "set")
LONGEST = 200  # characters of a label


def options_of(rows: Sequence[Any], keys: Sequence[str]) -> dict[str, Options | None]:
    """Definitions of fields, as the API lists them: what each of ``keys`` offers, None where nothing is chosen."""
    defined = {str(row.get("key")): row for row in rows if isinstance(row, Mapping)}
    return {key: _offered(defined.get(key, {})) for key in keys}


def labelled(value: Any, options: Options | None) -> Any:
    """The label, or the list of labels where several may be chosen; an id without one stays."""
    value = bare(value)
    if options is None or value in (None, "", []):
        return None if options is not None and value == "" else value
    ids = _ids(value, options)
    said = [options.labels.get(str(one), one) for one in ids]
    return said if options.many or isinstance(value, list) else said[0]


def unlabelled(noun: str, raw: Mapping[str, Any], connection: Connection) -> bool:
    """Whether a field that is mapped shows an option nobody has told us the label of, and that we may be told."""
    known = connection.options.get(noun, {})
    refused = noun in connection.asked_options and not known
    return any(
        _is_unknown(value, known.get(theirs), read=refused or theirs in known)
        for theirs, value in mapped(noun, raw, connection)
    )


def mapped(noun: str, raw: Mapping[str, Any], connection: Connection) -> list[tuple[str, Any]]:
    """Their key and value of each field the connection names; members of ``raw`` itself come second."""
    custom = raw.get("custom_fields")
    values = {**raw, **custom} if isinstance(custom, Mapping) else raw
    return [(theirs, values[theirs]) for theirs in connection.fields.get(noun, {}).values() if theirs in values]


def bare(value: Any) -> Any:
    """The value inside Pipedrive's typed wrapping; chosen options are ids."""
    if not isinstance(value, Mapping):
        return value
    found = next((value[name] for name in ("value", "id", "values") if name in value), None)
    if isinstance(found, list):
        return [one.get("id") if isinstance(one, Mapping) else one for one in found]
    return found


def _offered(row: Mapping[str, Any]) -> Options | None:
    if row.get("field_type") not in KINDS:
        return None
    rows = [one for one in row.get("options") or () if isinstance(one, Mapping) and one.get("label")]
    labels = plain({str(one.get("id")): str(one["label"])[:LONGEST] for one in rows})
    return Options(row["field_type"] == "set", labels)


def _ids(value: Any, options: Options) -> list[Any]:
    """One body lists what was chosen, the older one joins it by commas."""
    if isinstance(value, list):
        return value
    return value.split(",") if options.many and isinstance(value, str) else [value]


def _is_unknown(value: Any, options: Options | None, *, read: bool) -> bool:
    chosen = bare(value)
    if chosen in (None, "", []):
        return False
    if options is None:
        return not read and isinstance(value, Mapping) and value.get("type") in KINDS
    return any(str(one) not in options.labels for one in _ids(chosen, options))
