"""``duplicates rebuild``, ``find``, ``merge``, ``unmerge``: records that stand for the same."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from taskhub.cli import merges, place
from taskhub.cli.options import Data, Json, Language

app = typer.Typer(
    help="Leads, contacts and accounts that stand for the same.", no_args_is_help=True, rich_markup_mode=None
)


app.command()(merges.merge)
app.command()(merges.unmerge)


@app.callback()
def of_records() -> None:
    """Records that stand for the same."""


@app.command()
def rebuild(data: Data = None, json: Json = False) -> None:
    """Make what duplicates are found by for every record: once after an upgrade, and when `region` has changed.

    Others may work meanwhile. It may be ended and begun again: what is right already stays.
    """
    from taskhub.cli.output import as_json
    from taskhub.sales.duplicates import service

    with place.existing(data) as db:
        with db.read() as tx:
            total = service.count(tx)
        records, changed = service.rebuild_all(db.begin, lambda done, _: _progress(done, total))
    if json:
        as_json({"records": records, "changed": changed})
    else:
        typer.echo(f"{records} records, {changed} of them new or changed.")


@app.command()
def find(
    record: Annotated[str, typer.Argument(metavar="RECORD", help="A record, such as lead:17.")],
    lang: Annotated[Language, typer.Option(help="Language of the sentences.")] = Language.en,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show what a record may double, the likeliest first, and why."""
    from taskhub.cli.output import as_json, as_table
    from taskhub.errors import InvalidInput
    from taskhub.events.model import RecordRef
    from taskhub.sales.duplicates import sentences, service
    from taskhub.sales.duplicates.prints import FAMILIES

    noun, _, id_ = record.partition(":")
    if noun not in FAMILIES or not id_:
        raise InvalidInput(f"{record[:80]!r} is no record: name it as lead:ID, contact:ID or account:ID.")
    with place.existing(data) as db, db.read() as tx:
        found = service.of_record(tx, RecordRef(noun, id_))
    said = [
        (one.record, one.verdict.score, sentences.why(one.verdict.reasons, lang.value, likely=one.likely))
        for one in found
    ]
    if json:
        as_json([dict(zip(("record", "score", "sentence"), row, strict=True)) for row in said])
    elif said:
        as_table(("record", "score", "why"), said)
    else:
        typer.echo("Nothing looks like it.")


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total}", end="" if done < total else "\n", file=sys.stderr, flush=True)
