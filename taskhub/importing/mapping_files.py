"""A mapping as somebody wrote it into a TOML or JSON file. Pure."""

from __future__ import annotations

import tomllib
from typing import Any

import orjson

from taskhub.errors import InvalidInput


def read_text(name: str, text: str) -> dict[str, Any]:
    """The mapping in a file of that name. Raises InvalidInput with the place of what cannot be read."""
    try:
        found = tomllib.loads(text) if name.endswith(".toml") else orjson.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{name}: {error}.", code="mapping_invalid") from error
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"{name}:{error.lineno}: {error.msg}.", code="mapping_invalid") from error
    if not isinstance(found, dict):
        raise InvalidInput(f"{name} must hold an object with the table columns.", code="mapping_invalid")
    return found
