"""Small databases in the place of the hub's."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def write(database: Path, *people: str) -> None:
    """A database with these people."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE people (name TEXT)")
        connection.executemany("INSERT INTO people VALUES (?)", [(name,) for name in people])


def people(database: Path) -> list[str]:
    """Who is in it."""
    with closing(sqlite3.connect(database)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM people")]


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())
