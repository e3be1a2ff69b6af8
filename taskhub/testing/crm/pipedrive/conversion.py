"""A lead becomes a deal in a job of its own: not_started → running → completed, or rejected.

Each look at the job moves it on. Two jobs of one lead both begin; the second finds the lead gone and is rejected.
"""

from __future__ import annotations

import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from taskhub.testing.crm.pipedrive.answers import failed, fine
from taskhub.testing.crm.pipedrive.state import SPACE, State

NEXT = {"not_started": "running", "running": "completed"}


async def asked(request: Request) -> Response:
    """Begins a job."""
    state, lead = request.state.fake.state, request.path_params["id"]
    if lead not in state.records["lead"]:
        return failed(404, "Lead not found")
    body = await request.json() if await request.body() else {}
    job = str(uuid.uuid5(SPACE, f"conversion {state.number()}"))
    state.conversions[job] = {"lead": lead, "status": "not_started", "deal": None, "asked": body}
    return fine({"conversion_id": job})


async def status(request: Request) -> Response:
    """How the job stands, which goes on meanwhile."""
    state: State = request.state.fake.state
    job, id = state.conversions.get(request.path_params["job"]), request.path_params["job"]
    if job is None or job["lead"] != request.path_params["id"]:
        return failed(404, "Conversion not found")
    answer = {"conversion_id": id, "status": job["status"]}
    if job["deal"] is not None:
        answer["deal_id"] = job["deal"]
    go_on(state, job)
    return fine(answer)


def go_on(state: State, job: dict[str, Any]) -> None:
    """One step. The deal takes over what the lead had; the lead is marked deleted."""
    job["status"] = NEXT.get(job["status"], job["status"])
    if job["status"] != "completed" or job["deal"] is not None:
        return
    lead = state.records["lead"].get(job["lead"])
    if lead is None:
        job["status"] = "rejected"
        return
    worth = lead["value"] or {"amount": 0, "currency": "EUR"}
    values = {
        "title": lead["title"], "value": worth["amount"], "currency": worth["currency"], "person_id": lead["person_id"],
        "org_id": lead["organization_id"], "owner_id": lead["owner_id"], "stage_id": job["asked"].get("stage_id", 1),
    }  # fmt: skip
    by = job.get("by")
    state.remove("lead", job["lead"], by=by)
    job["deal"] = state.add("deal", values, by=by)["id"]


def by_hand(state: State, lead: str, by: int) -> str:
    """One of their users turns a lead into a deal; its id."""
    job: dict[str, Any] = {"lead": lead, "status": "running", "deal": None, "asked": {}, "by": by}
    state.conversions[f"by hand {state.number()}"] = job
    go_on(state, job)
    return str(job["deal"])


async def asked_back(request: Request) -> Response:
    """Begins a job that turns a deal into a lead."""
    state, deal = request.state.fake.state, request.path_params["id"]
    if deal not in state.records["deal"]:
        return failed(404, "Deal not found")
    job = str(uuid.uuid5(SPACE, f"conversion {state.number()}"))
    state.conversions[job] = {"back": deal, "status": "not_started", "lead": None}
    return fine({"conversion_id": job})


async def status_back(request: Request) -> Response:
    """How that job stands, which goes on meanwhile."""
    state: State = request.state.fake.state
    id = request.path_params["job"]
    job = state.conversions.get(id)
    if job is None or job.get("back") != request.path_params["id"]:
        return failed(404, "Conversion not found")
    answer = {"conversion_id": id, "status": job["status"]}
    if job["lead"] is not None:
        answer["lead_id"] = job["lead"]
    _go_back(state, job)
    return fine(answer)


def _go_back(state: State, job: dict[str, Any]) -> None:
    """One step. The lead is a new one: the old id does not come back."""
    job["status"] = NEXT.get(job["status"], job["status"])
    if job["status"] != "completed" or job["lead"] is not None:
        return
    deal = state.records["deal"].get(job["back"])
    if deal is None:
        job["status"] = "rejected"
        return
    values = {
        "title": deal["title"], "value": {"amount": deal["value"], "currency": deal["currency"]},
        "person_id": deal["person_id"], "organization_id": deal["org_id"], "owner_id": deal["owner_id"],
    }  # fmt: skip
    state.remove("deal", job["back"])
    job["lead"] = state.add("lead", values)["id"]


def run_out(state: State) -> None:
    """Every job comes to its end."""
    for job in state.conversions.values():
        while job["status"] in NEXT:
            (_go_back if "back" in job else go_on)(state, job)
