"""Types of what is sent: strict, no unknown fields, text a database can keep, instants with a zone."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from starlette.requests import Request

from taskhub.errors import InvalidInput
from taskhub.events.reading import read_json, storable
from taskhub.events.times import read_instant

MAX_DEPTH = 20
BIGGEST = 2**63 - 1


class Body(BaseModel):
    """A request body: no unknown fields, no conversions."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _instant(value: Any) -> datetime:
    if not isinstance(value, str) or len(value) > 40:
        raise ValueError("must be text such as 2026-01-31T09:00:00Z")
    return read_instant(value)


def _line(value: str) -> str:
    text = value.strip()
    if not text or not storable(text) or any(unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in text):
        raise ValueError("must be one line of text")
    return text


def kept(value: str) -> str:
    """Text that a database can keep. Raises ValueError."""
    if not storable(value):
        raise ValueError("holds a null character or half a surrogate pair")
    return value


Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Line = Annotated[str, Field(max_length=500), AfterValidator(_line)]
Prose = Annotated[str, Field(max_length=20_000), AfterValidator(kept)]
KeyText = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Key = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Id = Annotated[str, Path(min_length=1, max_length=200)]
Token = Annotated[int, Field(ge=1, le=BIGGEST)]
BIGGEST_VERSION = 2**31 - 1
Version = Annotated[int, Field(ge=1, le=BIGGEST_VERSION)]


def read_body(raw: bytes, content_type: str | None) -> Any:
    """The JSON of a request. Raises InvalidInput for another content type, loose JSON or too much nesting."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise InvalidInput("Send JSON with Content-Type: application/json.", code="unsupported_media_type")
    value = read_json(raw)
    if _deeper(value, MAX_DEPTH):
        raise InvalidInput(f"Nested deeper than {MAX_DEPTH} levels.", code="too_deep", limit=MAX_DEPTH)
    return value


def json_of(request: Request, raw: bytes) -> Any:
    """The JSON that ``request`` carries; None when its body is empty."""
    return read_body(raw, request.headers.get("content-type")) if raw else None


def _deeper(value: Any, levels: int) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_deeper(item, levels - 1) for item in inside if isinstance(item, dict | list))
