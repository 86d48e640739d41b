"""The hub's own folder on the storage of the homes, by which the storage is told from the empty folder that it is mounted on."""

from __future__ import annotations

import stat
from pathlib import Path


def require(hub: Path) -> None:
    """Raise OSError unless the storage answers and is mounted: the storage node makes the folder before it serves anything.

    What is not found elsewhere on the storage is then truly not there.
    """
    if not is_folder(hub):
        raise OSError("it is not mounted")


def is_folder(path: Path) -> bool:
    """Unlike Path.is_dir(), which takes a storage's errors for a no from Python 3.13 on, this raises OSError."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        return False
