"""What one of a CRM's users does to a lead and to its deal, in the words of each of the three."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from taskhub.testing.crm.dataverse import actions
from taskhub.testing.crm.pipedrive import conversion
from taskhub.testing.crm.salesforce import soap
from tests.crm.floor import SUE, make_lead

# Their words for our stages. Pipedrive's leads have none.
STAGES: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "pipedrive": {"deal": {"1": "begun", "2": "met", "3": "offered"}},
    "salesforce": {
        "lead": {"Open - Not Contacted": "new", "Working - Contacted": "met"},
        "deal": {"Prospecting": "begun", "Qualification": "met", "Proposal/Price Quote": "offered"},
    },
    "dynamics": {
        "lead": {"1": "new", "2": "met"}, "deal": {"1-qualify": "begun", "2-develop": "met", "3-propose": "offered"},
    },
}  # fmt: skip
FIELDS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "dynamics": {"lead": {"stage": "statuscode"}, "deal": {"stage": "stepname"}}
}
# What Dataverse is asked to send beside a change, so that it says from what it has moved.
IMAGE = ("statecode", "statuscode", "_ownerid_value", "stepname")


class Hands(Protocol):
    """``warm``: the lead is spoken to. ``moved``: the deal is at our stage."""

    def lead(self, title: str) -> str: ...
    def warm(self, lead: str) -> None: ...
    def convert(self, lead: str) -> None: ...
    def deals(self) -> list[str]: ...
    def moved(self, deal: str, stage: str) -> None: ...
    def won(self, deal: str) -> None: ...
    def lost(self, deal: str) -> None: ...


def hands(fake: Any, system: str) -> Hands:
    """Sue's, over there."""
    made: Hands = {"pipedrive": _Pipedrive, "salesforce": _Salesforce, "dynamics": _Dataverse}[system](fake)
    return made


class _Hands:
    system = ""

    def __init__(self, fake: Any) -> None:
        self.fake, self.state, self.by = fake, fake.state, SUE[self.system]

    def lead(self, title: str) -> str:
        return make_lead(self.fake, self.system, title, self.by)

    def stage(self, ours: str) -> str:
        return next(theirs for theirs, of in STAGES[self.system]["deal"].items() if of == ours)


class _Pipedrive(_Hands):
    system = "pipedrive"

    def warm(self, lead: str) -> None:
        self.state.change("lead", lead, {"value": {"amount": 900, "currency": "EUR"}}, by=int(self.by))

    def convert(self, lead: str) -> None:
        conversion.by_hand(self.state, lead, int(self.by))

    def deals(self) -> list[str]:
        return list(self.state.records["deal"])

    def moved(self, deal: str, stage: str) -> None:
        self._deal(deal, {"stage_id": int(self.stage(stage))})

    def won(self, deal: str) -> None:
        self._deal(deal, {"status": "won"})

    def lost(self, deal: str) -> None:
        self._deal(deal, {"status": "lost", "lost_reason": "price"})

    def _deal(self, deal: str, values: Mapping[str, Any]) -> None:
        self.state.change("deal", deal, values, by=int(self.by))


class _Salesforce(_Hands):
    system = "salesforce"

    def warm(self, lead: str) -> None:
        self.state.save([("Lead", lead, {"Status": "Working - Contacted"})], by=self.by)

    def convert(self, lead: str) -> None:
        soap.converted(self.state, self.state.records["Lead"][lead], {}, by=self.by)

    def deals(self) -> list[str]:
        return list(self.state.records["Opportunity"])

    def moved(self, deal: str, stage: str) -> None:
        self._deal(deal, {"StageName": self.stage(stage)})

    def won(self, deal: str) -> None:
        self._deal(deal, {"StageName": "Closed Won", "IsClosed": True, "IsWon": True})

    def lost(self, deal: str) -> None:
        self._deal(deal, {"StageName": "Closed Lost", "IsClosed": True, "IsWon": False})

    def _deal(self, deal: str, values: Mapping[str, Any]) -> None:
        self.state.save([("Opportunity", deal, values)], by=self.by)


class _Dataverse(_Hands):
    system = "dynamics"

    def warm(self, lead: str) -> None:
        self.state.update("lead", lead, {"statuscode": 2}, self.state.act(self.by))

    def convert(self, lead: str) -> None:
        body = {"CreateAccount": True, "CreateContact": True, "CreateOpportunity": True, "Status": 3}
        actions.qualified(self.state, lead, body, by=self.by)

    def deals(self) -> list[str]:
        return list(self.state.rows["opportunity"])

    def moved(self, deal: str, stage: str) -> None:
        self._deal(deal, {"stepname": self.stage(stage)})

    def won(self, deal: str) -> None:
        self._deal(deal, {"statecode": 1, "statuscode": 3})

    def lost(self, deal: str) -> None:
        self._deal(deal, {"statecode": 2, "statuscode": 4})

    def _deal(self, deal: str, values: Mapping[str, Any]) -> None:
        self.state.update("opportunity", deal, values, self.state.act(self.by))
