"""Writes one noun, or all of them, to wherever bytes go: page by page, in one snapshot of the database."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import orjson

from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.exporting import cells, nouns, queries
from taskhub.policy.reading.nearest import nearest

CSV, JSONL = "csv", "jsonl"
FORMATS = (CSV, JSONL)
Write = Callable[[bytes], Any]
MANIFEST = "manifest.json"


def chosen(wanted: Iterable[str]) -> list[str]:
    """The nouns of these names, all where none is named. Raises InvalidInput for one there is not."""
    names = list(wanted)
    for name in names:
        if name not in nouns.NOUNS:
            hint = nearest(name, nouns.NOUNS)
            said = f"; did you mean {hint}?" if hint else f": name some of {', '.join(nouns.NOUNS)}."
            raise InvalidInput(f"There is nothing called {name[:40]!r} to export{said}", code="unknown_noun")
    return [noun for noun in nouns.NOUNS if noun in names or not names]


def write(tx: Tx, noun: str, format_: str, write_: Write) -> int:
    """Writes every row of a noun. Returns how many."""
    columns = nouns.COLUMNS[noun]
    packed = _csv(columns) if format_ == CSV else _lines(columns)
    write_(packed([], first=True))
    count = 0
    for page in _pages(tx, noun):
        write_(packed(page, first=False))
        count += len(page)
    return count


def _csv(columns: Sequence[str]) -> Callable[..., bytes]:
    def packed(page: Sequence[Mapping[str, Any]], *, first: bool) -> bytes:
        held = io.StringIO(newline="")
        writer = csv.writer(held, lineterminator="\r\n")
        if first:
            writer.writerow(columns)
        writer.writerows(cells.row(columns, values) for values in page)
        return held.getvalue().encode("utf-8", "replace")

    return packed


def _lines(columns: Sequence[str]) -> Callable[..., bytes]:
    def packed(page: Sequence[Mapping[str, Any]], *, first: bool) -> bytes:
        return b"".join(cells.line(columns, values) for values in page)

    return packed


def _pages(tx: Tx, noun: str) -> Iterator[list[Mapping[str, Any]]]:
    if noun == "queues":
        return iter([list(nouns.queues(tx.policies))])
    if noun == "tasks":
        return ([nouns.task(row) for row in page] for page in queries.tasks(tx))
    if noun in ("leads", "deals", "accounts", "contacts"):
        return _records(tx, noun.removesuffix("s"))
    plain = {
        "moves": queries.moves, "history": queries.task_history, "decisions": queries.decisions,
        "people": queries.people, "teams": queries.teams, "notes": queries.notes, "questions": queries.questions,
        "merges": queries.merges,
    }  # fmt: skip
    return plain[noun](tx) if noun in plain else queries.events(tx, nouns.COLUMNS["events"])


def _records(tx: Tx, noun: str) -> Iterator[list[Mapping[str, Any]]]:
    for page in queries.records(tx, noun):
        ids = [row["id"] for row in page]
        more = queries.since(tx, noun, ids) if noun in ("lead", "deal") else {}
        if noun == "deal":
            _name_parties(tx, page, more)
        yield [nouns.record(noun, row, more.get(row["id"], {})) for row in page]


def _name_parties(tx: Tx, page: Sequence[Mapping[str, Any]], more: dict[str, dict[str, Any]]) -> None:
    for noun in ("account", "contact"):
        wanted = {row["fields"].get(noun) for row in page}
        known = queries.parties(tx, noun, sorted(id_ for id_ in wanted if isinstance(id_, str)))
        for row in page:
            more[row["id"]] |= known.get(row["fields"].get(noun) or "", {})


def to_folder(tx: Tx, folder: Path, wanted: Sequence[str], format_: str) -> dict[str, int]:
    """A file per noun and a manifest. Returns the rows of each; the folder is made when it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    for noun in wanted:
        place = folder / f"{noun}.{format_}"
        part = place.with_suffix(".part")  # nobody takes half a file for the whole
        with part.open("wb") as file:
            counts[noun] = write(tx, noun, format_, file.write)
        part.replace(place)
    (folder / MANIFEST).write_bytes(manifest(tx, counts, format_))
    return counts


def to_zip(tx: Tx, file: IO[bytes], wanted: Sequence[str], format_: str) -> dict[str, int]:
    """The same in one archive."""
    counts = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for noun in wanted:
            with archive.open(f"{noun}.{format_}", "w", force_zip64=True) as member:
                counts[noun] = write(tx, noun, format_, member.write)
        archive.writestr(MANIFEST, manifest(tx, counts, format_))
    return counts


def manifest(tx: Tx, counts: Mapping[str, int], format_: str) -> bytes:
    """What an export holds, and as of when."""
    said = {"at": tx.now, "format": format_, "policies": tx.policies.hash, "rows": dict(counts)}
    return orjson.dumps(said, option=orjson.OPT_UTC_Z | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
