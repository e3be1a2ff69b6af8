"""Which folder calls which system."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import httpx

from taskhub.clock import real_now
from taskhub.connectors.calling import Caller, Dialect
from taskhub.connectors.dynamics import dialect as dynamics
from taskhub.connectors.dynamics.client import DynamicsClient
from taskhub.connectors.login import Login
from taskhub.connectors.outbound import Client
from taskhub.connectors.pipedrive import dialect as pipedrive
from taskhub.connectors.pipedrive.client import PipedriveClient
from taskhub.connectors.salesforce import dialect as salesforce
from taskhub.connectors.salesforce.client import SalesforceClient
from taskhub.errors import InvalidInput, NotFound
from taskhub.policy.policies import Connection

Clock = Callable[[], datetime]
_LoginOf = Callable[[Connection, Mapping[str, str], Clock], Login]
_SYSTEMS: Mapping[str, tuple[_LoginOf, Dialect, Callable[[Caller, Connection], Client]]] = {
    "pipedrive": (pipedrive.login, pipedrive.DIALECT, lambda caller, _: PipedriveClient(caller)),
    "salesforce": (salesforce.login, salesforce.DIALECT, SalesforceClient),
    "dynamics": (dynamics.login, dynamics.DIALECT, DynamicsClient),
}


def has_client(system: str) -> bool:
    """Whether taskhub calls such a system at all; the others only send."""
    return system in _SYSTEMS


def can_log_in(connection: Connection, secrets: Mapping[str, str]) -> bool:
    """Whether everything is set with which taskhub calls this connection."""
    try:
        _SYSTEMS[connection.system][0](connection, secrets, real_now)
    except (KeyError, InvalidInput):
        return False
    return True


def client_for(
    connection: Connection, secrets: Mapping[str, str], *, clock: Clock = real_now, **options: Any
) -> Client:
    """A client of ``connection``. ``secrets`` are resolved values; ``options`` are those of ``Caller``.

    ``clock`` says when keys end, and until when what we sign is good.

    Raises ``InvalidInput`` (``connection_incomplete``) naming what is not set, ``NotFound`` (``system_unknown``).
    """
    if connection.system not in _SYSTEMS:
        said = f"taskhub does not call systems of the kind {connection.system}; it calls {', '.join(_SYSTEMS)}."
        raise NotFound(said, code="system_unknown", known=sorted(_SYSTEMS))
    login, dialect, make = _SYSTEMS[connection.system]
    way = login(connection, secrets, clock)
    _refuse_plain(connection, way)
    return make(Caller(connection.key, way, dialect, **options), connection)


def _refuse_plain(connection: Connection, way: Login) -> None:
    """Keys travel encrypted, except on this very machine, where fakes are."""
    for address in filter(None, (way.home, way.base)):
        url = httpx.URL(address)
        if url.scheme != "https" and url.host not in ("localhost", "127.0.0.1", "::1"):
            said = f"The connection {connection.key} would send its key unencrypted: "
            raise InvalidInput(f"{said}its addresses must begin with https://.", code="connection_incomplete")
