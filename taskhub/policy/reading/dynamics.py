"""What must fit together in a connection to Dynamics 365: names of credentials, and maps by noun."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taskhub.policy.reading.nearest import nearest
from taskhub.policy.reading.table import Table, shown
from taskhub.policy.reading.vocabulary import NOUNS, STATUSES

_ENTITIES_ARE = (*NOUNS, "process")
# A secret that is met under a name the customer chose, and the setting that says it.
_NAMED_BY = {"header": "header_name", "query": "query_name"}

_WAYS = ("code", *_NAMED_BY)  # the kinds of authentication of an endpoint, which has one


def check(entry: Table, secrets: Mapping[str, str], settings: Mapping[str, Any]) -> None:
    """Notes what is wrong in ``settings`` of a connection, and secrets nobody could show."""
    for secret, setting in _NAMED_BY.items():
        named = settings.get(setting)
        if secret in secrets and not (isinstance(named, str) and named.strip()):
            message = f"the secret {secret} is met under a name: add settings.{setting}, as the step was registered."
            entry.problem(("secrets", secret), message)
    shown_at_once = [name for name in _WAYS if name in secrets]
    if len(shown_at_once) > 1:
        message = f"a step shows one of {', '.join(_WAYS)}, and every secret must be met: name one of them."
        entry.problem(("secrets", shown_at_once[1]), message)
    table = entry.table("settings")
    if table is None:
        return
    for theirs, ours in _below(settings, "entities").items():
        _one_of(table, ("entities", theirs), ours, _ENTITIES_ARE)
    for noun, code, ours in _by_noun(settings, "statuses"):
        _one_of(table, ("statuses", noun, code), ours, STATUSES.get(noun, ()))
    for noun, code, ours in _by_noun(settings, "lost_reasons"):
        place = table.place("lost_reasons", noun, code)
        table.findings.refer(f"{noun} lost reason", str(ours), place, open_world=True)


def _by_noun(settings: Mapping[str, Any], name: str) -> Iterator[tuple[str, str, Any]]:
    for noun, codes in _below(settings, name).items():
        for code, ours in codes.items() if isinstance(codes, dict) else ():
            yield noun, code, ours


def _below(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = settings.get(name)
    return found if isinstance(found, dict) else {}


def _one_of(table: Table, keys: tuple[str, ...], value: Any, options: tuple[str, ...]) -> None:
    if value not in options:
        hint = nearest(value, options) if isinstance(value, str) else None
        listed = ", ".join(options) or "nothing: only leads and deals have a status"
        table.problem(keys, f"{'.'.join(keys)} must be one of {listed}, not {shown(value)}.", hint)
