"""How Salesforce wraps refusals, and what each answer tells of the day's calls."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

LIMITS = {"Sforce-Limit-Info": "api-usage=18/100000"}


def failed(status: int, code: str, message: str) -> Response:
    """A refusal."""
    return JSONResponse([{"message": message, "errorCode": code}], status, LIMITS)
