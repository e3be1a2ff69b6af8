"""Clients that are kept between calls of whatever kind: a key that was fetched is good for many."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from taskhub import settings
from taskhub.connectors.clients import can_log_in, client_for
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
        return self._kept(connection, self._secrets(connection))

    def reaching(self, connection: Connection) -> Client | None:
        """The same, where taskhub can log in; None where it only listens."""
        secrets = self._secrets(connection)
        return self._kept(connection, secrets) if can_log_in(connection, secrets) else None

    def _secrets(self, connection: Connection) -> Secrets:
        return {name: settings.secret(key, self._environ) or "" for name, key in connection.secrets.items()}

    def _kept(self, connection: Connection, secrets: Secrets) -> Client:
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
