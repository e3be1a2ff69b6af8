"""``audit verify``, ``audit export``, ``audit head``: history as evidence."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json
from taskhub.errors import InvalidInput

app = typer.Typer(
    help="History as evidence: its chain of seals, and all of it to take away.", no_args_is_help=True,
    rich_markup_mode=None,
)  # fmt: skip
SHOWN = 20


@app.command()
def verify(
    head: Annotated[
        list[str] | None,
        typer.Option(metavar="NUMBER:HASH", help="A head that `audit head` printed once. May be given several times."),
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Check every sealed row of history; exit code 1 and the first broken row when something was changed."""
    from taskhub.cli.output import as_json
    from taskhub.db import audit

    noted, begun = dict(map(_head, head or [])), time.monotonic()
    with place.existing(data) as db, db.read() as tx:
        report = audit.verify(tx.conn, noted, _progress)
    took = time.monotonic() - begun
    if json:
        faults = [{"seal": one.seal, "row": one.row, "said": one.said} for one in report.broken]
        said = {name: getattr(report, name) for name in ("ok", "rows", "seals", "waiting", "erased", "head")}
        as_json({**said, "seconds": round(took, 2), "broken": faults})
    else:
        _tell(report, took)
    raise typer.Exit(0 if report.ok else 1)


@app.command(name="head")
def show_head(data: Data = None, json: Json = False) -> None:
    """Print number and hash of the newest seal: note it in another place, and give it to `audit verify --head`."""
    from taskhub.cli.output import as_json
    from taskhub.db import seals

    with place.existing(data) as db, db.read() as tx:
        newest = seals.newest(tx.conn)
    if json:
        as_json({"number": newest.number, "hash": newest.hash.hex(), "at": newest.at if newest.number else None})
    else:
        typer.echo(f"{newest.number}:{newest.hash.hex()}")


@app.command()
def export(
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Default: standard output.")] = None,
    noun: Annotated[str | None, typer.Option(help="Only records of this sort, such as task.")] = None,
    record: Annotated[str | None, typer.Option("--id", help="Only the record with this id.")] = None,
    since: Annotated[int, typer.Option(min=0, help="Only rows behind this number.")] = 0,
    data: Data = None,
) -> None:
    """Write history as one JSON object a line, oldest first; the last line is the newest seal."""
    import orjson

    from taskhub.db import history_rows, seals

    with place.existing(data) as db, db.read() as tx, _opened(out) as file:
        last = seals.newest(tx.conn)
        for row in history_rows.between(tx.conn, since, history_rows.newest(tx.conn)):
            if noun in (None, row.noun) and record in (None, row.id):
                told = row._asdict()
                file.write(orjson.dumps({**told, "change": orjson.loads(row.change)}) + b"\n")
        file.write(
            orjson.dumps({"head": {"number": last.number, "hash": last.hash.hex(), "row": last.last_row}}) + b"\n"
        )


def _tell(report: Any, took: float) -> None:
    pace = f"{report.rows / took:,.0f} rows/s" if took else ""
    if report.ok:
        typer.echo(f"{report.rows} rows under {report.seals} seals are as they were written ({took:.1f} s, {pace}).")
    for one in report.broken[:SHOWN]:
        where = f"row {one.row}" if one.row is not None else f"seal {one.seal}"
        typer.echo(f"{where}: {one.said}" + (f" (seal {one.seal})" if one.row is not None else ""), err=True)
    if len(report.broken) > SHOWN:
        typer.echo(f"and {len(report.broken) - SHOWN} more", err=True)
    if report.erased:
        typer.echo(f"{report.erased} rows were erased on request: who, what and when stands, the values do not.")
    if report.waiting:
        typer.echo(f"{report.waiting} rows are too new: the next seal takes them in, within a minute or two.")
    if report.seals:
        typer.echo(f"head: {report.seals}:{report.head}")


def _head(text: str) -> tuple[int, str]:
    number, _, hash_ = text.strip().partition(":")
    if not number.isascii() or not number.isdigit() or len(hash_) != 64:
        raise InvalidInput(f"{text[:100]!r} is no head. `taskhub audit head` prints one: NUMBER:HASH.")
    return int(number), hash_.lower()


def _progress(rows: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{rows:,} rows")
        sys.stderr.flush()


@contextmanager
def _opened(out: Path | None) -> Iterator[IO[bytes]]:
    if out is None:
        yield sys.stdout.buffer
        return
    with out.open("xb") as file:
        yield file
