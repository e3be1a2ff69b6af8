"""Maps of a connection that name nothing, of ours or of theirs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from taskhub.policy.policies import Connection, Policies
from taskhub.policy.reading.nearest import nearest
from taskhub.policy.reading.vocabulary import MEANINGS

SHOWN = 12
_OWN_KEY = 32  # characters from which on a name is a key that Pipedrive made; what is shorter is a member of the record


def nameless(connection: Connection, policies: Policies, people: Collection[str]) -> list[str]:
    """One sentence for each name that is no stage, pipeline, reason, status or person here, with the nearest one."""
    return [
        *_stages(connection, policies), *_pipelines(connection, policies), *_reasons(connection, policies),
        *_statuses(connection), *_people(connection, people),
    ]  # fmt: skip


def _stages(connection: Connection, policies: Policies) -> Iterator[str]:
    for noun in ("lead", "deal"):
        known = [stage.key for path in policies.pipelines.values() if path.noun == noun for stage in path.stages]
        named = connection.stages.get(noun, {})
        yield from _unknown(f"stages.{noun}", named, known) if isinstance(named, Mapping) else ()


def _pipelines(connection: Connection, policies: Policies) -> Iterator[str]:
    named = connection.settings.get("pipelines")
    yield from _unknown("settings.pipelines", named, list(policies.pipelines)) if isinstance(named, Mapping) else ()


def _reasons(connection: Connection, policies: Policies) -> Iterator[str]:
    """Where no path has a list of reasons, any text is one."""
    tables = _table(connection.settings, "lost_reasons")
    named = {f"lost_reasons.{noun}": (noun, _table(tables, noun)) for noun in ("lead", "deal")}
    named["lost_labels"] = ("lead", _table(connection.settings, "lost_labels"))
    for where, (noun, table) in named.items():
        known = [key for path in policies.pipelines.values() if path.noun == noun for key in path.lost_reasons]
        yield from _unknown(f"settings.{where}", table, known) if known else ()


def _statuses(connection: Connection) -> Iterator[str]:
    for noun, known in MEANINGS.items():
        named = _table(_table(connection.settings, "statuses"), noun)
        yield from _unknown(f"settings.statuses.{noun}", named, known)


def _table(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = settings.get(name)
    return found if isinstance(found, Mapping) else {}


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


def no_field_there(connection: Connection, noun: str, theirs: Collection[str]) -> list[str]:
    """One sentence for each field in ``fields`` that their records of a noun have not, with the nearest they have."""
    said = []
    for ours, name in connection.fields.get(noun, {}).items():
        if _is_theirs(connection, name, theirs):
            continue
        hint = nearest(name, theirs)
        said.append(
            f"fields.{noun}.{ours} = {name!r} is no field over there" + (f" (did you mean {hint!r}?)" if hint else "")
        )
    return said


def _is_theirs(connection: Connection, name: str, theirs: Collection[str]) -> bool:
    if connection.system == "pipedrive":
        return len(name) < _OWN_KEY or name in theirs
    # Of a compound field a part may be named; Dataverse writes its names in small letters, people as they like.
    plain = name.partition(".")[0]
    return plain in theirs or (connection.system == "dynamics" and plain.lower() in theirs)


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
