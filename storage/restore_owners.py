"""Whose home is which folder, from a snapshot: the files that the hub keeps beside the homes."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.hub.owners import FOLDER as FOLDER_NAME
from services.hub.owners import OLD_FILE, owner_in, owners_in
from storage.places import GROUP, OWNER
from storage.restic import BackupError, restore_inside
from storage.restore_folder import Way
from storage.staging import staged
from storage.tree import FOLDER, OPEN, is_folder

Read = Callable[[str], Any]  # what a text says; raises ValueError where it is damaged, as the hub has it


def restore_owners(way: Way) -> str:
    """Bring back what is missing or damaged; in place, all. Returns how many files. Raises BackupError."""
    hub = way.root / "hub"
    folders = [os.open(hub, FOLDER)]
    try:
        with staged(way.root) as stage:
            restore_inside(way.restic, way.snapshot, str(hub), stage)
            one, each = stage / OLD_FILE, stage / FOLDER_NAME
            if not os.path.lexists(one) and not is_folder(each):
                raise BackupError(f"the snapshot {way.snapshot} holds no owners")
            back = _bring_back([one], folders[0], owners_in, way.in_place)
            if is_folder(each):
                folders.append(_folder(folders[0]))
                back += _bring_back(sorted(each.iterdir()), folders[1], owner_in, way.in_place)
    finally:
        for folder in folders:
            os.close(folder)
    return f"{back} files came back" if back else "all are there"


def _folder(hub: int) -> int:
    try:
        os.mkdir(FOLDER_NAME, 0o755, dir_fd=hub)
        os.chown(FOLDER_NAME, OWNER, GROUP, dir_fd=hub, follow_symlinks=False)
    except FileExistsError:
        pass
    return os.open(FOLDER_NAME, FOLDER, dir_fd=hub)


def _bring_back(files: list[Path], target: int, read: Read, in_place: bool) -> int:
    """Move those that are wanted; how many."""
    files = [file for file in files if os.path.lexists(file) and stat.S_ISREG(file.lstat().st_mode)]
    wanted = [file for file in files if in_place or not _sound(file.name, target, read)]
    for file in wanted:
        os.rename(file, file.name, dst_dir_fd=target)
    return len(wanted)


def _sound(name: str, folder: int, read: Read) -> bool:
    """Whether a file is there that the hub can read."""
    try:
        with os.fdopen(os.open(name, OPEN, dir_fd=folder), encoding="utf-8") as file:
            read(file.read())
    except (ValueError, OSError):
        return False
    return True
