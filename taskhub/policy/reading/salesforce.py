"""Settings of a Salesforce connection: ids that are ids, words that mean something to us."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from taskhub.policy.reading.nearest import nearest
from taskhub.policy.reading.table import Table, shown
from taskhub.policy.reading.vocabulary import MEANINGS, NOUNS

_ID = re.compile(r"[0-9A-Za-z]{15}([0-9A-Za-z]{3})?", re.ASCII)


def check(entry: Table, settings: Mapping[str, Any]) -> None:
    """Notes what is wrong in the ``settings`` of a connection."""
    if "organization_id" not in settings:
        message = "Outbound messages of every organisation are taken: add organization_id."
        entry.findings.warn(entry.place("settings"), message)
    table = entry.table("settings")
    if table is not None:
        _ids_and_objects(table, settings)
        _words(table, settings)


def _ids_and_objects(table: Table, settings: Mapping[str, Any]) -> None:
    for name in ("organization_id", "own_user"):
        if name in settings and not (isinstance(settings[name], str) and _ID.fullmatch(settings[name])):
            table.problem(name, f"{name} must be a Salesforce id of 15 or 18 characters, in quotes.")
    entities = settings.get("entities", {})
    if isinstance(entities, dict):
        for theirs, ours in entities.items():
            _one_of(table, ("entities", theirs), ours, NOUNS)
    else:
        table.problem("entities", 'entities must be a table: { Enquiry__c = "lead" }.')


def _words(table: Table, settings: Mapping[str, Any]) -> None:
    for noun, theirs, ours in _by_noun(table, settings, "statuses", MEANINGS):
        _one_of(table, ("statuses", noun, theirs), ours, MEANINGS[noun])
    for noun, theirs, ours in _by_noun(table, settings, "lost_reasons", ("lead", "deal")):
        if isinstance(ours, str):
            table.findings.refer(
                f"{noun} lost reason", ours, table.place("lost_reasons", noun, theirs), open_world=True
            )
        else:
            table.problem(("lost_reasons", noun, theirs), f"{theirs} must be one of our lost reasons, in quotes.")


def _by_noun(table: Table, settings: Mapping[str, Any], name: str, nouns: Any) -> Iterator[tuple[str, str, Any]]:
    """Every entry of ``{ noun = { theirs = ours } }``; what has another form is a problem."""
    value = settings.get(name, {})
    for noun, words in value.items() if isinstance(value, dict) else ():
        if noun not in nouns:
            hint = nearest(noun, nouns)
            table.problem((name, noun), f"{name} has a table for each of {', '.join(nouns)}, not for {noun}.", hint)
        elif isinstance(words, dict):
            yield from ((noun, theirs, ours) for theirs, ours in words.items())
        else:
            table.problem((name, noun), f"{name}.{noun} must be a table of their words and ours.")
    if not isinstance(value, dict):
        table.problem(name, f"{name} must be a table: {{ deal = {{ … }} }}.")


def _one_of(table: Table, keys: tuple[str, ...], ours: Any, allowed: tuple[str, ...]) -> None:
    if ours not in allowed:
        hint = nearest(ours, allowed) if isinstance(ours, str) else None
        table.problem(keys, f"{keys[-1]} must be one of {', '.join(allowed)}, not {shown(ours)}.", hint)
