"""What a restore would do, before it does anything: how much comes back, what is replaced, and whether there is room for it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage.limits import QuotaError, Usage, XfsQuota
from storage.placing import Compared, compare
from storage.restic import BackupError, Restic
from storage.tree import shown
from storage.users import size as told_size

BLOCK = 4096
SPARE = 10  # percent of a home that its user can still write to after a restore to the side
SPARE_VOLUME = 5  # percent of the volume, which is everybody's
EXAMPLES = 3
EPOCH, MICROSECOND = datetime.fromtimestamp(0, UTC), timedelta(microseconds=1)


@dataclass
class Plan:
    """Of one folder. `size` is what all of it takes in bytes, `grows` by how much the folder is larger in place afterwards."""

    size: int = 0
    grows: int = 0
    entries: int = 0
    back: int = 0
    newer: int = 0
    replaced: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, path: str, kind: str, mtime: str, size: int, newer: bool) -> None:
        """Count one entry; `kind` is restic's: file, dir, symlink ...; `newer` replaces what was changed since, too."""
        room = -(-size // BLOCK) * BLOCK or BLOCK
        self.size, self.entries = self.size + room, self.entries + 1
        try:
            there = os.lstat(path)
        except OSError:
            self.back, self.grows = self.back + 1, self.grows + room
            return
        if kind == "dir" or stat.S_ISDIR(there.st_mode):
            return
        # Of a link, `restic ls` tells no size.
        how = compare(
            there, (datetime.fromisoformat(mtime) - EPOCH) // MICROSECOND * 1000, there.st_size if kind == "symlink" else size
        )
        if how is Compared.NEWER and not newer:
            self.newer += 1
        elif newer or how is Compared.OLDER:
            self.replaced, self.grows = self.replaced + 1, self.grows + max(0, room - there.st_blocks * 512)
            if len(self.examples) < EXAMPLES:
                self.examples.append(shown(Path(path).name))

    def in_place(self) -> str:
        """What it does in place, for people."""
        examples = (
            f" ({', '.join(self.examples)}{', ...' if self.replaced > len(self.examples) else ''})" if self.examples else ""
        )
        newer = f", {self.newer} were changed since and stay" if self.newer else ""
        return f"{self.back} files and folders come back, {self.replaced} files are replaced{examples}{newer}"


def plans(restic: Restic, snapshot: str, folders: list[Path], newer: bool) -> dict[Path, Plan]:
    """What restoring each folder would do, by one look at the snapshot. Raises BackupError."""
    made = {folder: Plan() for folder in folders}
    by_text = {str(folder): plan for folder, plan in made.items()}
    for node in restic.listed(snapshot, *_tops(folders)):
        path = str(node["path"])
        plan = _above(path, by_text)
        if plan is not None:
            plan.add(path, node["type"], node["mtime"], int(node.get("size", 0)), newer)
    return made


def _tops(folders: list[Path]) -> list[str]:
    """Of many homes, the folder that all are in: a list of arguments is limited."""
    return sorted({str(folder.parent if len(folders) > 1 and folder.parent.name == "users" else folder) for folder in folders})


def _above(path: str, plans: dict[str, Plan]) -> Plan | None:
    """The plan of the folder that a path is below."""
    end = len(path)
    while (end := path.rfind("/", 0, end)) > 0:
        if found := plans.get(path[:end]):
            return found
    return None


def check_room(
    plan: Plan, root: Path, project: int, in_place: bool, report: Callable[[], dict[int, Usage]] | None = None
) -> None:
    """Raise BackupError where it would fill the volume or the home."""
    disk = os.statvfs(root)
    free = disk.f_bavail * disk.f_frsize - disk.f_blocks * disk.f_frsize * SPARE_VOLUME // 100
    if plan.size > free:
        raise BackupError(
            f"no room on the volume: it takes {_told(plan.size)}, and {_told(max(free, 0))} are free beside a reserve of "
            f"{SPARE_VOLUME} %; nothing was restored. Enlarge the volume (homesSize)"
        )
    try:
        usage = (report or XfsQuota(root).report)().get(project) if project else None
    except QuotaError:
        return  # its limit holds all the same
    if usage is None or not usage.limit_kib:
        return
    percent = 100 if in_place else 100 - SPARE
    kib, entries = (plan.grows if in_place else plan.size) // 1024, plan.back if in_place else plan.entries
    if usage.used_kib + kib > usage.limit_kib * percent // 100 or usage.used_files + entries > usage.limit_files * percent // 100:
        what = f"{told_size(kib)} in {entries} files and folders more, {told_size(usage.used_kib)} in {usage.used_files} used"
        raise BackupError(
            f"no room in the home: {what}, {told_size(usage.limit_kib)} in {usage.limit_files} allowed, and its user could save "
            "nothing afterwards; nothing was restored. Make room in the home or enlarge it (homeQuotas)"
        )


def _told(size: int) -> str:
    return told_size(size // 1024)
