"""Logs of servers and workers: one line each, as text or as JSON, with the ids that tie lines together.

What a line is about (event, task, act, row, request) is handed to it by whoever writes it: ``extra=about(event=id)``.
Nothing a sender chose can begin a line of its own, and nothing that opens a door is ever written.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from taskhub.errors import InvalidInput

FORMATS = ("text", "json")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
QUIET = ("httpx", "httpcore", "apscheduler", "alembic", "uvicorn.error")
LONGEST = 4_000
MASK = "***"

# Control characters (line ends and escapes of terminals among them) and marks that turn the direction of text.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_HINT = re.compile(r"th_|(?i:bearer|basic)|://|/hooks/|[?&]")  # most lines hold none of these
_SECRETS = (
    re.compile(r"(th_[a-z]+_[0-9A-Za-z]+_)[0-9A-Za-z_-]{8,}"),
    re.compile(r"((?i:bearer|basic)\s+)[0-9A-Za-z._~+/=-]{6,}"),
    re.compile(r"(://)[^/\s@]+(?=@)"),
    re.compile(r"(/hooks/[^/\s?]+/)[^/\s?'\"]+"),
    re.compile(r"([?&][^=&\s]{1,64}=)[^&\s'\"]+"),
)


def about(**facts: Any) -> dict[str, dict[str, Any]]:
    """What a line is about, for ``extra=``; a fact that is None or empty is left out."""
    return {"facts": {name: value for name, value in facts.items() if value not in (None, "", [], ())}}


def masked(text: str) -> str:
    """``text`` without secrets: keys, credentials, what stands before a host, path secrets, values of queries.

    >>> masked("GET /hooks/crm/s3cret?code=abc postgresql://me:pw@db/x")
    'GET /hooks/crm/***?code=*** postgresql://***@db/x'
    """
    if not _HINT.search(text):
        return text
    for pattern in _SECRETS:
        text = pattern.sub(rf"\1{MASK}", text)
    return text


def seen(text: str) -> str:
    r"""``text`` as one line of visible characters.

    >>> seen("a\r\nb")
    'a\\r\\nb'
    """
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, logger, message, thread, what it is about and, of an error, its trace."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told = {
            "at": _at(record), "level": record.levelname.lower(), "logger": record.name,
            "message": _message(record), "thread": record.threadName, **_facts(record),
        }  # fmt: skip
        if record.exc_info:
            told["error"] = _sound(masked(self.formatException(record.exc_info)))
        try:
            return orjson.dumps(told, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        except TypeError:  # halves of characters somewhere inside
            return json.dumps(told, default=str)


class TextLines(logging.Formatter):
    """For people: time, level, logger, message, then what it is about; a trace follows, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        facts = "".join(f" {name}={_short(value)}" for name, value in _facts(record).items())
        line = f"{_at(record)} {record.levelname:<7} {record.name}: {seen(_message(record))}{facts}"
        if not record.exc_info:
            return line
        trace = masked(self.formatException(record.exc_info)).splitlines()
        return "\n".join([line, *(f"    | {seen(one)}" for one in trace)])


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


def set_up(form: str, *, level: str = "INFO", environ: Mapping[str, str] | None = None) -> None:
    """Sends every log to stderr; TASKHUB_LOG_LEVEL wins over ``level``. Raises InvalidInput for other words."""
    if form not in FORMATS:
        raise InvalidInput(f"TASKHUB_LOG_FORMAT is {form!r}; it must be text or json.")
    given = (os.environ if environ is None else environ).get("TASKHUB_LOG_LEVEL") or level
    wanted = given.upper()
    if wanted not in LEVELS:
        raise InvalidInput(f"TASKHUB_LOG_LEVEL is {given!r}; it must be one of {', '.join(LEVELS)}.")
    handler = Stderr()
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(wanted)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _message(record: logging.LogRecord) -> str:
    return _sound(masked(record.getMessage())[:LONGEST])


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    facts = getattr(record, "facts", None) or {}
    return {name: _sound(value) if isinstance(value, str) else value for name, value in facts.items()}


def _short(value: Any) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return seen(masked(text)).replace(" ", "_")


def _sound(text: str) -> str:
    """Text that can be written as UTF-8: halves of characters are shown as such."""
    return text.encode("utf-8", "backslashreplace").decode()
