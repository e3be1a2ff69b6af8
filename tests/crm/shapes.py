"""Compares the shape of a body with that of a published one."""

from collections.abc import Mapping
from typing import Any

# Sent by some and not by others, as the vendor's page says itself.
OPTIONAL = {"permitted_user_ids"}


def unlike(made: Any, published: Any, path: str = "", *, extra: bool = False) -> list[str]:
    """Where keys or types differ. Null may stand for any type; ``extra``: ``made`` may hold less than the published."""
    if made is None or published is None:
        return []
    if isinstance(published, Mapping) and isinstance(made, Mapping):
        more, less = made.keys() - published.keys() - OPTIONAL, published.keys() - made.keys() - OPTIONAL
        said = [f"{path}.{name} is made up" for name in sorted(more)]
        said += [f"{path}.{name} is missing" for name in sorted(less) if not extra]
        both = made.keys() & published.keys()
        return said + [one for name in sorted(both) for one in unlike(made[name], published[name], f"{path}.{name}")]
    number = (int, float)
    same = type(made) is type(published) or (isinstance(made, number) and isinstance(published, number))
    return [] if same else [f"{path} is {type(made).__name__}, not {type(published).__name__}"]
