"""Logs of servers and workers: one line each on stderr, as text or as JSON (TASKHUB_LOG_FORMAT)."""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

from taskhub.errors import InvalidInput

FORMATS = ("text", "json")
TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
QUIET = ("httpx", "httpcore", "apscheduler", "alembic", "uvicorn.error")


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, logger, message, thread and, of an error, where it came from."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        import orjson

        said = {
            "at": datetime.fromtimestamp(record.created, UTC), "level": record.levelname.lower(),
            "logger": record.name, "message": record.getMessage(), "thread": record.threadName,
        }  # fmt: skip
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return orjson.dumps(said, default=str, option=orjson.OPT_UTC_Z).decode()


class Stderr(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to whatever stderr is at that moment: the demo's live view puts lines above itself."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        """Looked up anew for each line."""
        return sys.stderr

    @stream.setter
    def stream(self, value: Any) -> None:
        """Never replaced."""


def set_up(form: str, *, level: int = logging.INFO) -> None:
    """Sends every log to stderr. Raises InvalidInput for another form than text or json."""
    if form not in FORMATS:
        raise InvalidInput(f"TASKHUB_LOG_FORMAT is {form!r}; it must be text or json.")
    handler = Stderr()
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter(TEXT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(os.environ.get("TASKHUB_LOG_LEVEL", "").upper() or level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
