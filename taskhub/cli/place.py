"""Which database a command works on, opened and closed for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from taskhub import settings
from taskhub.errors import InvalidInput

if TYPE_CHECKING:
    from taskhub.db.database import Database
    from taskhub.db.tx import Tx

_COMMAND = re.compile(r"(?<=`)taskhub (?!worker|api)[^`]+(?=`)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,39}", re.ASCII)
MISSING = "The tables are missing"


def chosen(data: Path | None) -> settings.Settings:
    """The settings; ``--data`` on the command line wins over TASKHUB_DATABASE_URL.

    Raises InvalidInput where they name no database.
    """
    found = settings.read(data=data)
    if data is not None:
        found = replace(found, database_url=None)
    if found.database_url is None:
        if found.data.is_file():
            raise InvalidInput(f"{found.data} is a file. Name the folder of the database: --data DIR or TASKHUB_DATA.")
    elif not found.database_url.startswith(settings.ADDRESSES):
        scheme, mark, _ = found.database_url.partition("://")  # the rest may hold a password
        said = f"begins with {scheme}://" if mark and _SCHEME.fullmatch(scheme) else "is no address"
        raise InvalidInput(f"TASKHUB_DATABASE_URL {said}; use postgresql://USER:PASSWORD@HOST/NAME or sqlite:///FILE.")
    return found


def aim(found: settings.Settings) -> str:
    """What commands need besides to meet the same database: `` --data DIR``; empty where they meet it anyway."""
    if found.database_url is not None or (found.data == settings.DATA and settings.read().url == found.url):
        return ""
    return f" --data {quote(str(found.data))}"


def aimed(said: str, found: settings.Settings) -> str:
    """``said`` with every command in it aimed at the same database."""
    return _COMMAND.sub(lambda command: f"{command[0]}{aim(found)}", said)


def needed(found: settings.Settings) -> settings.Settings:
    """The settings of a production process. Raises InvalidInput unless both addresses are given."""
    missing = [
        name
        for name, value in (("TASKHUB_DATABASE_URL", found.database_url), ("TASKHUB_REDIS_URL", found.redis_url))
        if value is None
    ]
    if missing:
        raise InvalidInput(f"Set {' and '.join(missing)}. On one machine `taskhub serve` needs neither.")
    return found


@contextmanager
def existing(data: Path | None) -> Iterator[Database]:
    """A database that is there. Raises InvalidInput when it is not, or when its tables are of another version."""
    from taskhub import bootstrap
    from taskhub.db import migrate

    found = chosen(data)
    check_file(found)
    problems = migrate.check(found.url)
    if problems:
        raise InvalidInput(aimed(" ".join(problems), found))
    db = bootstrap.database(found)
    try:
        yield db
    finally:
        db.close()


@contextmanager
def acting(data: Path | None, act: str) -> Iterator[Tx]:
    """One act of whoever may open the database, in a transaction of its own. Raises as ``existing`` does."""
    from taskhub.db.tx import By

    with existing(data) as db, db.begin(By("command line", "admin", roles=("admin",)), act=act) as tx:
        yield tx


@contextmanager
def made(data: Path | None) -> Iterator[Database]:
    """A database, made when it is missing. A PostgreSQL database of an older version is upgraded by hand only."""
    from taskhub import bootstrap
    from taskhub.db import migrate

    found = chosen(data)
    if found.database_url is None:
        bootstrap.make_tables(found)
    elif problems := migrate.check(found.url):
        if not problems[0].startswith(MISSING):
            raise InvalidInput(" ".join(problems))
        bootstrap.make_tables(found)
    db = bootstrap.database(found)
    try:
        yield db
    finally:
        db.close()


def check_file(found: settings.Settings) -> None:
    """Raises InvalidInput when the SQLite file is not there: looking must not make one."""
    path = Path(found.url.removeprefix("sqlite:///")) if found.url.startswith("sqlite:///") else None
    if path is not None and not path.is_file():
        raise InvalidInput(
            f"There is no database at {path}. Start one with `taskhub serve`, or name another with --data."
        )
