"""Files of recorded deliveries, cut into the bodies that were once sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from taskhub.errors import InvalidInput
from taskhub.events.reading import MAX_BYTES

SUFFIXES = {".json": "application/json", ".ndjson": "application/json", ".jsonl": "application/json",
            ".xml": "application/xml"}  # fmt: skip
LINES = (".ndjson", ".jsonl")
WITH_HEADERS = ".http.json"


@dataclass(frozen=True, slots=True)
class Piece:
    """One body and where it stands; ``wrong`` says why it could not even be read."""

    place: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    wrong: str | None = None


def pieces(path: Path) -> Iterator[Piece]:
    """The bodies in a file, or in every such file of a folder, in order of their names."""
    if not path.exists():
        raise InvalidInput(f"There is no file or folder {path}.")
    if path.is_file():
        yield from _file(path)
        return
    files = sorted(one for one in path.rglob("*") if one.is_file() and one.suffix.lower() in SUFFIXES)
    if not files:
        raise InvalidInput(f"{path} holds no file that ends in {', '.join(SUFFIXES)}.")
    for one in files:
        yield from _file(one)


def _file(path: Path) -> Iterator[Piece]:
    try:
        with path.open("rb") as stream:
            if path.name.lower().endswith(WITH_HEADERS):
                yield _with_headers(str(path), stream.read(MAX_BYTES + 1))
            elif path.suffix.lower() in LINES or _is_lines(stream):
                yield from _lines(path, stream)
            else:
                kind = SUFFIXES.get(path.suffix.lower(), "application/json")
                yield Piece(str(path), stream.read(MAX_BYTES + 1), {"content-type": kind})
    except OSError as error:
        yield Piece(str(path), wrong=f"cannot be read: {error.strerror}")


def _is_lines(stream: BinaryIO) -> bool:
    """Whether the first line is a whole object and another follows; the stream stands at its start again."""
    first, second = stream.readline(MAX_BYTES), stream.readline(MAX_BYTES)
    stream.seek(0)
    if not second.strip() or not first.lstrip().startswith(b"{"):
        return False
    try:
        json.loads(first)
    except ValueError:
        return False
    return True


def _lines(path: Path, stream: BinaryIO) -> Iterator[Piece]:
    for number, line in enumerate(iter(lambda: stream.readline(MAX_BYTES + 1), b""), 1):
        if line.strip():
            yield Piece(f"{path}:{number}", line.strip(), {"content-type": "application/json"})


def _with_headers(place: str, raw: bytes) -> Piece:
    try:
        sent = json.loads(raw)
        headers = {str(name).lower(): str(value) for name, value in sent["headers"].items()}
        body = _body(sent.get("body"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Piece(place, wrong='is not {"headers": {…}, "body": …}')
    return Piece(place, body, headers)


def _body(value: Any) -> bytes:
    if value is None:
        return b""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()
