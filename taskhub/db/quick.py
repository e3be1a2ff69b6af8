"""Statements of the busiest paths, as PostgreSQL's driver takes them: nothing is built or looked up per call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson
import psycopg
from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

from taskhub.db.direct import Call, Direct

_PARAMETER = re.compile(r"(?<!:):([a-z_]+)\b")


@dataclass(frozen=True, slots=True)
class Quick:
    """A statement in the server's own form, and the names of its parameters in their order."""

    text: bytes
    names: tuple[str, ...]


def quick(statement: str, **types: str) -> Quick:
    """Reads ``:name`` parameters; each is sent once, as text unless ``types`` names another type.

    >>> quick("SELECT :a, :b, :a", b="bigint")
    Quick(text=b'SELECT $1::text, $2::bigint, $1::text', names=('a', 'b'))
    """
    names = tuple(dict.fromkeys(_PARAMETER.findall(statement)))
    places = {name: f"${place}::{types.get(name, 'text')}" for place, name in enumerate(names, 1)}
    return Quick(_PARAMETER.sub(lambda match: places[match[1]], statement).encode(), names)


def rows_into(table: Table, names: Iterable[str], tail: str = "", **fixed: str) -> Quick:
    """A statement that inserts every row of the one parameter ``rows`` (see ``packed``) into these columns.

    ``tail`` follows the rows; ``fixed`` are further columns, each with the expression that gives its value.
    """
    into = ", ".join(f'"{name}"' for name in (*names, *fixed))
    values = ", ".join([f'r."{name}"' for name in names] + list(fixed.values()))
    rows = f"jsonb_populate_recordset(NULL::{table.name}, :rows)"
    return quick(f"INSERT INTO {table.name} ({into}) SELECT {values} FROM {rows} r {tail}", rows="jsonb")  # noqa: S608


def packed(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as ``rows_into`` takes them: one JSON array, instants as the server reads them."""
    return orjson.dumps(list(rows), _hexadecimal, orjson.OPT_NON_STR_KEYS).decode()


def _hexadecimal(value: Any) -> str | float:
    """Bytes as the server reads them."""
    return f"\\x{value.hex()}" if isinstance(value, bytes) else number(value)


def number(value: Any) -> float:
    """A number of a kind of its own, as JSON has it; the library knows floats, and no kinds of them."""
    if not isinstance(value, float):
        raise TypeError(f"{type(value).__name__} cannot be stored")
    return float(value)


def run(conn: Connection, statement: Quick, given: Mapping[str, Any]) -> list[Any]:
    """The rows ``statement`` returns, in the transaction of ``conn``; it fails as any other statement does."""
    driver, call = _driver(conn), _call(statement, given)
    try:
        driver.send(call)
    except psycopg.Error as error:
        raise _as_usual(conn, statement, error, gone=driver.closed) from error
    return call.rows


def later(conn: Connection, statement: Quick, given: Mapping[str, Any]) -> Call:
    """The same where nobody waits for the answer: it travels with the next statement, at the latest with the commit.

    It fails there, and has its rows from there on.
    """
    call = _call(statement, given)
    _driver(conn).hold(call)
    return call


def _driver(conn: Connection) -> Direct:
    if not conn.in_transaction():
        conn.begin()
    return cast("Direct", conn.connection.driver_connection)


def _call(statement: Quick, given: Mapping[str, Any]) -> Call:
    return Call(statement.text, [given[name] for name in statement.names])


def array(texts: Iterable[str]) -> str:
    r"""An array as the server writes it: the driver would look at every element of a list.

    >>> print(array(["front", 'say "hi"']))
    {"front","say \"hi\""}
    """
    return "{" + ",".join('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts) + "}"


def _as_usual(conn: Connection, statement: Quick, error: psycopg.Error, *, gone: bool) -> BaseException:
    """The error as the toolkit would raise it; a connection that is gone is taken out of the pool."""
    if gone:
        conn.invalidate(error)
    return DBAPIError.instance(
        statement.text.decode(), None, error, psycopg.Error, connection_invalidated=gone, dialect=conn.dialect
    )
