"""Parameters of models and strategies judged: small checks that say what is wrong and which range is valid. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from taskhub.assignment.seams import Complaint


def unknown(owner: str, params: Mapping[str, Any], known: Collection[str]) -> Iterator[Complaint]:
    """Parameters nobody reads.

    >>> list(unknown("share", {"weight": 1}, ("weights",)))
    [('weight', 'is not a parameter of share; it takes weights')]
    """
    takes = ", ".join(sorted(known))
    yield from ((name, f"is not a parameter of {owner}; it takes {takes}") for name in params if name not in known)


def is_number(value: object) -> bool:
    """Whether it is a finite number; true and false are not numbers."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def is_whole(value: object, least: int, most: int) -> bool:
    """Whether it is a whole number of that range."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def whole(params: Mapping[str, Any], name: str, least: int, most: int) -> Iterator[Complaint]:
    """A whole number that may be left out."""
    if name in params and not is_whole(params[name], least, most):
        yield name, f"must be a whole number from {least} to {most}, not {params[name]!r}"


def fraction(params: Mapping[str, Any], name: str) -> Iterator[Complaint]:
    """A number above 0 and not above 1 that may be left out."""
    value = params.get(name, 1)
    if not is_number(value) or not 0 < value <= 1:
        yield name, f"must lie above 0 and not above 1, not {value!r}"


def choice(params: Mapping[str, Any], name: str, options: Sequence[str]) -> Iterator[Complaint]:
    """One of a few words; may be left out."""
    if name in params and params[name] not in options:
        yield name, f"must be one of {', '.join(options)}, not {params[name]!r}"


def one_team(params: Mapping[str, Any], name: str, teams: Sequence[str]) -> Iterator[Complaint]:
    """One of the queue's teams; may be left out where the queue names one only."""
    if name not in params:
        if len(teams) != 1:
            yield name, "say which team; the queue names " + (", ".join(teams) or "none")
    elif params[name] not in teams:
        yield name, f"{params[name]!r} is not among the queue's teams: {', '.join(teams)}"


def some_teams(params: Mapping[str, Any], name: str, teams: Sequence[str]) -> Iterator[Complaint]:
    """A list of the queue's teams that is not empty; may be left out."""
    listed = params.get(name, teams)
    if not isinstance(listed, list | tuple) or not listed:
        yield name, f"must name at least one of the queue's teams: {', '.join(teams) or 'it has none'}"
        return
    yield from (
        (name, f"{team!r} is not among the queue's teams: {', '.join(teams)}") for team in listed if team not in teams
    )
