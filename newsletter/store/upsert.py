"""INSERT that passes over or changes the rows that are there, and whatever else differs between SQL dialects.

Only this file asks for the dialect.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Table, func, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

_FILE = re.compile(r"sqlite(?:\+\w+)?:///([^?]+)")
Rows = Sequence[dict[str, Any]]  #: all with the same keys


def is_sqlite(url: URL) -> bool:
    """Whether the database is a file, which takes one writer at a time."""
    return url.get_backend_name() == "sqlite"


def file_of(url: str) -> Path | None:
    """The file of an SQLite database; None for another one, and for one in memory."""
    found = _FILE.match(url)
    return Path(found[1]) if found and found[1] != ":memory:" else None


def position(connection: Connection, text: ColumnElement[str], part: ColumnElement[str]) -> ColumnElement[int]:
    """The place of the first `part` in a text, 1 for its first character, 0 where there is none."""
    find = func.strpos if connection.dialect.name == "postgresql" else func.instr
    return find(text, part)


def bulk_insert(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert new rows."""
    if rows:
        connection.execute(insert(table), rows)


def insert_ignore(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert the rows that break no uniqueness; those that are there stay as they are."""
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), rows)


def upsert(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert the rows, or change these columns of those that have the same primary key."""
    if rows:
        statement = _insert(connection, table)
        new = {name: statement.excluded[name] for name in _changed(table, rows[0])}
        connection.execute(statement.on_conflict_do_update(index_elements=table.primary_key, set_=new), rows)


def upsert_where(connection: Connection, table: Table, row: dict[str, Any], where: ColumnElement[bool]) -> bool:
    """Insert the row, or change the one with the same primary key where that one fulfils `where`.

    One statement, so that of two transactions only one sees the row before the change. Returns whether it was written.
    """
    statement = _insert(connection, table).values(row)
    new = {name: statement.excluded[name] for name in _changed(table, row)}
    written = statement.on_conflict_do_update(index_elements=table.primary_key, set_=new, where=where)
    return connection.execute(written.returning(*table.primary_key)).first() is not None


def _insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def _changed(table: Table, row: dict[str, Any]) -> list[str]:
    return [name for name in row if name not in table.primary_key.columns]
