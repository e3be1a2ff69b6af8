"""As much of SOQL as taskhub speaks: one object, conditions joined by AND, one order."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from taskhub.testing.crm.salesforce.state import FIELDS, STAMPED, State

_QUERY = re.compile(
    r"SELECT (?P<fields>.+?) FROM (?P<object>\w+)(?: WHERE (?P<where>.+?))?"
    r"(?: ORDER BY (?P<order>\w+))?(?: LIMIT (?P<limit>\d+))?$"
)
_TEST = re.compile(r"(\w+) (>=|=|>) (?:'((?:[^'\\]|\\.)*)'|(\S+))$")
_AMONG = re.compile(r"(\w+) IN \(([^)]*)\)$")
_OF_MERGES: Mapping[str, tuple[str, ...]] = dict.fromkeys(("Lead", "Contact", "Account"), ("MasterRecordId",))
_COMPARE: Mapping[str, Callable[[str, str], bool]] = {
    "=": lambda one, other: one == other, ">=": lambda one, other: one >= other, ">": lambda one, other: one > other,
}  # fmt: skip
# Of LeadStatus those that convert: nobody asks for others.
LABELS = {
    "LeadStatus": ("Closed - Converted",),
    "OpportunityStage": ("Prospecting", "Qualification", "Proposal/Price Quote", "Closed Won", "Closed Lost"),
}
VALUES = {"true": "True", "false": "False", "null": "None"}


class BadQuery(ValueError):
    """``args[0]`` is Salesforce's code, ``args[1]`` its sentence."""


def run(state: State, text: str, *, binned: bool = False) -> list[dict[str, Any]]:
    """The records a query gives; ``binned``: with those that are deleted."""
    found = _QUERY.match(text)
    if found is None or found["object"] not in (*FIELDS, *LABELS):
        raise BadQuery("MALFORMED_QUERY", "unexpected token")
    if found["object"] in LABELS:
        return [{"MasterLabel": label} for label in LABELS[found["object"]]]
    known = {*FIELDS[found["object"]], *STAMPED, *_OF_MERGES.get(found["object"], ())}
    tests = [_test(part, known) for part in found["where"].split(" AND ")] if found["where"] else []
    there = [*state.records[found["object"]].values()]
    there += [row for row in state.bin.values() if binned and row["entity"] == found["object"]]
    rows = [row for row in there if all(test(row) for test in tests)]
    rows.sort(key=lambda row: (str(row[found["order"] or "Id"]), row["Id"]))
    return [_shown(row, found["fields"], known, found["object"]) for row in rows[: int(found["limit"] or len(rows))]]


def _test(text: str, known: set[str]) -> Callable[[Mapping[str, Any]], bool]:
    among = _AMONG.match(text.strip())
    if among is not None:
        return lambda row: row.get(among[1]) in re.findall(r"'(\w+)'", among[2])
    found = _TEST.match(text.strip())
    if found is None:
        raise BadQuery("MALFORMED_QUERY", "unexpected token")
    name, compare, quoted, bare = found.groups()
    if name not in known:
        raise BadQuery("INVALID_FIELD", f"No such column '{name}' on entity")
    wanted = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else VALUES.get(bare, _instant(bare))
    return lambda row: _COMPARE[compare](_instant(str(row.get(name))), wanted)


def _instant(value: str) -> str:
    """Queries write Z where records show +0000."""
    return re.sub(r"(\.\d+)?(Z|\+0000)$", "Z", value) if re.match(r"\d{4}-\d\d-\d\dT", value) else value


def _shown(row: Mapping[str, Any], fields: str, known: set[str], entity: str) -> dict[str, Any]:
    names = [name.strip() for name in fields.split(",")]
    if "FIELDS(STANDARD)" in names:
        names = [*(name for name in row if not name.endswith("__c")), *(name for name in names if name.endswith("__c"))]
    if unknown := [name for name in names if name not in known]:
        raise BadQuery("INVALID_FIELD", f"No such column '{unknown[0]}' on entity '{entity}'")
    return {"attributes": {"type": entity}, **{name: row.get(name) for name in names}}
