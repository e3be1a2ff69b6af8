"""How Pipedrive wraps its answers."""

from __future__ import annotations

import base64
from typing import Any

from starlette.responses import JSONResponse, Response

LIMITS = {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "19", "x-daily-requests-left": "29000"}


def fine(data: Any, status: int = 200, **more: Any) -> Response:
    """A success; ``more`` goes into ``additional_data``."""
    body = {"success": True, "data": data, **({"additional_data": more} if more else {})}
    return JSONResponse(body, status, LIMITS)


def failed(status: int, error: str) -> Response:
    """A refusal with its sentence."""
    return JSONResponse({"success": False, "error": error, "error_info": "see the documentation"}, status)


def basic(pair: tuple[str, str]) -> str:
    """The header of HTTP Basic for ``pair``."""
    return f"Basic {base64.b64encode(':'.join(pair).encode()).decode()}"
