"""The hub's database, kept a second time beside the homes: the backup takes it along from there, and it comes back that way.

Accounts (with their passwords, where people register), admins' changes and tokens are in the database alone. A hub that finds
none of its own, since its volume was lost, takes the copy; one that was restored from a backup takes the database's place.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import filecmp
import logging
import secrets
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.hub.given_up import NoAnswerError, within
from services.hub.hub_folder import require
from services.hub.sqlite_files import check, copy_whole, put_aside, put_in_place
from services.hub.whole_files import copy, exists, replace

COPY, RESTORED = "hub.sqlite", "hub.restored.sqlite"
# From the hub's start to the first copy, between two, and to the next one where the storage did not take one.
FIRST_S, EVERY_S, AGAIN_S = 120.0, 3600.0, 300.0
ANSWER_S = 60.0  # for the storage, which may not answer
# A database that was restored is for the hub's next start, which `make restore-hub` brings about. Found later (the hub did not
# start then, or could not see the storage), it would take the place of what people have done since.
EXPIRES_S = 3600.0

log = logging.getLogger("jupyterhub.kept_database")


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A database from the storage, in a `file` of its own on the hub's volume. `known_by` is how its source is known again."""

    source: Path
    known_by: str
    file: Path

    def discard(self) -> None:
        """Remove what nobody waits for any more."""
        self.file.unlink(missing_ok=True)


class KeptDatabase:
    """`database` is the hub's own SQLite file, `folder` the place on the storage of the homes.

    Beside the database lie `.before`, the one that the last restored one replaced, and what is known of the storage's files:
    `.restored`, the identity of the restored one that was taken, and `.kept`, those of the copies that come from here.
    """

    def __init__(self, database: Path, folder: Path, answer_s: float = ANSWER_S) -> None:
        self._database, self._folder, self._answer_s = database, folder, answer_s

    def _beside(self, suffix: str) -> Path:
        return self._database.with_name(f"{self._database.name}.{suffix}")

    def take_back(self) -> None:
        """Before the hub opens its database. Raises NoAnswerError where there is none and it is not known whether there is a
        copy: an empty one would come in its place. A copy stays; what it replaces gets the suffix `.before`."""
        for left in self._database.parent.glob(f"{self._database.name}.fetched-*"):
            left.unlink(missing_ok=True)  # by a hub that was killed
        try:
            found = within(self._answer_s, self._fetch, lambda late: late.discard() if late else None)
        except (OSError, NoAnswerError, sqlite3.DatabaseError) as error:
            if self._database.exists():
                log.warning("Whether a database was restored could not be seen, or it is of no use: %s", error)
                return
            raise self._without(error) from error
        if found:
            self._take(found)

    def _fetch(self) -> Fetched | None:
        """In a thread that may be given up: it writes to nothing but a file of its own."""
        require(self._folder)
        source = self._wanted()
        if not source:
            return None
        known_by = _placing(source) if source.name == RESTORED else _identity(source)
        fetched = Fetched(source=source, known_by=known_by, file=self._beside(f"fetched-{secrets.token_hex(4)}"))
        try:
            copy(source, fetched.file)
            check(fetched.file)
        except BaseException as error:
            fetched.discard()
            if isinstance(error, sqlite3.DatabaseError):
                raise sqlite3.DatabaseError(f"{source}: {error}") from None
            raise
        return fetched

    def _wanted(self) -> Path | None:
        """The file on the storage that should be the hub's database now."""
        restored, kept = self._folder / RESTORED, self._folder / COPY
        waits = exists(restored)
        if waits and self._is_new(restored):
            return restored
        if self._database.exists():
            return None
        if exists(kept):
            return kept
        return restored if waits else None

    def _is_new(self, restored: Path) -> bool:
        if _placing(restored) in _lines(self._beside("restored")):
            return False
        hours = (time.time() - restored.stat().st_ctime) / 3600
        if abs(hours) * 3600 > EXPIRES_S:
            log.warning("%s is %.0f h old and not taken: run `make restore-hub` again, or remove it", restored, hours)
            return False
        return True

    def _take(self, found: Fetched) -> None:
        """On the hub's volume alone. It may be cut off anywhere: the next start does it again, and `.before` stays the first."""
        if self._database.exists() and not filecmp.cmp(found.file, self._database, shallow=False):
            put_aside(self._database, self._beside("before"))
        put_in_place(found.file, self._database)
        log.warning("The database comes from %s", found.source)
        if found.source.name == COPY:
            replace(self._beside("kept"), found.known_by)
            return
        replace(self._beside("restored"), found.known_by)
        with contextlib.suppress(OSError, NoAnswerError):  # it is known not to be taken again
            within(self._answer_s, lambda: _remove(found.source, found.known_by))

    def _without(self, error: Exception) -> Exception:
        if isinstance(error, sqlite3.DatabaseError):
            return NoAnswerError(
                f"The hub has no database, and the one on the storage is damaged ({error}). Restore an older one with "
                "`make restore-hub SNAPSHOT=...`, or move that file to another name, to do without it."
            )
        return NoAnswerError(
            f"The hub has no database, and whether {self._folder} has a copy cannot be seen ({error}). It starts once the "
            "storage of the homes answers."
        )

    def keep(self) -> None:
        """Copy the database, which may be in use; a reader never meets half a copy, nor one of a damaged database.

        A copy that does not come from here (this database began while that one could not be seen) gets a name with the time
        instead of being lost. Raises BlockingIOError while another run is at it, OSError for the storage's part,
        sqlite3.DatabaseError for the database's.
        """
        with self._alone():
            local = self._beside("copy")
            copy_whole(self._database, local)
            self._put(local)
            local.unlink()

    def _put(self, local: Path) -> None:
        require(self._folder)
        kept, new = self._folder / COPY, self._folder / f"{COPY}.new"
        copy(local, new)
        before = [_identity(kept)] if exists(kept) else []
        if not set(before).issubset(_lines(self._beside("kept"))):
            aside = self._folder / f"hub.{time.strftime('%Y-%m-%dT%H-%M-%S', time.gmtime())}.sqlite"
            log.warning("%s is no copy that this hub has made: it stays as %s", kept, aside.name)
            kept.replace(aside)
            before = []
        # Both, since it may end before the next line.
        replace(self._beside("kept"), "\n".join([*before, _identity(new)]))
        new.replace(kept)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with self._beside("lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield

    async def keep_on(self, first_s: float = FIRST_S, every_s: float = EVERY_S, again_s: float = AGAIN_S) -> None:
        """Keep a copy from time to time, as long as the hub runs. What goes wrong is logged, and tried again the next time."""
        pause = first_s
        while True:
            await asyncio.sleep(pause)
            pause = every_s
            try:
                await asyncio.to_thread(self.keep)
            except OSError as error:
                pause = again_s
                log.warning("No copy of the hub's database could be made beside the homes: %s", error)
            except Exception:
                log.exception("No copy of the hub's database could be made beside the homes")


def _identity(file: Path) -> str:
    """Tells a file from any other that has had its name; it stays when the file is renamed."""
    found = file.stat()
    return f"{found.st_ino} {found.st_size} {found.st_mtime_ns}"


def _placing(file: Path) -> str:
    """Tells when a file was put in its place: the same one, restored once more, was put there another time."""
    found = file.stat()
    return f"{found.st_ino} {found.st_ctime_ns}"


def _remove(restored: Path, placing: str) -> None:
    if _placing(restored) == placing:
        restored.unlink()


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
