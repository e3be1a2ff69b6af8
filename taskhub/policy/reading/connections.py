"""connections.toml: which CRM systems send events, and how their names map to ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from taskhub.policy.policies import Connection
from taskhub.policy.reading import dynamics, hubspot, pipedrive, salesforce, sending, write_back
from taskhub.policy.reading.nearest import nearest
from taskhub.policy.reading.table import Table, keyed, shown
from taskhub.policy.reading.values import free, text_map
from taskhub.policy.reading.vocabulary import (
    CALL_SECRETS,
    CALL_SETTINGS,
    LETS_IN,
    NOUNS,
    SECRETS,
    SETTINGS,
    SYSTEMS,
)
from taskhub.policy.reading.wording import local

UNREAD = "webhooks"
SHORTEST, USUAL, LONGEST = timedelta(minutes=1), timedelta(minutes=15), timedelta(days=1)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
# Settings whose values are names of ours.
_NAMED = {"pipelines": "pipeline", "lost_labels": "lead lost reason"}


def read(root: Table, *, stored: bool = False) -> dict[str, Connection]:
    """Every connection by its key. ``stored``: of a set that was accepted before, which is not refused afterwards."""
    found = keyed(root, "connection", "connection", partial(_connection, stored=stored))
    root.done()
    return found


def _connection(entry: Table, key: str, *, stored: bool) -> Connection:
    system = _system(entry, stored=stored)
    secrets, settings = _secrets(entry, system), _settings(entry, system)
    if system == "salesforce":
        salesforce.check(entry, secrets, settings, stored=stored)
    if system == "dynamics":
        dynamics.check(entry, secrets, settings)
    if system == "pipedrive" and not stored:
        pipedrive.check(entry, settings)
    if system == "hubspot":
        hubspot.check(entry, settings)
    return Connection(
        key=key,
        system=system,
        name=local(entry, "name"),
        secrets=secrets,
        fields=_fields(entry),
        stages=_stages(entry),
        settings=settings,
        users=text_map(entry, "users"),
        poll=_poll(entry),
        renew_webhooks=entry.flag("renew_webhooks", default=True),
        write_back=write_back.read(entry, system),
        send=sending.read(entry, system, secrets),
    )


def _poll(entry: Table) -> timedelta:
    """Zero is never. More often than once a minute nobody looks, and after a day a day's work would be late."""
    found = entry.opt_duration("poll", zero=True)
    if found is not None and found and not SHORTEST <= found <= LONGEST:
        entry.problem("poll", 'poll must lie between "1m" and "1d", or be "0s" for never.')
    return USUAL if found is None else found


def _system(entry: Table, *, stored: bool) -> str:
    """``webhooks`` was taken before 0.2.0, though nothing reads its hooks."""
    if stored and entry.data.get("system") == UNREAD:
        return entry.opt_choice("system", (UNREAD,)) or ""
    if entry.data.get("system") == UNREAD:
        entry.take("system")
        entry.problem("system", "nothing reads webhooks that nobody has signed.", "standard_webhooks")
        return ""
    return entry.opt_choice("system", SYSTEMS, required=True) or ""


def _secrets(entry: Table, system: str) -> dict[str, str]:
    """Names of variables. A value that is no name may be the secret itself: it is never repeated in a message."""
    table = entry.table("secrets")
    known = SECRETS.get(system, ())
    known = (*known, *CALL_SECRETS.get(system, ())) if known else ()
    for name, variable in table.data.items() if table else ():
        if table and known and name not in known:
            message = f"{system} knows no secret {shown(name)}; it knows {', '.join(known)}."
            table.problem(name, message, nearest(name, known))
        elif table and not (isinstance(variable, str) and _VARIABLE.fullmatch(variable)):
            message = f"{name} must be the name of an environment variable, such as TASKHUB_CRM_PASSWORD."
            table.problem(name, message + " Secrets themselves never stand in a file of policies.")
    misspelt = table is not None and bool(known) and not table.data.keys() <= set(known)
    found = {name: variable for name, variable in table.data.items() if isinstance(variable, str)} if table else {}
    ways = LETS_IN.get(system, ())
    if ways and not misspelt and not set(ways) & found.keys() and not _only_sends(entry, system):
        message = f'Without {" or ".join(ways)} nobody is let in: add secrets = {{ {ways[0]} = "…" }}.'
        entry.problem("secrets", message)
    return found


def _only_sends(entry: Table, system: str) -> bool:
    """Who is only told of things has no need to be let in."""
    return system == sending.SENDS and entry.has("send")


def _fields(entry: Table) -> dict[str, Mapping[str, str]]:
    table = entry.table("fields")
    if table is None:
        return {}
    found: dict[str, Mapping[str, str]] = {noun: text_map(table, noun) for noun in NOUNS if table.has(noun)}
    for noun in NOUNS:
        table.take(noun)
    table.done()
    return found


def _stages(entry: Table) -> dict[str, Any]:
    table = entry.table("stages")
    if table is None:
        return {}
    found = {}
    for noun in ("lead", "deal"):
        below = table.table(noun)
        for theirs, ours in below.data.items() if below else ():
            if below and isinstance(ours, str):
                below.findings.refer(f"{noun} stage", ours, below.place(theirs), open_world=True)
        if below:
            found[noun] = text_map(table, noun)
    table.done()
    return found


def _settings(entry: Table, system: str) -> dict[str, Any]:
    settings = free(entry, "settings")
    table = entry.table("settings")
    known = (*SETTINGS.get(system, ()), *CALL_SETTINGS.get(system, ()))
    for name in settings:
        hint = nearest(name, known, cutoff=0.75) if name not in known else None
        if table and hint:
            table.findings.warn(table.place(name), f"{system} knows no setting {shown(name)}.", hint)
    for name, noun in _NAMED.items():
        for theirs, ours in settings[name].items() if isinstance(settings.get(name), dict) else ():
            if table and isinstance(ours, str):
                table.findings.refer(noun, ours, table.place(name, theirs), open_world=True)
    return settings
