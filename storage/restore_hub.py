"""`jupyterhub-storage restore_hub [--snapshot ID]`: the hub's database from the newest or a named snapshot.

It is put where the hub finds it when it starts within the next hour. The one that it replaces stays on the hub's volume.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from services.hub.kept_database import COPY, RESTORED
from storage.backup import ROOT
from storage.places import GROUP, OWNER
from storage.repository import look
from storage.restic import BackupError, Restic, report, restore_inside
from storage.snapshots import chosen, every, told
from storage.staging import one_restore, staged


def restore(restic: Restic, snapshot: str, root: Path = ROOT) -> Path:
    """Put the snapshot's copy of the database in the hub's way, and return where. Raises BackupError."""
    try:
        with staged(root) as stage:
            return _placed(restic, snapshot, root / "hub", stage)
    except OSError as error:
        reason = error.strerror or error
        raise BackupError(f"{root}/hub/{RESTORED} cannot be put there ({reason}); is there room on the volume?") from None


def _placed(restic: Restic, snapshot: str, folder: Path, stage: Path) -> Path:
    restore_inside(restic, snapshot, str(folder), stage)
    copy = stage / COPY
    if copy.is_symlink() or not copy.is_file():
        raise BackupError(f"the snapshot {snapshot} holds no database of the hub; name another with SNAPSHOT")
    _check(copy)
    os.chown(copy, OWNER, GROUP)
    return copy.replace(folder / RESTORED)


def _check(database: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        said = str(error)
    if said != "ok":
        raise BackupError(f"the database in this snapshot is damaged ({said}); name an older one with SNAPSHOT")


def main(arguments: list[str]) -> int:
    """Restore, saying what; returns the exit status."""
    parser = argparse.ArgumentParser(prog="jupyterhub-storage restore_hub", description=__doc__)
    parser.add_argument("--snapshot", default="latest", help="its id; an unknown one lists those that there are")
    asked = parser.parse_args(arguments)
    try:
        with one_restore(ROOT):
            restic = Restic()
            look(restic, ROOT)
            snapshot = chosen(restic, every(restic), asked.snapshot)
            restore(restic, str(snapshot["short_id"]))
    except BackupError as error:
        return report(error)
    print(f"the hub's database: restored from {told(snapshot)} ({snapshot['short_id']})")
    print("the hub takes it when it starts within the next hour")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
