"""SQLite's files: copying one that is in use, and putting one out of the way. Nothing but the standard library."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

# What SQLite keeps beside a database, and plays into whatever has the database's name when it opens that.
JOURNALS = ("-journal", "-wal", "-shm")


def copy_whole(database: Path, target: Path) -> None:
    """Copy a database as its last finished transaction left it, whoever writes to it or was killed while writing.

    Raises sqlite3.DatabaseError, also where there is no database, or where the copy is damaged since the database is.
    """
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
    check(target)


def check(database: Path) -> None:
    """Raise sqlite3.DatabaseError where a database that nobody writes to is damaged."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        raise sqlite3.DatabaseError(said)


def put_aside(database: Path, aside: Path) -> None:
    """Keep a database under another name. One that SQLite cannot read is kept as it is, with what might repair it."""
    new = aside.with_name(f"{aside.name}.new")
    try:
        copy_whole(database, new)
    except sqlite3.DatabaseError:
        new.unlink(missing_ok=True)
        _remove(aside, JOURNALS)
        for suffix in ("", *JOURNALS):
            part = _with(database, suffix)
            if part.exists():
                part.replace(_with(aside, suffix))
    else:
        _remove(aside, JOURNALS)
        new.replace(aside)


def put_in_place(new: Path, database: Path) -> None:
    """Give a database the content of another one's file."""
    _remove(database, JOURNALS)
    new.replace(database)


def _remove(database: Path, suffixes: tuple[str, ...]) -> None:
    for suffix in suffixes:
        _with(database, suffix).unlink(missing_ok=True)


def _with(database: Path, suffix: str) -> Path:
    return database.with_name(f"{database.name}{suffix}")
