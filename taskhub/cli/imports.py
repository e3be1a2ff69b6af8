"""``taskhub import``: leads, deals and open tasks from a CSV file, looked at first, and taken back as a whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json

if TYPE_CHECKING:
    from taskhub.db.database import Database
    from taskhub.importing.model import Run

app = typer.Typer(
    help="Leads, deals and open tasks from CSV files: preview, import, undo.", no_args_is_help=True,
    rich_markup_mode=None,
)  # fmt: skip
File = Annotated[Path, typer.Argument(help="A CSV file: UTF-8, UTF-16 or Windows-1252; comma, semicolon or tab.")]
Map = Annotated[str | None, typer.Option("--map", help="A mapping: a .toml or .json file, or the name of a saved one.")]
Save = Annotated[str | None, typer.Option("--save-map", help="Keep the mapping under this name.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Only show what would become of it; nothing is written.")]
Tasks = Annotated[bool, typer.Option("--create-tasks", help="Let rules make tasks; --dry-run says how many.")]
Id = Annotated[str, typer.Argument(metavar="IMPORT", help="The id of an import.")]
AT_ONCE = 20


@app.callback()
def of_files() -> None:
    """Files from elsewhere."""


class Asked(NamedTuple):
    """What was asked for on the command line."""

    file: Path
    map: str | None
    save_map: str | None
    dry_run: bool
    create_tasks: bool


def _of(noun: str, help_: str) -> None:
    def bring(
        file: File, map: Map = None, save_map: Save = None, dry_run: Dry = False, create_tasks: Tasks = False,
        data: Data = None, json: Json = False,
    ) -> None:  # fmt: skip
        _tell(_bring(noun, Asked(file, map, save_map, dry_run, create_tasks), data), json=json)

    bring.__doc__ = help_
    app.command(name=f"{noun}s")(bring)


_of("lead", "Bring in leads. Ended by force, the same command goes on where it stood.")
_of("deal", "Bring in deals with their accounts and contacts. The same command goes on where it stood.")
_of("task", "Bring in the open tasks of yesterday: dates, owner, what they wait for, what is done.")


def _bring(noun: str, asked: Asked, data: Path | None) -> dict[str, Any]:
    from taskhub.errors import InvalidInput
    from taskhub.importing import handing_in, service

    if not asked.file.is_file():
        raise InvalidInput(f"There is no file {asked.file}.")
    with place.existing(data) as db:
        with db.read() as tx:
            looked = handing_in.look(tx, noun, asked.file.name, lambda: _chunks(asked.file), _written(asked.map))
        looked = looked.whole()
        if asked.save_map is not None and not asked.dry_run:
            with db.begin() as tx:
                service.save_mapping(tx, noun, asked.save_map, looked.map.body())
        return _previewed(db, looked) if asked.dry_run else _shown(_run(db, looked, create_tasks=asked.create_tasks))


def _chunks(file: Path) -> Iterator[bytes]:
    from taskhub.importing.decoding import AT_ONCE as PART

    with file.open("rb") as opened:
        while chunk := opened.read(PART):
            yield chunk


def _written(map_: str | None) -> Any:
    """A mapping from a file, or the name of a saved one."""
    from taskhub.importing.mapping_files import read_text

    if map_ is None or not map_.endswith((".toml", ".json")):
        return map_
    return read_text(Path(map_).name, _text(Path(map_)))


def _text(path: Path) -> str:
    from taskhub.errors import InvalidInput

    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read as UTF-8 text: {error}.") from error


def _previewed(db: Database, file: Any) -> dict[str, Any]:
    """What would become of it, from the file itself: nothing is written anywhere."""
    from taskhub.importing import preview

    with db.read() as tx:
        looker = preview.Looker(tx, file)
    for piece in file.pieces():
        with db.read() as tx:
            looker.look(tx, piece)
    return looker.told()


def _run(db: Database, file: Any, *, create_tasks: bool) -> Run:
    from taskhub.importing import service
    from taskhub.importing.model import CHECKED, CHECKING, ENDED, RUNNING

    with db.read() as tx:
        run = service.under_way(tx, file, (CHECKING, CHECKED, RUNNING))
    if run is None:
        run = _hand_in(db, file)
    run = _work_off(db, run, CHECKING)
    if create_tasks:
        tasks = run.counts["tasks"]
        typer.echo(f"Rules make {tasks} task{'' if tasks == 1 else 's'} of it.", err=True)
    if run.state == CHECKED:
        with db.begin() as tx:
            run = service.start(tx, run.id, create_tasks=create_tasks)
    run = _work_off(db, run, RUNNING)
    if run.state != ENDED:
        raise RuntimeError(f"the import has not ended: it is {run.state}")
    return run


def _hand_in(db: Database, file: Any) -> Run:
    """Some pieces in each transaction: others may write meanwhile."""
    from taskhub.importing import service

    with db.begin() as tx:
        run = service.begin(tx, file)
    total, number = 0, 0
    held: list[tuple[int, Any]] = []
    for number, piece in enumerate(file.pieces(), 1):
        held.append((number - 1, piece))
        total += len(piece)
        if len(held) == AT_ONCE:
            with db.begin() as tx:
                service.add(tx, run.id, held)
            held = []
    with db.begin() as tx:
        service.add(tx, run.id, held)
        return service.ready(tx, run.id, total, number)


def _work_off(db: Database, run: Run, state: str) -> Run:
    """Piece by piece, whether or not workers help."""
    from taskhub.importing import pieces

    while run.state == state:
        with db.begin() as tx:
            run = pieces.advance(tx, run.id) or run
        if sys.stderr.isatty():
            print(f"\r{state}: {run.step} of {run.pieces} pieces", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return run


@app.command()
def undo(import_: Id, data: Data = None, json: Json = False) -> None:
    """Take all of an import back, unless somebody has gone on with what it made."""
    from taskhub.importing import service
    from taskhub.importing.model import UNDOING

    with place.existing(data) as db:
        with db.begin() as tx:
            run = service.undo(tx, import_)
        said = _shown(_work_off(db, run, UNDOING))
    _tell(said, json=json)


@app.command()
def refused(
    import_: Id, to: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file to write.")], data: Data = None
) -> None:
    """Write the refused rows of an import to a file: line, reason, what to do, and the row as it came."""
    from taskhub.importing import service
    from taskhub.importing.refused import written

    with place.existing(data) as db, db.read() as tx, to.open("wb") as file:
        service.get(tx, import_)
        for part in written(service.refusals(tx, import_)):
            file.write(part)


@app.command(name="list")
def list_(data: Data = None, json: Json = False) -> None:
    """Show the newest imports."""
    from taskhub.cli.output import as_json, as_table
    from taskhub.importing import service

    with place.existing(data) as db, db.read() as tx:
        said = [_shown(run) for run in service.find(tx, None, None, 50)]
    if json:
        as_json(said)
        return
    names = ("id", "noun", "name", "state", "at", "total", "new", "known", "refused")
    as_table(names, [[*[one[name] for name in names[:-1]], sum(one["refused"].values())] for one in said])


def _shown(run: Run) -> dict[str, Any]:
    from taskhub.importing.preview import shown

    return shown(run)


def _tell(said: dict[str, Any], *, json: bool) -> None:
    from taskhub.cli.output import as_facts, as_json, as_table

    if json:
        as_json(said)
        return
    head = [("import", said.get("id") or "nothing was written"), ("state", said["state"]), ("rows", said["total"])]
    counts = [(name, said[name]) for name in ("new", "known", "accounts", "contacts", "tasks", "undone", "kept")]
    as_facts([*head, *((name, count) for name, count in counts if count)])
    for reason, count in said["refused"].items():
        typer.echo(f"refused, {reason}: {count}")
    if said["state"] in ("checked", "preview"):
        as_table(("column", "field"), [(head, _fields(to)) for head, to in said["mapping"]["columns"].items()])
        for row in said["rows"]:
            typer.echo(", ".join(f"{name}: {value}" for name, value in _flat(row)))


def _flat(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a row would become, in plain words: the fields of its account stand beside its own."""
    for name, value in row.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", told) for inner, told in value.items())
        else:
            yield name, " and ".join(map(str, value)) if isinstance(value, list) else value


def _fields(to: Any) -> str:
    return to if isinstance(to, str) else " and ".join(to)
