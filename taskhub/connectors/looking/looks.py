"""One look at what has changed over there: called between two transactions, writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import cast

from taskhub.clock import real_now
from taskhub.connectors import states
from taskhub.connectors.looking.labels import REFUSALS, Knowing, knowing
from taskhub.connectors.looking.model import NOUNS, OVERLAP, Again, Found, Place, Step
from taskhub.connectors.outbound import Changes, Client, Merger, Record
from taskhub.connectors.reading import Seen
from taskhub.connectors.states import delivery_of
from taskhub.events.model import NEWS, QUIET
from taskhub.policy.policies import Connection


def look(
    client: Client, connection: Connection, places: Mapping[str, Place], nouns: Iterable[str] = (),
    stale: Collection[str] = (),
) -> Found:  # fmt: skip
    """What has changed since ``places`` of ``nouns``, all that are followed unless named.

    ``stale``: nouns whose options are asked for anew.

    Raises what ``Client`` raises when the system cannot be reached or lets us in no more; a noun that it does not tell
    of does not keep the others.
    """
    steps: list[Step] = []
    refused: dict[str, str] = {}
    for noun in nouns or NOUNS[connection.system]:
        try:
            told = client.changes(noun, places[noun].cursor if noun in places else None)
        except REFUSALS as error:
            refused[noun] = error.message
            continue
        known = knowing(client, connection, noun, told.records, anew=noun in stale)
        refused |= {**_why(noun, known), **_without(noun, told)}
        into = _went(client, noun, told.deleted)
        steps.append(_step(client, known, noun, places.get(noun), told, into))
    return Found(steps, refused)


def take_stock(client: Client, connection: Connection, nouns: Iterable[str], *, quiet: bool) -> Found:
    """Everything there is. ``quiet``: no rule fires for it; else each record is news, as if it were made now."""
    steps: list[Step] = []
    refused: dict[str, str] = {}
    for noun in nouns:
        try:
            told = client.everything(noun)
        except REFUSALS as error:
            refused[noun] = error.message
            continue
        at = client.clock() or real_now()
        place = Place(noun, at - OVERLAP, told.cursor, at)
        known = knowing(client, connection, noun, told.records, anew=True)
        refused |= {**_why(noun, known), **_without(noun, told)}
        seen = [Seen(noun, "", at, row, None, QUIET if quiet else NEWS, born=not quiet) for row in told.records]
        told_of = [delivery_of(one, known.connection) for one in seen]
        steps.append(Step(None, place, told_of, known.learnt, known.refused is not None))
    return Found(steps, refused)


def read_again(
    client: Client, connection: Connection, noun: str, id_: str, place: Place | None, *, born: bool
) -> Again:
    """One record as it is now, or that it is gone. ``id_`` is theirs."""
    record = client.read(noun, id_)
    at = client.clock() or real_now()
    known = knowing(client, connection, noun, [record], anew=False) if record is not None else None
    begun_at = place.begun_at if place else None
    into = _went(client, noun, [id_]) if record is None else {}
    seen = Seen(noun, id_, at, record, begun_at, NEWS, born=born and record is not None, into=into.get(id_, ""))
    return Again(seen) if known is None else Again(seen, known.learnt, known.refused is not None)


def _step(
    client: Client, known: Knowing, noun: str, before: Place | None, told: Changes, into: Mapping[str, str]
) -> Step:  # fmt: skip
    connection = known.connection
    at = client.clock() or real_now()
    begun_at = before.begun_at if before else at - OVERLAP
    seen = [_seen(noun, row, at, begun_at, _mood(told, before, connection, noun, row)) for row in told.records]
    gone = [Seen(noun, id_, at, None, begun_at, into=into.get(id_, "")) for id_ in told.deleted]
    deliveries = [delivery_of(one, connection) for one in (*seen, *gone)]
    after = Place(noun, begun_at, told.cursor, at)
    return Step(before, after, deliveries, known.learnt, known.refused is not None)


def _went(client: Client, noun: str, ids: Sequence[str]) -> Mapping[str, str]:
    """Where deleted records went, in a system that tells; refused, they are deleted."""
    if not ids or not hasattr(client, "went"):
        return {}
    try:
        return cast("Merger", client).went(noun, ids)
    except REFUSALS:
        return {}


def _why(noun: str, known: Knowing) -> dict[str, str]:
    """Why a look knows no labels, for whoever asks how it went."""
    return {f"labels of {noun}s": known.refused} if known.refused else {}


def _without(noun: str, told: Changes) -> dict[str, str]:
    """Which fields of a map are not there: the rest was read without them."""
    return {f"fields of {noun}s": f"left out, not there: {', '.join(told.absent)}"} if told.absent else {}


def _seen(noun: str, row: Record, at: datetime, begun_at: datetime, mood: str) -> Seen:
    return Seen(noun, "", at, row, begun_at, mood)


def _mood(told: Changes, before: Place | None, connection: Connection, noun: str, row: Record) -> str:
    """A first look, and one that had to begin anew, tell what was there before: only what moved since is news."""
    if before is not None and not told.resync:
        return NEWS
    since = before.read_at if before else None
    version = states.version_of(noun, row, connection)
    return NEWS if since is not None and version is not None and version >= since - OVERLAP else QUIET
