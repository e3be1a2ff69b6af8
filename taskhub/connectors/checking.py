"""What works in a connection and what does not, each with what to do about it. Asks; changes nothing over there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar, cast

from taskhub.connectors.calling import AWHILE
from taskhub.connectors.hooks import is_ours, missing
from taskhub.connectors.inbound import lacking
from taskhub.connectors.maps import nameless, no_field_there, unknown_there
from taskhub.connectors.outbound import Client, Describer, Namer, Subscriber, Who
from taskhub.connectors.sending.pinging import ping
from taskhub.errors import Forbidden, InvalidInput, NotFound, TaskhubError, Unauthenticated, Unavailable
from taskhub.policy.policies import Connection, Policies

OK, NOTE, WRONG = "ok", "note", "wrong"
SKEW, LONG_SKEW = 30.0, 300.0  # seconds; signatures are good for five minutes
# Secrets with which taskhub logs in over there; with the others a sender shows who it is.
CALL = ("token", "client_id", "client_secret", "private_key", "refresh_token")
COMPANY = {"pipedrive": "company_id", "salesforce": "organization_id", "dynamics": "organization_id"}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Looked:
    """One thing looked at. ``state`` is ok, note (look in office hours) or wrong; ``todo`` what to do about it."""

    name: str
    state: str
    said: str
    todo: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What a check goes by. ``secrets`` are resolved values, "" where a variable is not set; ``now`` is our clock.

    ``stopped``: its receiver has wanted no more events, and nobody has switched them on again.
    """

    connection: Connection
    secrets: Mapping[str, str]
    policies: Policies
    people: frozenset[str]
    now: Callable[[], datetime]
    stopped: bool = False


def look(given: Given, call: Callable[[], Client] | None) -> Iterator[Looked]:
    """Every finding, the local ones first. ``call`` makes the client; None: taskhub does not call such a system."""
    yield _variables(given)
    yield _maps(given)
    if call is None and given.connection.send is not None:
        yield from _sending(given)
        return
    if call is None:
        yield Looked("calls", OK, f"systems of the kind {given.connection.system} only send; there is nothing to call")
        return
    try:
        client = call()
    except InvalidInput as error:
        begun = any(given.secrets.get(name) for name in CALL)
        todo = "until then taskhub takes events, and writes nothing back"
        yield Looked("log-in", WRONG if begun else NOTE, error.message, todo)
        return
    try:
        yield from _called(given, client)
    finally:
        client.close()


def _sending(given: Given) -> Iterator[Looked]:
    found = ping(given.connection, given.secrets, given.now())
    yield Looked("events", OK if found.well else WRONG, found.said, found.todo)
    if given.stopped:
        todo = f"`taskhub connections resume {given.connection.key}`, once it takes them again"
        yield Looked("sending", WRONG, "switched off: it has answered 410", todo)


def _variables(given: Given) -> Looked:
    named = given.connection.secrets
    unset = sorted(variable for name, variable in named.items() if not given.secrets.get(name))
    if not unset:
        return Looked("secrets", OK, f"all {len(named)} variables are set")
    shut = bool(lacking(given.connection, given.secrets))
    said = f"not set: {', '.join(unset)}" + ("; so its hook answers 401 to everybody" if shut else "")
    todo = "set the variables, or NAME_FILE to name a file, where taskhub runs"
    return Looked("secrets", WRONG if shut else NOTE, said, todo)


def _maps(given: Given) -> Looked:
    found = nameless(given.connection, given.policies, given.people)
    if found:
        return Looked("maps", NOTE, "; ".join(found), "correct connections.toml, then `taskhub config apply`")
    return Looked("maps", OK, "every name in its maps means something here")


def _called(given: Given, client: Client) -> Iterator[Looked]:
    try:
        who = _understood(given, client.who)
    except TaskhubError as error:
        yield Looked("log-in", WRONG, error.message, _way_in(given, error))
        return
    named = f"{who.name} ({who.user})" if who.name else who.user
    yield Looked("log-in", OK, f"logged in as {named} of {who.company}")
    yield _company(given, who)
    yield _own_user(given, who)
    yield _clock(given, who)
    if hasattr(client, "key_field_is_there"):
        yield _asked(lambda: _key_field(_understood(given, client.key_field_is_there)), "key field")
    if hasattr(client, "names"):
        yield _asked(lambda: _understood(given, lambda: _their_names(given, cast("Namer", client))), "their names")
    if hasattr(client, "fields") and any(given.connection.fields.values()):
        yield _asked(
            lambda: _understood(given, lambda: _their_fields(given, cast("Describer", client))), "their fields"
        )
    if hasattr(client, "hooks"):
        yield _asked(lambda: _understood(given, lambda: _hooks(given, cast("Subscriber", client))), "webhooks")
    else:
        said = f"{given.connection.system} does not list what sends to us"
        yield Looked("webhooks", NOTE, said, "GET /api/v1/events shows whether anything arrives")


def _understood(given: Given, ask: Callable[[], T]) -> T:
    """The answer to ``ask``; one of another shape than the system documents is told like one that was lost."""
    try:
        return ask()
    except (ValueError, TypeError, LookupError, AttributeError):
        said = f"{given.connection.key} answered with something that cannot be read; is it really this system?"
        raise Unavailable(said, retry_after=AWHILE) from None


def _company(given: Given, who: Who) -> Looked:
    setting = COMPANY[given.connection.system]
    wanted = given.connection.settings.get(setting)
    if wanted is None:
        return Looked("company", NOTE, f"{setting} is not set", f'set {setting} = "{who.company}", to refuse others')
    if _spelled(given, str(wanted)).lower() == _spelled(given, who.company).lower():
        return Looked("company", OK, f"it is {who.company}, as set")
    said = f"the key is of {who.company}, but {setting} says {wanted}"
    return Looked("company", WRONG, said, "use a key of the right company, or correct the setting")


def _own_user(given: Given, who: Who) -> Looked:
    own = given.connection.settings.get("own_user")
    if own is not None and _spelled(given, str(own)) == _spelled(given, who.user):
        return Looked("own user", OK, "what taskhub writes makes no new work")
    said = "own_user is not set" if own is None else f"own_user is {own}, but the key is of {who.user}"
    todo = f"set own_user to {who.user}, or what taskhub writes comes back as new work"
    return Looked("own user", NOTE if own is None else WRONG, said, todo)


def _spelled(given: Given, id_: str) -> str:
    """An id in one spelling: Salesforce's have 15 or 18 characters, those of Dynamics may stand in braces."""
    if given.connection.system == "salesforce":
        return id_.strip()[:15]
    return id_.strip().strip("{}").lower() if given.connection.system == "dynamics" else id_.strip()


def _clock(given: Given, who: Who) -> Looked:
    if who.at is None:
        return Looked("clock", OK, "it does not tell its time")
    skew = abs((given.now() - who.at).total_seconds())
    if skew < SKEW:
        return Looked("clock", OK, f"{skew:.0f} s apart from ours")
    said = f"{skew:.0f} s apart from ours"
    return Looked("clock", WRONG if skew >= LONG_SKEW else NOTE, said, "let this machine follow NTP")


def _key_field(missing: str | None) -> Looked:
    if missing is None:
        return Looked("key field", OK, "tasks have the field that holds our key")
    todo = "make it there: a text field of 64 characters, external id, unique; or name another in task_key_field"
    return Looked("key field", WRONG, missing, todo)


def _their_names(given: Given, client: Namer) -> Looked:
    found = unknown_there(given.connection, client.names())
    if found:
        return Looked("their names", WRONG, "; ".join(found), "correct connections.toml, then `taskhub config apply`")
    return Looked("their names", OK, "every id in its maps is known over there")


def _their_fields(given: Given, client: Describer) -> Looked:
    """A misspelt field is never told of, or stops the look at its records."""
    own = given.connection.fields
    try:
        there = {noun: client.fields(noun) for noun in own if own[noun]}
    except Forbidden as error:
        return Looked("their fields", NOTE, f"nobody tells them: {error.message}", _remedy(error))
    found = [said for noun, names in there.items() for said in no_field_there(given.connection, noun, names)]
    if found:
        return Looked("their fields", WRONG, "; ".join(found), "correct connections.toml, then `taskhub config apply`")
    return Looked("their fields", OK, "every field in its maps is known over there")


def _hooks(given: Given, client: Subscriber) -> Looked:
    path = given.secrets.get("path", "")
    ours = [hook for hook in client.hooks() if hook.live and is_ours(hook, given.connection.key, path)]
    make = f"`taskhub connections subscribe {given.connection.key} https://…` makes what is missing"
    if not ours:
        return Looked("webhooks", WRONG, f"nothing sends to /hooks/{given.connection.key}", make)
    lacks = missing(client, ours)
    if lacks:
        return Looked("webhooks", WRONG, f"nothing sends {', '.join(lacks)}", make)
    return Looked("webhooks", OK, f"{len(ours)} send to us, nothing is missing")


def _asked(step: Callable[[], Looked], name: str) -> Looked:
    try:
        return step()
    except TaskhubError as error:
        return Looked(name, WRONG, error.message, _remedy(error))


def _way_in(given: Given, error: TaskhubError) -> str:
    if isinstance(error, Unauthenticated) and "private_key" in given.connection.secrets:
        return "mend what is named; docs/how-to/salesforce.md says how key, certificate, app and user belong together"
    return _remedy(error)


def _remedy(error: TaskhubError) -> str:
    if isinstance(error, Unauthenticated):
        return "make a new key there and set its variable here"
    if isinstance(error, Forbidden):
        return "give the user of the key the right to do this there"
    if isinstance(error, NotFound):
        return "look at the address in the settings of the connection"
    if isinstance(error, Unavailable):
        return (
            "is the address right, is the way out of this machine open? Work that waits for it is tried again by itself"
        )
    return "look at the settings of the connection"
