"""Recorded bodies go through the same intake as the routes: read, normalised, stored once, applied from the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from taskhub.cli import queries
from taskhub.cli.pieces import Piece
from taskhub.connectors.inbound import HookRequest, Inbound
from taskhub.connectors.looking.labels import labelled
from taskhub.connectors.registry import inbound_for
from taskhub.db.database import Database
from taskhub.db.tx import By, Tx
from taskhub.errors import DeliveryClash, InvalidInput, NotFound, TaskhubError
from taskhub.events import service as events
from taskhub.events.cloudevents import read_cloudevents
from taskhub.events.model import Delivery
from taskhub.events.native import NATIVE_TYPES
from taskhub.flow import HANDLERS
from taskhub.ids import digest
from taskhub.policy.policies import Connection, Policies
from taskhub.policy.text import LocalText
from taskhub.workers import run_due

CLOUDEVENTS = "cloudevents"
BY = By("replay", "integration")
AT_ONCE = 50
JSON = "application/json"

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Source:
    """Who reads the bodies: a connection's reader, or CloudEvents when there is no connection."""

    connection: Connection | None = None
    reader: Inbound | None = None

    def read(self, tx: Tx, piece: Piece) -> list[Delivery]:
        """The deliveries in a body. Raises InvalidInput for what a route would refuse."""
        if self.reader is None or self.connection is None:
            return read_cloudevents(piece.headers, _enveloped(piece), tx.now)
        sent = HookRequest(piece.body, tx.now, headers=piece.headers)
        return self.reader.split_and_normalise(sent, labelled(tx, self.connection))


@dataclass
class Count:
    """What became of everything; each delivery is in exactly one of the first five."""

    accepted: int = 0
    duplicate: int = 0
    ignored: int = 0
    quarantined: int = 0
    refused: int = 0
    tasks: int = 0
    fresh: list[str] = field(default_factory=list, repr=False)

    @property
    def seen(self) -> int:
        """How many came in so far."""
        return len(self.fresh) + self.duplicate + self.refused


def source_of(policies: Policies, name: str) -> Source:
    """The source called ``name``: cloudevents, a connection, or a CRM system with at most one connection."""
    if name == CLOUDEVENTS:
        return Source()
    known = policies.connections
    mine = [known[name]] if name in known else [one for one in known.values() if one.system == name]
    if len(mine) > 1:
        names = ", ".join(sorted(one.key for one in mine))
        raise InvalidInput(f"Several connections are {name}: name one of them with --source: {names}.")
    connection = mine[0] if mine else Connection(name, name, LocalText(name.capitalize()))
    try:
        return Source(connection, inbound_for(connection.system))
    except NotFound as error:
        names = ", ".join(sorted({CLOUDEVENTS, *known, *error.fields.get("known", ())}))
        raise InvalidInput(f"Nothing here reads {name!r}. --source is one of: {names}.") from None


def replay(db: Database, source: Source, bodies: Iterable[Piece], refuse: Told, progress: Told) -> Count:
    """Takes every body in, applies what is new, and counts. ``refuse`` is told each broken one."""
    count = Count()
    stream = iter(bodies)
    while chunk := list(islice(stream, AT_ONCE)):
        _take_in(db, source, chunk, count, refuse)
        progress(f"{count.seen} read")
    progress(f"{count.seen} read, now applied")
    run_due(db, HANDLERS)
    with db.read() as tx:
        _judge(tx, count)
    return count


def _take_in(db: Database, source: Source, chunk: list[Piece], count: Count, refuse: Told) -> None:
    """All in one transaction; when one of them is refused, each in its own."""
    split = [part for piece in chunk for part in _split(source, piece)]
    try:
        with db.begin(BY) as tx:
            receipts = [receipt for piece in split for receipt in _ingest(tx, source, piece)]
    except (InvalidInput, DeliveryClash):
        receipts = list(_one_by_one(db, source, split, count, refuse))
    count.fresh += [id_ for id_, status in receipts if status == "accepted"]
    count.duplicate += sum(status == "duplicate" for _, status in receipts)


def _one_by_one(
    db: Database, source: Source, split: list[Piece], count: Count, refuse: Told
) -> Iterator[tuple[str, str]]:
    for piece in split:
        try:
            with db.begin(BY) as tx:
                receipts = _ingest(tx, source, piece)
        except TaskhubError as error:
            count.refused += 1
            refuse(f"{piece.place}: {error.message}")
        else:
            yield from receipts


def _ingest(tx: Tx, source: Source, piece: Piece) -> list[tuple[str, str]]:
    if piece.wrong is not None:
        raise InvalidInput(piece.wrong)
    deliveries = source.read(tx, piece)
    key = source.connection.key if source.connection else None
    receipts = events.ingest(
        tx, deliveries, piece.body, piece.headers, piece.headers.get("content-type", ""), connection=key,
        quarantine_clash=key is not None,
    )  # fmt: skip
    return [(receipt.event_id, receipt.status) for receipt in receipts]


def _split(source: Source, piece: Piece) -> list[Piece]:
    """A CRM sends one fact a body; a recording may keep several of them in one array."""
    if source.connection is None or not piece.body.lstrip().startswith(b"["):
        return [piece]
    try:
        parts = json.loads(piece.body)
    except ValueError:
        return [piece]
    return [
        Piece(f"{piece.place}[{number}]", json.dumps(part).encode(), piece.headers) for number, part in enumerate(parts)
    ]


def _enveloped(piece: Piece) -> bytes:
    """A native event without its envelope gets one; its id is its content, so that a second replay changes nothing."""
    if b'"specversion"' in piece.body or not piece.headers.get("content-type", "").startswith(JSON):
        return piece.body
    try:
        told = json.loads(piece.body)
    except ValueError:
        return piece.body
    if not isinstance(told, dict) or told.get("type") not in NATIVE_TYPES:
        return piece.body
    named = {"specversion": "1.0", "id": digest(piece.body.decode()), "source": "replay"}
    return json.dumps({**named, **told}).encode()


def _judge(tx: Tx, count: Count) -> None:
    states = queries.event_states(tx, count.fresh)
    count.ignored, count.quarantined = states["ignored"], states["quarantined"]
    count.accepted = states.total() - count.ignored - count.quarantined
    count.tasks = queries.tasks_made(tx, count.fresh)
