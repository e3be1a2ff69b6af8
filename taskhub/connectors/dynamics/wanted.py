"""The steps that are to send to us: on which columns each fires, and what of a row as it was comes along. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taskhub.policy.policies import Connection

_NOUNS: Mapping[str, str] = {"lead": "lead", "opportunity": "deal", "contact": "contact", "task": "activity"}
# Without these a message does not say from what it has moved.
_BEFORE: Mapping[str, tuple[str, ...]] = {
    "lead": ("statecode", "statuscode", "ownerid", "stageid", "parentaccountid", "companyname", "estimatedamount"),
    "opportunity": (
        "statecode", "statuscode", "ownerid", "stageid", "originatingleadid", "customerid", "estimatedvalue",
    ),
    "task": ("statecode", "statuscode", "regardingobjectid"),
    "leadtoopportunitysalesprocess": ("activestageid", "leadid", "opportunityid"),
    "opportunitysalesprocess": ("activestageid", "opportunityid"),
}  # fmt: skip
# A name is computed over there from the others, so that an image of it would tell the old one beside the new ones.
_PERSON = ("fullname", "firstname", "lastname", "emailaddress1", "telephone1")
_SALE = ("transactioncurrencyid", "parentaccountid", "parentcontactid")
_FIRES: Mapping[str, tuple[str, ...]] = {
    "lead": (
        "subject", "companyname", "estimatedamount", "estimatedclosedate", "qualifyingopportunityid", "masterid",
        *_PERSON, *_SALE,
    ),
    "opportunity": ("name", "estimatedvalue", "estimatedclosedate", "originatingleadid", "customerid", *_SALE),
    "contact": ("parentcustomerid", "ownerid", *_PERSON),
}  # fmt: skip
_CODES = ("statecode", "statuscode", "ownerid")
PROCESSES: Mapping[str, tuple[str, ...]] = {
    "leadtoopportunitysalesprocess": ("lead", "deal"), "opportunitysalesprocess": ("deal",),
}  # fmt: skip
_STEPS = (
    *(("lead", message) for message in ("Create", "Update", "Delete")),
    *(("opportunity", message) for message in ("Create", "Update", "Delete")),
    *(("task", message) for message in ("Create", "Update", "Delete")),
    ("contact", "Update"),
    *((table, "Update") for table in PROCESSES),
    *((table, "Merge") for table in ("lead", "contact", "account")),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """``fires``: the columns whose change is told, all where it is empty. ``image``: the columns of the pre-image."""

    table: str
    message: str
    fires: tuple[str, ...] = ()
    image: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """As it is called over there: ``Message.table``."""
        return f"{self.message}.{self.table}"


def wanted(connection: Connection) -> list[Wanted]:
    """A stage that the connection maps to a column is told by that column: then no process is asked for it."""
    own = connection.fields
    processes = {table for table, nouns in PROCESSES.items() if not any("stage" in own.get(noun, {}) for noun in nouns)}
    steps = [one for one in _STEPS if one[0] not in PROCESSES or one[0] in processes]
    return [
        Wanted(table, message, *(_columns(table, connection) if message == "Update" else ()))
        for table, message in steps
    ]


def _columns(table: str, connection: Connection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if table in PROCESSES:
        return ("activestageid",), _BEFORE[table]
    if table == "task":
        return ("statecode",), _BEFORE[table]
    own = [theirs.lower() for theirs in connection.fields.get(_NOUNS[table], {}).values()]
    fires = _joined(_FIRES[table], _CODES if table in _BEFORE else (), own)
    return fires, _joined(_BEFORE[table], own) if table in _BEFORE else ()


def _joined(*names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for some in names for one in some))
