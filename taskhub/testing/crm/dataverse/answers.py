"""How Dataverse wraps refusals."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response


def failed(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """A refusal with its code."""
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


def missing(what: str) -> Response:
    """There is no such row."""
    return failed(404, "0x80040217", f"{what} Does Not Exist")
