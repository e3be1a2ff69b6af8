"""The only table from errors to HTTP: application/problem+json with a stable ``code`` and what to do next."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from taskhub import errors
from taskhub.http.watch import HEADER, facts_of, id_of
from taskhub.ids import new_id
from taskhub.logs import about

log = logging.getLogger("taskhub.http")
MEDIA_TYPE = "application/problem+json"
STATUS: Mapping[type[errors.TaskhubError], int] = {
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.NotEligible: 409,
    errors.Unauthenticated: 401,
    errors.Refused: 403,
    errors.InvalidInput: 422,
    errors.PolicyError: 422,
    errors.Unavailable: 503,
    errors.TaskhubError: 500,
}
STATUS_OF_CODE: Mapping[str, int] = {
    "not_json": 400,
    "not_utf8": 400,
    "wrong_organization": 403,
    "byte_order_mark": 400,
    "incomplete_body": 400,
    "slow_body": 408,
    "too_large": 413,
    "unsupported_media_type": 415,
    "unsupported_encoding": 415,
    "too_many_requests": 429,
    "storage_full": 507,
}
HEADERS: Mapping[str, str] = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_CODE_OF_STATUS = {404: "no_such_route", 405: "method_not_allowed", 400: "bad_request", 413: "too_large"}


def problem(status: int, code: str, detail: str, fields: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    """One problem document; ``fields`` are facts a program can use."""
    title = HTTPStatus(status).phrase
    body = {"type": f"urn:taskhub:problem:{code}", "title": title, "status": status, "code": code, "detail": detail}
    raw = orjson.dumps({**fields, **body}, default=str, option=orjson.OPT_NON_STR_KEYS)
    return Response(raw, status, {**HEADERS, **headers}, MEDIA_TYPE)


def of_error(error: errors.TaskhubError) -> Response:
    """The answer to an error that was raised on purpose."""
    code = error.stable_code
    status = STATUS_OF_CODE.get(code) or next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    headers = {}
    if status == 401:
        headers["www-authenticate"] = 'Bearer realm="taskhub"'
    if isinstance(error, errors.Unavailable):
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
    return problem(status, code, error.message, error.fields, headers)


def install(app: FastAPI) -> None:
    """Makes ``app`` answer every error as a problem."""
    app.add_exception_handler(errors.TaskhubError, _known)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(Exception, _unexpected)


async def _known(request: Request, error: Exception) -> Response:
    known = cast("errors.TaskhubError", error)
    if isinstance(known, errors.Forbidden | errors.Unauthenticated):
        log.info("refused: %s", known.stable_code, extra=about(**facts_of(request)))
    return of_error(known)


async def _unreadable(_request: Request, error: Exception) -> Response:
    told = cast("RequestValidationError", error).errors()[:50]
    wrong = [{"path": _path(one["loc"]), "message": str(one["msg"])[:300]} for one in told]
    detail = "; ".join(f"{one['path']}: {one['message']}" for one in wrong[:5])
    return problem(422, "invalid_input", detail, {"errors": wrong}, {})


async def _framework(_request: Request, error: Exception) -> Response:
    said = cast("HTTPException", error)
    code = _CODE_OF_STATUS.get(said.status_code, "http_error")
    return problem(said.status_code, code, str(said.detail), {}, said.headers or {})


async def _unexpected(request: Request, error: Exception) -> Response:
    reference = new_id()
    facts = about(**facts_of(request), reference=reference)
    log.error("unexpected error %s: %s", reference, type(error).__name__, exc_info=error, extra=facts)
    detail = f"Something went wrong here. Nothing was changed. Tell your administrator this reference: {reference}."
    headers = {HEADER: id_} if (id_ := id_of(request)) else {}
    return problem(500, "internal_error", detail, {"reference": reference}, headers)


def _path(loc: tuple[int | str, ...]) -> str:
    """``("body", "skills", 0)`` → ``skills[0]``; other places keep their name in front.

    >>> _path(("body", "skills", 0)), _path(("query", "limit"))
    ('skills[0]', 'query.limit')
    """
    parts = loc[1:] if loc and loc[0] == "body" else loc
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.lstrip(".")[:200] or "body"
