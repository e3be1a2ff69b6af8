"""Idempotency-Key on a POST: the act happens once, its twin waits and gets the first reply."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

import orjson
from starlette.requests import Request
from starlette.responses import Response

from taskhub.db import idempotency
from taskhub.db.idempotency import Call, Stored
from taskhub.db.tx import Tx
from taskhub.errors import AlreadyDone, InvalidInput
from taskhub.failpoints import failpoint
from taskhub.http.body import body_of
from taskhub.ids import digest

HEADER = "idempotency-key"
SCOPE_KEY = "taskhub.once"
REPLAYED = "idempotency-replayed"
_FORM = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)

Work = Callable[[], tuple[Response, bool]]


def answer(tx: Tx, request: Request, work: Work, *, secret: bool) -> Response:
    """Does ``work``, or answers what it answered before. ``work`` also says whether its reply is worth keeping."""
    key = request.headers.get(HEADER) if request.method == "POST" else None
    if key is None:
        return work()[0]
    call = _call(tx, request, key)
    stored = idempotency.claim(tx.conn, call, tx.real_now)
    if stored is not None:
        return again(stored, secret=secret)
    failpoint("once.claimed")
    response, kept = work()
    failpoint("once.worked")
    if kept:
        idempotency.keep(tx.conn, call, response.status_code, _kept(bytes(response.body), secret=secret))
        failpoint("once.kept")
    else:
        idempotency.drop(tx.conn, call)
    return response


def call_of(tx: Tx, request: Request) -> Call | None:
    """The call by its key, for an act that looks for its first run itself; None: it came without a key."""
    if SCOPE_KEY not in request.scope:
        key = request.headers.get(HEADER)
        request.scope[SCOPE_KEY] = None if key is None else _call(tx, request, key)
    return cast("Call | None", request.scope[SCOPE_KEY])


def keep(tx: Tx, request: Request, response: Response) -> None:
    """Keeps the reply of such an act."""
    call = call_of(tx, request)
    if call is not None and REPLAYED not in response.headers:
        idempotency.put(tx.conn, call, response.status_code, bytes(response.body), tx.real_now)


def _call(tx: Tx, request: Request, key: str) -> Call:
    if not _FORM.fullmatch(key):
        raise InvalidInput("An Idempotency-Key is 1 to 255 printable ASCII characters.", code="bad_idempotency_key")
    route = f"{request.method} {request.scope['route'].path}"
    sent = (request.scope["path"], request.scope["query_string"].decode("latin-1"), body_of(request).decode("latin-1"))
    return Call(tx.by.label, route, key, digest(*sent))


def _kept(body: bytes, *, secret: bool) -> bytes:
    """A secret is shown once and never stored: only the id of what was made is."""
    return orjson.dumps({"id": orjson.loads(body).get("id")}) if secret else body


def again(stored: Stored, *, secret: bool = False) -> Response:
    """The reply of the first."""
    if secret:
        made = orjson.loads(stored.reply)
        raise AlreadyDone("This was done before; its secret is shown only once. Revoke it and make another.", **made)
    return Response(stored.reply, stored.status, {REPLAYED: "true"}, "application/json")
