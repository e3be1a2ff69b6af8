"""Leads and deals of Pipedrive are lost, and come back: every call sets a state, so that twice is once."""

from __future__ import annotations

from typing import Any

from taskhub.connectors.calling import Caller
from taskhub.connectors.outbound import Converted
from taskhub.errors import InvalidInput, NotFound, OutcomeUnknown

LEADS, DEALS = "/api/v1/leads", "/api/v2/deals"


class Losing:
    """The part of the client that ends and reopens."""

    _calls: Caller

    def lose(self, noun: str, id: str, reason: str) -> None:
        """A deal by its status; a lead by the label ``reason``, or by being archived where that is empty."""
        if noun == "deal":
            self._patch(DEALS, id, {"status": "lost", "lost_reason": reason})
        elif reason:
            self._patch(LEADS, id, {"label_ids": sorted({*self._labels(id), reason})})
        else:
            self._patch(LEADS, id, {"is_archived": True})

    def regain(self, noun: str, id: str, reason: str) -> None:
        """What lost it is taken away."""
        if noun == "deal":
            self._patch(DEALS, id, {"status": "open"})
        elif reason:
            self._patch(LEADS, id, {"label_ids": sorted({*self._labels(id)} - {reason})})
        else:
            self._patch(LEADS, id, {"is_archived": False})

    def unconvert(self, deal: str, *, first: bool = False) -> Converted:
        """Begins a job over there. A deal that is gone, and was asked for before, is a lead again."""
        path = f"{DEALS}/{_number(deal)}"
        if not first and self._gone(path):
            return Converted(True)
        answer = self._calls.json("POST", f"{path}/convert/lead", json={})
        try:
            return Converted(False, job=str(answer["data"]["conversion_id"]))
        except (KeyError, TypeError):
            raise OutcomeUnknown("Pipedrive's answer names no conversion; it is asked again.", retry_after=1) from None

    def unconverting(self, deal: str, job: str) -> Converted:
        """Raises ``InvalidInput`` when they have refused it."""
        if not job.replace("-", "").isalnum():
            raise InvalidInput(f"{job!r} is no conversion of Pipedrive.")
        path = f"{DEALS}/{_number(deal)}"
        try:
            status = self._calls.json("GET", f"{path}/convert/status/{job}")["data"]["status"]
        except NotFound:  # jobs are forgotten after some days
            status = "completed" if self._gone(path) else "failed"
        if status in ("failed", "rejected") and not self._gone(path):
            raise InvalidInput(f"Pipedrive has {status} turning deal {deal} into a lead again.")
        return Converted(status not in ("not_started", "running"), job=job)

    def _gone(self, path: str) -> bool:
        try:
            data = self._calls.json("GET", path)["data"]
        except NotFound:
            return True
        return data is None or data.get("is_deleted") is True

    def _patch(self, path: str, id: str, values: dict[str, Any]) -> None:
        if not id.isascii() or not id.replace("-", "").isalnum():
            raise InvalidInput(f"{id!r} is no id of Pipedrive.")
        self._calls.call("PATCH", f"{path}/{id}", json=values)

    def _labels(self, id: str) -> list[str]:
        lead = self._calls.json("GET", f"{LEADS}/{id}")["data"]
        if lead is None:
            raise NotFound(f"Pipedrive has no lead {id} any more.")
        return [str(one) for one in lead.get("label_ids") or ()]


def _number(id: str) -> int:
    if not (id.isascii() and id.isdecimal()):
        raise InvalidInput(f"{id!r} is no deal of Pipedrive: its ids are numbers.")
    return int(id)
