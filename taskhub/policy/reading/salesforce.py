"""Settings of a Salesforce connection: ids that are ids, words that mean something to us."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from taskhub.policy.reading.nearest import nearest
from taskhub.policy.reading.table import Table, shown
from taskhub.policy.reading.vocabulary import MEANINGS, NOUNS

_ID = re.compile(r"[0-9A-Za-z]{15}([0-9A-Za-z]{3})?", re.ASCII)
_ADDRESS = re.compile(r"https?://[^/\s?#@]+(/[^\s?#]*)?")


def check(entry: Table, secrets: Mapping[str, str], settings: Mapping[str, Any], *, stored: bool = False) -> None:
    """Notes what is wrong in the ``settings`` of a connection, and in how it logs in.

    ``stored``: of a set that was accepted before: what it names in vain goes on being ignored.
    """
    if "organization_id" not in settings:
        message = "Outbound messages of every organisation are taken: add organization_id."
        entry.findings.warn(entry.place("settings"), message)
    table = entry.table("settings")
    if table is not None:
        _ids_and_objects(table, settings)
        _words(table, settings)
        _who_logs_in(table, settings)
        if "client_secret" in secrets and "private_key" not in secrets and not stored:
            _named_in_vain(table, settings)
    if "private_key" in secrets:
        _one_way_in(entry, secrets, settings)


def _one_way_in(entry: Table, secrets: Mapping[str, str], settings: Mapping[str, Any]) -> None:
    """Of two ways nobody could say which one was refused, or whose user it was."""
    if "client_secret" in secrets:
        entry.problem("secrets", "client_secret and private_key are two ways to log in: keep one of them.")
    if "username" not in settings:
        message = 'private_key logs in as a user: add username = "…" to the settings.'
        entry.problem("settings" if entry.has("settings") else "secrets", message)


def _named_in_vain(table: Table, settings: Mapping[str, Any]) -> None:
    """Ignored, they would hide that taskhub logs in as somebody else, or elsewhere."""
    for name in ("login_url", "audience", "username"):
        if name in settings:
            said = f"{name} belongs to a log-in with private_key; with client_secret taskhub logs in at base_url, as "
            table.problem(name, f"{said}the user of the app: take {name} away, or name private_key instead.")


def _who_logs_in(table: Table, settings: Mapping[str, Any]) -> None:
    named = settings.get("username", "@")
    if not (isinstance(named, str) and "@" in named):
        table.problem(
            "username", "username must be the name a user logs in with over there, such as taskhub@example.com."
        )
    for name in ("login_url", "audience"):
        value = settings.get(name, "https://x")
        if not (isinstance(value, str) and _ADDRESS.fullmatch(value)):
            table.problem(name, f"{name} must be an address, such as https://login.salesforce.com.")


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
