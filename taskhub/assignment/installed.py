"""The strategies and models installed in this process, looked up once."""

from __future__ import annotations

from functools import cache

from taskhub.assignment.registry import Plugins, load


@cache
def plugins() -> Plugins:
    """Everything the entry points name."""
    return load()
