"""``search``: find records and tasks by their words; ``search-index rebuild``: what they are found by."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json

index = typer.Typer(help="What records and tasks are found by.", no_args_is_help=True, rich_markup_mode=None)


def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="Words in any order, or parts of words.")],
    noun: Annotated[str | None, typer.Option(help="Only lead, deal, account, contact or task.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 20,
    data: Data = None,
    json: Json = False,
) -> None:
    """Find leads, deals, accounts, contacts and tasks: by words, parts of words, addresses, numbers or ids."""
    from taskhub.api.search import shown
    from taskhub.cli.output import as_json, as_table
    from taskhub.errors import InvalidInput
    from taskhub.sales.search import service
    from taskhub.sales.search.queries import NOUNS
    from taskhub.sales.search.scope import EVERYTHING

    asked = " ".join(words)
    if noun is not None and noun not in NOUNS:
        raise InvalidInput(f"--noun: {noun[:40]!r} is none of {', '.join(NOUNS)}.")
    if len(asked) > service.LONGEST_QUERY:
        raise InvalidInput(f"That are {len(asked)} characters; {service.LONGEST_QUERY} are the most.")
    with place.existing(data) as db, db.read() as tx:
        page = service.find(tx, asked, EVERYTHING, None, limit, (noun,) if noun else NOUNS)
        items = [shown(one) for one in page.items]
    if json:
        as_json({"items": items, "complete": page.complete})
        return
    if not items:
        typer.echo("Nothing was found.")
        return
    as_table(("what", "id", "called", "found in"), map(_row, items))
    if not page.complete:
        typer.echo("More answers than were looked at: add a word.", err=True)


@index.callback()
def of_words() -> None:
    """What records and tasks are found by."""


@index.command()
def rebuild(data: Data = None, json: Json = False) -> None:
    """Keep the words of every record and task anew; what is right already stays.

    Workers do this by themselves after an upgrade. Others may work meanwhile.
    """
    from taskhub.cli.output import as_json
    from taskhub.sales.search import filling

    with place.existing(data) as db:
        with db.read() as tx:
            total = filling.count(tx)
        records, changed = filling.rebuild(db.begin, lambda done, _: _progress(done, total))
    if json:
        as_json({"records": records, "changed": changed})
    else:
        typer.echo(f"{records} records and tasks, {changed} of them new or changed.")


def _row(one: dict[str, Any]) -> tuple[Any, ...]:
    called = one.get("title") or one.get("name") or one.get("company")
    where = next((f"{first['field']}: {first['snippet']}" for first in one["matched"]), None)
    return one["noun"], one["id"], called, where


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total}", end="" if done < total else "\n", file=sys.stderr, flush=True)
