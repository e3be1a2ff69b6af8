"""``config check``, ``config apply``, ``config dry-run``: the files operations people change."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json
from taskhub.errors import PolicyError, Problem, TaskhubError

if TYPE_CHECKING:
    from taskhub.policy.policies import Policies

app = typer.Typer(help="Kinds, queues, rules, promises: the policy files.", no_args_is_help=True, rich_markup_mode=None)
Folder = Annotated[
    Path | None,
    typer.Argument(metavar="[DIR]", help="Folder of .toml files. Default: TASKHUB_CONFIG, ./config, the example."),
]

Since = Annotated[str, typer.Option(metavar="7d", help="How far back: 7d, 36h, or a time.")]


@app.command()
def check(folder: Folder = None, data: Data = None, json: Json = False) -> None:
    """Say everything that is wrong, each with file, line and key; exit code 1 when anything is.

    Where there is a database, also say which switches of staffing hold against the files.
    """
    from taskhub import bootstrap
    from taskhub.cli.output import as_json

    where = _folder(folder)
    texts = bootstrap.read_config(where)
    try:
        found = _wanted(texts, data)
    except PolicyError as error:
        active = _active(texts, data)
        if active is None and not json:
            raise
        if active is None:
            as_json({"ok": False, "problems": list(map(_problem, error.problems)), "warnings": []})
            raise typer.Exit(1) from None
        found = active
    told = [*found.warnings, *_switched(found, data)]
    if json:
        as_json({"ok": True, "hash": found.hash, "problems": [], "warnings": list(map(_problem, told))})
        return
    typer.echo(f"{where} is good: {_said(found)}.")
    _warn(told)


@app.command()
def apply(folder: Folder = None, data: Data = None, json: Json = False) -> None:
    """Check the files and make them the active policies, for every process at once."""
    from taskhub import bootstrap
    from taskhub.acts import staffing
    from taskhub.cli.output import as_json

    with place.made(data) as db:
        found, new = bootstrap.accept(db, _folder(folder))
        with db.read() as tx:
            told = [*found.warnings, *staffing.differences(tx, found)]
    if json:
        as_json({"hash": found.hash, "activated": new, "warnings": list(map(_problem, told))})
        return
    typer.echo(f"{'Active now' if new else 'Active already'}: {_said(found)}.")
    _warn(told)


def _wanted(texts: dict[str, str], data: Path | None) -> Policies:
    """The set, asked whether it fits the database as well where there is one."""
    from taskhub import bootstrap

    with ExitStack() as stack:
        try:
            db = stack.enter_context(place.existing(data))
        except TaskhubError:
            db = None
        return bootstrap.wanted(texts, db)


def _active(texts: dict[str, str], data: Path | None) -> Policies | None:
    """The active set, if these files are it: what has been uninstalled since is a warning then."""
    from taskhub import bootstrap

    try:
        with place.existing(data) as db:
            return bootstrap.active_already(db, texts)
    except TaskhubError:
        return None


def _switched(found: Policies, data: Path | None) -> list[Problem]:
    """What the database has to say of these files; nothing where there is none."""
    from taskhub.acts import staffing

    try:
        with place.existing(data) as db, db.instead(found), db.read() as tx:
            return staffing.differences(tx, found)
    except TaskhubError:
        if data is not None:
            raise
        return []


@app.command()
def dry_run(folder: Folder = None, since: Since = "7d", data: Data = None, json: Json = False) -> None:
    """Say which tasks of the last days the files would create, route or time differently. Nothing is written."""
    from taskhub import bootstrap
    from taskhub.acts.dry_run import dry_run as asked
    from taskhub.assignment.moments import moment_since
    from taskhub.cli import dry_runs
    from taskhub.cli.output import as_json

    where = _folder(folder)
    try:
        new = bootstrap.policies(bootstrap.read_config(where))
    except PolicyError as error:
        if not json:
            raise
        as_json({"ok": False, "problems": list(map(_problem, error.problems)), "warnings": []})
        raise typer.Exit(1) from None
    with place.existing(data) as db, db.read() as tx:
        found = asked(tx, new, moment_since(since, tx.now))
        if json:
            as_json(dry_runs.as_data(found, tx.policies.hash, new.hash))
        else:
            dry_runs.show(found, tx.policies.hash, new.hash)
    _warn(new.warnings)


def _folder(given: Path | None) -> Path:
    from taskhub import bootstrap, settings

    here = Path("config")
    return given or settings.read().config or (here if here.is_dir() else bootstrap.example_config())


def _said(found: Policies) -> str:
    counts = (("kinds", found.kinds), ("queues", found.queues), ("rules", found.rules), ("calendars", found.calendars))
    return ", ".join(f"{len(things)} {name}" for name, things in counts) + f" (set {found.hash[:12]})"


def _warn(told: Iterable[Problem]) -> None:
    for one in told:
        typer.echo(f"warning: {one}", err=True)


def _problem(one: Any) -> dict[str, Any]:
    names = ("file", "line", "key", "message", "suggestion")
    return {name: getattr(one, name) for name in names}
