"""``/hooks``: what CRM systems post. No bearer: the connection's own check says who is there."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from taskhub.connectors.inbound import HookAnswer, HookRequest, Inbound, KeepsHeaders, SpeaksFaults, TriesAgain, lacking
from taskhub.connectors.looking.labels import labelled
from taskhub.db.tx import By, Tx
from taskhub.errors import InvalidInput, TaskhubError, Unauthenticated, Unavailable
from taskhub.events import service as events
from taskhub.http import problems
from taskhub.http.body import body_of
from taskhub.http.edge import OPEN, declared
from taskhub.http.inputs import Id
from taskhub.http.route import router
from taskhub.http.state import AppState, state_of
from taskhub.http.watch import facts_of
from taskhub.policy.policies import Connection

routes = router("hooks", prefix="")
REFUSED = "This address or its credentials are not known. Check the connection's secrets on both sides."


@routes.post("/hooks/{connection}")
@declared(OPEN, any_query=True)
def hook(request: Request, connection: Id) -> Response:
    """One delivery of a CRM; the answer is the one its system wants."""
    return _receive(request, connection, None)


@routes.post("/hooks/{connection}/{path_secret}")
@declared(OPEN, any_query=True)
def hook_with_secret(request: Request, connection: Id, path_secret: Id) -> Response:
    """The same for systems without a check of their own: the last part of the address is the secret."""
    return _receive(request, connection, path_secret)


def _receive(request: Request, key: str, path_secret: str | None) -> Response:
    """Nobody holds up a writer before they have proved who they are."""
    state = state_of(request)
    by = By(f"hook:{key[:64]}", "integration")
    with state.database.read(by) as tx:
        sent = _read(request, path_secret, tx)
        connection = _verified(tx, state, sent, key)
        reader = state.inbound(connection.system)
        try:
            deliveries = reader.split_and_normalise(sent, labelled(tx, connection))
        except InvalidInput as error:
            return _refused(reader, sent, error)
    kind = sent.headers.get("content-type", "")
    kept = reader.kept_headers(sent.headers) if isinstance(reader, KeepsHeaders) else sent.headers
    try:
        with state.database.begin(by, about=facts_of(request)) as tx:
            state.intake.admit(tx, deliveries)
            events.ingest(tx, deliveries, sent.body, kept, kind, connection=connection.key, quarantine_clash=True)
    except Unavailable as error:
        raise _later(error, reader) from None
    return _answered(reader.answer(deliveries))


def _refused(reader: Inbound, sent: HookRequest, error: InvalidInput) -> Response:
    """A body that is not stored, in the sender's own form where there is one."""
    plain = problems.of_error(error)
    own = reader.fault(sent, error, plain.status_code) if isinstance(reader, SpeaksFaults) else None
    return plain if own is None else _answered(own)


def _answered(answer: HookAnswer) -> Response:
    return Response(answer.body, answer.status, media_type=answer.content_type)


def _later(error: Unavailable, reader: Inbound) -> Unavailable:
    """Some systems lose what they are answered 429 or 507 to; those are told 503."""
    if not (isinstance(reader, TriesAgain) and reader.retries_only_unavailable):
        return error
    return Unavailable(error.message, retry_after=error.retry_after, **error.fields)


def _verified(tx: Tx, state: AppState, sent: HookRequest, key: str) -> Connection:
    """The connection. Every failure is the same 401: unknown connection, system without hooks, wrong credentials."""
    try:
        connection = tx.policies.connections[key]
        secrets = {name: state.secret(variable) or "" for name, variable in connection.secrets.items()}
        if lacking(connection, secrets):
            raise Unauthenticated(REFUSED)  # a forgotten variable must not mean one proof less
        state.inbound(connection.system).verify(sent, connection, secrets)
    except (KeyError, TaskhubError):
        raise Unauthenticated(REFUSED) from None
    return connection


def _read(request: Request, path_secret: str | None, tx: Tx) -> HookRequest:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return HookRequest(body_of(request), tx.now, "POST", headers, dict(request.query_params), path_secret)
