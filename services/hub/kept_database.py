"""The hub's database, kept a second time beside the homes: the backup takes it along from there, and it comes back that way.

Accounts (with their passwords, where people register), admins' changes and tokens are in the database alone. A hub that finds
none of its own, since its volume was lost, takes the copy; one that was restored from a backup takes the database's place.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

COPY, RESTORED = "hub.sqlite", "hub.restored.sqlite"
FIRST_S, EVERY_S = 120.0, 3600.0  # from the hub's start to the first copy, and between two
ANSWER_S = 60.0  # for the storage, which may not answer

log = logging.getLogger("jupyterhub.kept_database")
T_ = TypeVar("T_")


class NoAnswerError(Exception):
    """The storage of the homes did not answer."""


class KeptDatabase:
    """`database` is the hub's own SQLite file, `folder` the place on the storage of the homes."""

    def __init__(self, database: Path, folder: Path, answer_s: float = ANSWER_S) -> None:
        self._database, self._folder, self._answer_s = database, folder, answer_s

    def take_back(self) -> None:
        """Before the hub opens its database. Raises NoAnswerError where there is none and it is not known whether there is a
        copy: an empty one would come in its place. A copy stays; what it replaces gets the suffix `.before`."""
        try:
            found = _within(self._answer_s, self._fetch)
        except (OSError, NoAnswerError) as error:
            if self._database.exists():
                log.warning("Whether a database was restored could not be seen: %s", error)
                return
            raise NoAnswerError(
                f"The hub has no database, and whether {self._folder} has a copy cannot be seen ({error}). It starts once the "
                "storage of the homes answers."
            ) from error
        if found:
            log.warning("The database comes from %s", found)

    def _fetch(self) -> Path | None:
        restored = self._folder / RESTORED
        source = restored if _is_there(restored) else self._folder / COPY
        if not _is_there(source) or (source != restored and self._database.exists()):
            return None
        new = self._database.with_name(f"{self._database.name}.new")
        shutil.copyfile(source, new)
        if self._database.exists():
            shutil.copyfile(self._database, self._database.with_name(f"{self._database.name}.before"))
        # Left by a hub that was killed, it would be played into the other database.
        self._database.with_name(f"{self._database.name}-journal").unlink(missing_ok=True)
        new.replace(self._database)
        restored.unlink(missing_ok=True)
        return source

    def keep(self) -> None:
        """Copy the database, which may be in use; a reader never meets half a copy."""
        local = self._database.with_name(f"{self._database.name}.copy")
        local.unlink(missing_ok=True)
        with closing(self._opened()) as live, closing(sqlite3.connect(local)) as copy:
            live.backup(copy)
        new = self._folder / f"{COPY}.new"
        new.unlink(missing_ok=True)
        new.touch(mode=0o600)
        with local.open("rb") as source, new.open("wb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
        new.replace(self._folder / COPY)
        local.unlink()

    def _opened(self) -> sqlite3.Connection:
        """Without making one where there is none."""
        return sqlite3.connect(f"{self._database.as_uri()}?mode=rw", uri=True)

    async def keep_on(self, first_s: float = FIRST_S, every_s: float = EVERY_S) -> None:
        """Keep a copy from time to time, as long as the hub runs. What goes wrong is logged, and tried again the next time."""
        pause = first_s
        while True:
            await asyncio.sleep(pause)
            pause = every_s
            try:
                await asyncio.to_thread(self.keep)
            except Exception:
                log.exception("No copy of the hub's database could be made beside the homes")


def _is_there(path: Path) -> bool:
    """Unlike Path.exists(), which takes some errors of a storage for a no, this raises OSError."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True


def _within(limit_s: float, look: Callable[[], T_]) -> T_:
    """What the look finds. A thread that hangs with the storage ends with the process."""
    found: list[T_] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            found.append(look())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(limit_s)
    if errors:
        raise errors[0]
    if not found:
        raise NoAnswerError(f"no answer within {limit_s:.0f} s")
    return found[0]
