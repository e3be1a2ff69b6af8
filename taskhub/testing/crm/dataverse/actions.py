"""Calls that do several things at once: QualifyLead, WinOpportunity, LoseOpportunity."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from taskhub.testing.crm.dataverse.answers import failed, missing
from taskhub.testing.crm.dataverse.state import State

QUALIFIED, WON, LOST = 1, 1, 2


async def qualify(request: Request) -> Response:
    """Account, contact and opportunity as asked for, then the lead, all of one call."""
    state: State = request.state.fake.state
    id, body = request.path_params["id"], await request.json()
    lead = state.rows["lead"].get(id)
    if lead is None:
        return missing("lead")
    if lead["statecode"] != 0:
        return failed(400, "0x80040203", "The lead is already closed.")
    made = qualified(state, id, body)
    value = [{"@odata.type": f"#Microsoft.Dynamics.CRM.{table}", f"{table}id": of} for table, of in made.items()]
    return JSONResponse({"value": value})


def qualified(state: State, id: str, body: dict[str, Any], *, by: str | None = None) -> dict[str, str]:
    """What becomes of a lead, by table. ``by`` is one of their users, None the one who calls."""
    lead = state.rows["lead"][id]
    act = state.act(by, name="QualifyLead", inputs={**body, "LeadId": {"Id": id, "LogicalName": "lead"}})
    made: dict[str, str] = {}
    if body.get("CreateAccount"):
        made["account"] = state.create("account", {"name": lead["companyname"] or lead["subject"]}, act)
    if body.get("CreateContact"):
        of = {"lastname": lead["lastname"], "_parentcustomerid_value": made.get("account")}
        made["contact"] = state.create("contact", of, act)
    if body.get("CreateOpportunity"):
        of = {"name": lead["subject"], "_originatingleadid_value": id, "_customerid_value": made.get("account")}
        made["opportunity"] = state.create("opportunity", of, act)
    status = body.get("Status", -1)
    values = {
        "statecode": QUALIFIED, "statuscode": 3 if status == -1 else status,
        "_qualifyingopportunityid_value": made.get("opportunity"), "_parentaccountid_value": made.get("account"),
        "_parentcontactid_value": made.get("contact"),
    }  # fmt: skip
    state.update("lead", id, values, act)
    return made


async def close(request: Request) -> Response:
    """Won or lost, by the name of the call."""
    state: State = request.state.fake.state
    body = await request.json()
    bound = str(body.get("OpportunityClose", {}).get("opportunityid@odata.bind", ""))
    id = bound.partition("(")[2].removesuffix(")")
    if id not in state.rows["opportunity"]:
        return missing("opportunity")
    code = WON if request.url.path.endswith("WinOpportunity") else LOST
    state.update("opportunity", id, {"statecode": code, "statuscode": body.get("Status")})
    return Response(status_code=204)
