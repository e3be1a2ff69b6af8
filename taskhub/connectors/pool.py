"""Clients that are kept between deliveries: a key that was fetched is good for many calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from taskhub import settings
from taskhub.connectors.clients import client_for
from taskhub.connectors.outbound import Client
from taskhub.policy.policies import Connection

Secrets = Mapping[str, str]
Make = Callable[[Connection, Secrets], Client]
_Known = tuple[Connection, Secrets, Client]


class Clients:
    """One client a connection, made anew when its settings or secrets change. Thread-safe."""

    def __init__(self, make: Make = client_for, environ: Mapping[str, str] | None = None) -> None:
        self._make, self._environ = make, environ
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}

    def of(self, connection: Connection) -> Client:
        """Raises ``InvalidInput`` (``connection_incomplete``, naming it) or ``NotFound`` (``system_unknown``).

        The one before is left to whoever still uses it: it closes with its last call.
        """
        secrets = {name: settings.secret(key, self._environ) or "" for name, key in connection.secrets.items()}
        with self._lock:
            known = self._known.get(connection.key)
            if known is None or known[:2] != (connection, secrets):
                known = self._known[connection.key] = (connection, secrets, self._make(connection, secrets))
            return known[2]

    def close(self) -> None:
        """Lets go of all connections; whoever asks again gets a new client."""
        with self._lock:
            known, self._known = self._known, {}
        for _, _, client in known.values():
            client.close()
