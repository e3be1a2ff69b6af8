"""Maps of a connection that name nothing, of ours or of theirs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from taskhub.policy.policies import Connection, Policies
from taskhub.policy.reading.nearest import nearest

SHOWN = 12


def nameless(connection: Connection, policies: Policies, people: Collection[str]) -> list[str]:
    """One sentence for each name that is no stage, pipeline or person here, with the nearest that is."""
    return [*_stages(connection, policies), *_pipelines(connection, policies), *_people(connection, people)]


def _stages(connection: Connection, policies: Policies) -> Iterator[str]:
    for noun in ("lead", "deal"):
        known = [stage.key for path in policies.pipelines.values() if path.noun == noun for stage in path.stages]
        named = connection.stages.get(noun, {})
        yield from _unknown(f"stages.{noun}", named, known) if isinstance(named, Mapping) else ()


def _pipelines(connection: Connection, policies: Policies) -> Iterator[str]:
    named = connection.settings.get("pipelines")
    yield from _unknown("settings.pipelines", named, list(policies.pipelines)) if isinstance(named, Mapping) else ()


def _people(connection: Connection, people: Collection[str]) -> Iterator[str]:
    yield from _unknown("users", connection.users, list(people))


def _unknown(where: str, named: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    for theirs, ours in named.items():
        if ours not in known:
            hint = nearest(str(ours), known)
            yield f"{where}.{theirs} = {ours!r} names nothing here" + (f" (did you mean {hint!r}?)" if hint else "")


def unknown_there(connection: Connection, theirs: Mapping[str, Mapping[str, str]]) -> list[str]:
    """One sentence for each key of a map that is nothing over there. ``theirs``: place of a map → their id → name."""
    return [
        f"{place}.{id} is nothing over there{_choice(known)}"
        for place, known in theirs.items()
        for id in _at(connection, place)
        if id not in known
    ]


def _at(connection: Connection, place: str) -> Mapping[str, Any]:
    member, _, name = place.partition(".")
    found = getattr(connection, member)
    found = found.get(name) if name else found
    return found if isinstance(found, Mapping) else {}


def _choice(known: Mapping[str, str]) -> str:
    """A few of what there is, as ``id (name)``."""
    some = [f"{id} ({name})" if name else id for id, name in list(known.items())[:SHOWN]]
    more = ", …" if len(known) > SHOWN else ""
    return f"; there are {', '.join(some)}{more}" if some else ""
