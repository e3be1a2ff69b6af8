"""Sales at work in the fake Dynamics 365. Stages and what a table lacks stand in columns of its own."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from taskhub.demo.crm.office import Counts, Paths, Told
from taskhub.testing.crm.dataverse import FakeDataverse, actions
from taskhub.testing.crm.dataverse.api import TENANT
from taskhub.testing.crm.sender import Sender

TABLES = {"lead": "lead", "deal": "opportunity"}
OWN = {
    "lead": {"stage": "new_stage", "language": "new_language"},
    "deal": {"stage": "new_stage", "language": "new_language", "company": "new_company", "name": "new_contact"},
}
EVERYTHING = {"CreateAccount": True, "CreateContact": True, "CreateOpportunity": True}
FIRST_REASON = 100_000_000  # choices of one's own begin there
OPEN, CLOSED, LOST = 0, 1, 2


class DynamicsOffice:
    """Implements ``Office``."""

    def __init__(self, fake: FakeDataverse, users: Mapping[str, str], paths: Paths) -> None:
        self.users = users
        self._fake, self._paths = fake, paths
        fake.state.own = {TABLES[noun]: frozenset(own.values()) for noun, own in OWN.items()}

    def settings(self) -> tuple[list[str], list[str]]:
        tables = []
        for noun, reasons in self._paths.reasons.items():
            numbered = [f'{FIRST_REASON + number} = "{reason}"' for number, reason in enumerate(reasons)]
            tables += [f"[connection.settings.lost_reasons.{noun}]", *numbered]
        for noun, own in OWN.items():
            tables += [f"[connection.fields.{noun}]", *(f'{name} = "{column}"' for name, column in own.items())]
        return [f'own_user = "{self._fake.state.robot}"', f'tenant = "{TENANT}"'], tables

    def senders(self) -> list[Sender]:
        return [self._fake.steps.sender]

    def lead(self, told: Told) -> str:
        first, _, last = told["name"].partition(" ")
        values = {
            "subject": told["company"], "firstname": first, "lastname": last, "companyname": told["company"],
            "emailaddress1": told["email"], "estimatedamount": told["amount"], **_own("lead", told),
        }  # fmt: skip
        return self._fake.state.create("lead", values, self._act(told))

    def deal(self, told: Told) -> str:
        values = {"name": told["title"], "estimatedvalue": told["amount"], **_own("deal", told)}
        return self._fake.state.create("opportunity", values, self._act(told))

    def move(self, noun: str, id: str, told: Told) -> None:
        self._update(noun, id, {OWN[noun]["stage"]: told["stage"]}, told)

    def lose(self, noun: str, id: str, told: Told) -> None:
        reason = FIRST_REASON + self._paths.reasons[noun].index(told["lost_reason"])
        self._update(noun, id, {"statecode": LOST, "statuscode": reason}, told)

    def win(self, id: str, told: Told) -> None:
        self._update("deal", id, {"statecode": CLOSED, "statuscode": 3}, told)

    def convert(self, lead: str, told: Told) -> bool:
        actions.qualified(self._fake.state, lead, EVERYTHING, by=self.users[told["owner"]])
        return True

    def deal_of(self, lead: str) -> str | None:
        found = self._fake.state.rows["lead"][lead]["_qualifyingopportunityid_value"]
        return str(found) if found else None

    def fill(self, deal: str, told: Told) -> None:
        self._update("deal", deal, {"estimatedvalue": told["amount"], **_own("deal", told)}, told)

    def tick(self, chance: Random) -> bool:
        tasks = self._fake.state.rows["task"]
        open_ = [id for id, task in tasks.items() if task["statecode"] == OPEN]
        if not open_:
            return False
        id = chance.choice(open_)
        act = self._fake.state.act(tasks[id]["_ownerid_value"])
        self._fake.state.update("task", id, {"statecode": CLOSED, "statuscode": 5}, act)
        return True

    def counts(self) -> Counts:
        open_, done = (
            {table: sum(row["statecode"] == code for row in self._fake.state.rows[table].values())
             for table in ("lead", "opportunity", "task")}
            for code in (OPEN, CLOSED)
        )  # fmt: skip
        return Counts(open_["lead"], open_["opportunity"], open_["task"], done["task"])

    def _update(self, noun: str, id: str, values: Mapping[str, Any], told: Told) -> None:
        self._fake.state.update(TABLES[noun], id, values, self._act(told))

    def _act(self, told: Told) -> Any:
        return self._fake.state.act(self.users[told["owner"]])


def _own(noun: str, told: Told) -> dict[str, Any]:
    return {column: told[name] for name, column in OWN[noun].items()}
