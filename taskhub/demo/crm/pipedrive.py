"""Sales at work in the fake Pipedrive. Leads have no stages there: a field of its own holds one."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from taskhub.demo.crm.office import Counts, Paths, Told
from taskhub.testing.crm.pipedrive import FakePipedrive
from taskhub.testing.crm.sender import Sender

OWN = {name: f"{number:x}" * 40 for number, name in enumerate(("company", "name", "language", "stage"), 10)}
ENTITIES = {"lead": "lead", "deal": "deal"}


class PipedriveOffice:
    """Implements ``Office``."""

    def __init__(self, fake: FakePipedrive, users: Mapping[str, str], paths: Paths) -> None:
        self.users = users
        self._fake, self._paths = fake, paths
        self._stages = {stage: number for number, stage in enumerate(paths.stages["deal"], 1)}
        fake.state.names["stages"] = {number: stage.capitalize() for stage, number in self._stages.items()}
        fake.state.names["users"] |= {int(id): person.capitalize() for person, id in users.items()}

    def settings(self) -> tuple[list[str], list[str]]:
        own = [f'{name} = "{key}"' for name, key in OWN.items()]
        stages = [f'{number} = "{stage}"' for stage, number in self._stages.items()]
        return [f"own_user = {self._fake.state.robot}", "lead_lost_when_archived = true"], [
            "[connection.stages.deal]", *stages, "[connection.fields.lead]", *own, "[connection.fields.deal]", *own[:3],
            "[connection.settings.pipelines]", f'1 = "{self._paths.pipeline}"',
        ]  # fmt: skip

    def senders(self) -> list[Sender]:
        return [self._fake.webhooks.sender]

    def lead(self, told: Told) -> str:
        own = {OWN["stage"]: told["stage"], **_own(told)}
        worth = {"amount": told["amount"], "currency": told["currency"]}
        values = {"title": told["company"], "value": worth, "custom_fields": own}
        return str(self._fake.state.add("lead", values, by=self._by(told))["id"])

    def deal(self, told: Told) -> str:
        return str(self._fake.state.add("deal", self._deal(told), by=self._by(told))["id"])

    def move(self, noun: str, id: str, told: Told) -> None:
        if noun == "deal":
            self._change(noun, id, {"stage_id": self._stages[told["stage"]]}, told)
            return
        own = self._fake.state.records["lead"][id]["custom_fields"]
        self._change(noun, id, {"custom_fields": {**own, OWN["stage"]: told["stage"]}}, told)

    def lose(self, noun: str, id: str, told: Told) -> None:
        lost = {"status": "lost", "lost_reason": told["lost_reason"]} if noun == "deal" else {"is_archived": True}
        self._change(noun, id, lost, told)

    def win(self, id: str, told: Told) -> None:
        self._change("deal", id, {"status": "won"}, told)

    def convert(self, lead: str, told: Told) -> bool:
        """Pipedrive does not tell what a conversion there makes of a lead: it is asked for in taskhub."""
        return False

    def deal_of(self, lead: str) -> str | None:
        jobs = self._fake.state.conversions.values()
        return next((str(job["deal"]) for job in jobs if job.get("lead") == lead and job["deal"]), None)

    def fill(self, deal: str, told: Told) -> None:
        self._change("deal", deal, {"value": told["amount"], "custom_fields": _own(told)}, told)

    def tick(self, chance: Random) -> bool:
        activities = self._fake.state.records["activity"]
        open_ = [id for id, activity in activities.items() if not activity["done"]]
        if not open_:
            return False
        id = chance.choice(open_)
        self._fake.state.change("activity", id, {"done": True}, by=int(activities[id]["owner_id"]))
        return True

    def counts(self) -> Counts:
        records = self._fake.state.records
        done = sum(activity["done"] for activity in records["activity"].values())
        return Counts(
            sum(not lead["is_archived"] for lead in records["lead"].values()),
            sum(deal["status"] == "open" for deal in records["deal"].values()), len(records["activity"]) - done, done,
        )  # fmt: skip

    def _deal(self, told: Told) -> dict[str, Any]:
        known = {"title": told["title"], "value": told["amount"], "currency": told["currency"]}
        return {**known, "stage_id": self._stages[told["stage"]], "custom_fields": _own(told)}

    def _change(self, noun: str, id: str, values: Mapping[str, Any], told: Told) -> None:
        self._fake.state.change(ENTITIES[noun], id, values, by=self._by(told))

    def _by(self, told: Told) -> int:
        return int(self.users[told["owner"]])


def _own(told: Told) -> dict[str, Any]:
    return {OWN[name]: told[name] for name in ("company", "name", "language")}
