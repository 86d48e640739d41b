"""Small databases in the place of the hub's, and where they are kept."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from services.hub.kept_database import KeptDatabase


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


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where the hub has its database; there is none yet."""
    (tmp_path / "state").mkdir()
    return tmp_path / "state" / "jupyterhub.sqlite"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The place beside the homes."""
    (tmp_path / "hub").mkdir()
    return tmp_path / "hub"


@pytest.fixture
def kept(database: Path, folder: Path) -> KeptDatabase:
    """The database with its place for a copy."""
    return KeptDatabase(database, folder)
