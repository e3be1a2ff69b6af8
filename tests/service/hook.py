"""A real web server for tests on a free port of 127.0.0.1: takes what is posted, or refuses it."""

from __future__ import annotations

import http.server
import threading
from types import TracebackType
from typing import Any, Self


class Hook:
    """`taken` in order of arrival: (headers, body); `status` is what it answers."""

    def __init__(self) -> None:
        self.status = 200
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.refused = 0

    def __enter__(self) -> Self:
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if hook.status == 200:
                    hook.taken.append((dict(self.headers), body))
                else:
                    hook.refused += 1
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """An Apprise address, with a secret in it."""
        return f"json://hub:pa55word@127.0.0.1:{self._server.server_port}/s3cretpath"
