"""The three systems of the demo: their fake, their users' ids, the secrets, who tells of changes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taskhub.demo.crm.dynamics import DynamicsOffice
from taskhub.demo.crm.office import Office, Paths
from taskhub.demo.crm.pipedrive import PipedriveOffice
from taskhub.demo.crm.salesforce import SalesforceOffice
from taskhub.testing.clock import SetClock
from taskhub.testing.crm import dataverse, pipedrive, salesforce
from taskhub.testing.crm.dataverse import FakeDataverse
from taskhub.testing.crm.pipedrive import FakePipedrive
from taskhub.testing.crm.salesforce import FakeSalesforce
from taskhub.testing.crm.salesforce.state import full

SPACE = uuid.UUID("6b0f5c1e-7f0c-4a53-9d57-0c9f3f1f8a44")
FIRST_USER = 12_415_231


@dataclass(frozen=True, slots=True)
class System:
    """``token``: where it logs in, under its address; ``secrets``: what taskhub shows and is shown."""

    name: str
    make: Callable[[SetClock], Any]
    office: Callable[[Any, Mapping[str, str], Paths], Office]
    user: Callable[[int], str]
    token: str
    secrets: Mapping[str, str]


SYSTEMS: Mapping[str, System] = {
    "pipedrive": System(
        "Pipedrive", FakePipedrive, PipedriveOffice, lambda number: str(FIRST_USER + number), "/oauth/token",
        {"path": "demo", "token": pipedrive.api.TOKEN},
    ),
    "salesforce": System(
        "Salesforce", FakeSalesforce, SalesforceOffice, lambda number: full(f"0055f{number:010d}"),
        "/services/oauth2/token",
        {"bearer": "demo", "client_id": salesforce.api.CLIENT[0], "client_secret": salesforce.api.CLIENT[1]},
    ),
    "dynamics": System(
        "Dynamics 365", FakeDataverse, DynamicsOffice, lambda number: str(uuid.uuid5(SPACE, str(number))),
        f"/{dataverse.api.TENANT}/oauth2/v2.0/token",
        {"code": "demo", "client_id": dataverse.api.CLIENT[0], "client_secret": dataverse.api.CLIENT[1]},
    ),
}  # fmt: skip


def users_of(system: System, people: Sequence[str]) -> dict[str, str]:
    """A user over there for each of ours."""
    return {person: system.user(number) for number, person in enumerate(people, 1)}
