"""Sales at work in the fake Salesforce."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from taskhub.demo.crm.office import Counts, Paths, Told
from taskhub.testing.crm.salesforce import FakeSalesforce, soap
from taskhub.testing.crm.sender import Sender

OBJECTS = {"lead": "Lead", "deal": "Opportunity"}
STAGES = {"lead": "Status", "deal": "StageName"}
ENDED = {"lead": "Closed - Not Converted", "deal": "Closed Lost"}
OWN = {
    "lead": {"language": "Language__c", "amount": "Amount__c", "lost_reason": "Loss_Reason__c"},
    "deal": {"language": "Language__c", "company": "Company__c", "name": "Contact__c", "lost_reason": "Loss_Reason__c"},
}  # fmt: skip


class SalesforceOffice:
    """Implements ``Office``."""

    def __init__(self, fake: FakeSalesforce, users: Mapping[str, str], paths: Paths) -> None:
        self.users = users
        self._fake, self._paths = fake, paths

    def settings(self) -> tuple[list[str], list[str]]:
        tables = []
        for noun, stages in self._paths.stages.items():
            tables += [f"[connection.stages.{noun}]", *(f'"{_label(stage)}" = "{stage}"' for stage in stages)]
        for noun, own in OWN.items():
            tables += [f"[connection.fields.{noun}]", *(f'{name} = "{field}"' for name, field in own.items())]
        return [f'own_user = "{self._fake.state.robot}"'], tables

    def senders(self) -> list[Sender]:
        return [self._fake.relay.sender]

    def lead(self, told: Told) -> str:
        first, _, last = told["name"].partition(" ")
        values = {
            "Company": told["company"], "FirstName": first, "LastName": last, "Email": told["email"],
            "Status": _label(told["stage"]), **_own("lead", told),
        }  # fmt: skip
        return self._save("Lead", None, values, told)

    def deal(self, told: Told) -> str:
        values = {"Name": told["title"], "StageName": _label(told["stage"]), "Amount": told["amount"]}
        return self._save("Opportunity", None, {**values, **_own("deal", told)}, told)

    def move(self, noun: str, id: str, told: Told) -> None:
        self._save(OBJECTS[noun], id, {STAGES[noun]: _label(told["stage"])}, told)

    def lose(self, noun: str, id: str, told: Told) -> None:
        lost = {STAGES[noun]: ENDED[noun], "Loss_Reason__c": told["lost_reason"]}
        self._save(OBJECTS[noun], id, lost, told)

    def win(self, id: str, told: Told) -> None:
        self._save("Opportunity", id, {"StageName": "Closed Won"}, told)

    def convert(self, lead: str, told: Told) -> bool:
        state = self._fake.state
        soap.converted(state, state.records["Lead"][lead], {}, by=self.users[told["owner"]])
        return True

    def deal_of(self, lead: str) -> str | None:
        found = self._fake.state.records["Lead"][lead]["ConvertedOpportunityId"]
        return str(found) if found else None

    def fill(self, deal: str, told: Told) -> None:
        stage = {"StageName": _label(told["stage"]), "Amount": told["amount"]}
        self._save("Opportunity", deal, {**stage, **_own("deal", told)}, told)

    def tick(self, chance: Random) -> bool:
        tasks = self._fake.state.records["Task"]
        open_ = [id for id, task in tasks.items() if not task["IsClosed"] and task["Status"] != "Completed"]
        if not open_:
            return False
        id = chance.choice(open_)
        self._fake.state.save([("Task", id, {"Status": "Completed", "IsClosed": True})], by=tasks[id]["OwnerId"])
        return True

    def counts(self) -> Counts:
        records = self._fake.state.records
        done = sum(task["Status"] == "Completed" for task in records["Task"].values())
        return Counts(
            sum(not lead["Status"].startswith("Closed") for lead in records["Lead"].values()),
            sum(not deal["IsClosed"] for deal in records["Opportunity"].values()), len(records["Task"]) - done, done,
        )  # fmt: skip

    def _save(self, entity: str, id: str | None, values: Mapping[str, Any], told: Told) -> str:
        return self._fake.state.save([(entity, id, values)], by=self.users[told["owner"]])[0]


def _label(stage: str) -> str:
    return stage.replace("_", " ").title()


def _own(noun: str, told: Told) -> dict[str, Any]:
    return {field: told[name] for name, field in OWN[noun].items() if name in told}
