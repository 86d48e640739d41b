"""XFS projects: every home is one, known to the kernel by a number on each of its files, to xfs_quota by two text files."""

from __future__ import annotations

import fcntl
import os
import stat
import struct
from pathlib import Path

FIRST_ID = 1001
PREFIX = "jupyterhub-"  # of our project names in /etc/projid, so that foreign lines are told apart and kept

# struct fsxattr and its two calls (linux/fs.h): flags, extent size, extents, project id, CoW extent size, padding.
_GET, _SET, _LAYOUT, _SIZE = 0x801C581F, 0x401C5820, "=IIIII8x", 28
_INHERIT = 0x200  # what is made in such a folder belongs to the same project
# Never follow a link and never wait for a pipe: what is in a home belongs to its user.
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Kernel:
    """The project numbers of files, by the file system's own calls: a look at a home takes no process of its own."""

    def project_of(self, path: Path) -> int:
        """The project of a folder, 0 for none; a number without the mark to inherit it counts as none."""
        descriptor = os.open(path, _OPEN | os.O_DIRECTORY)
        try:
            flags, _, _, project, _ = _read(descriptor)
        finally:
            os.close(descriptor)
        return project if flags & _INHERIT else 0

    def tag(self, path: Path, project: int) -> None:
        """Give a folder and all in it to a project. The folder itself comes last: if it is tagged, all in it was."""
        for _, folders, files, descriptor in os.fwalk(path, follow_symlinks=False):
            for name in folders + files:
                _tag_entry(name, descriptor, project)
        _tag_entry(str(path), None, project)


def _tag_entry(name: str, parent: int | None, project: int) -> None:
    try:
        descriptor = os.open(name, _OPEN, dir_fd=parent)
    except OSError:
        return  # a link, a socket, or gone: nothing that holds data
    try:
        flags, extent, extents, _, cow = _read(descriptor)
        inherit = _INHERIT if stat.S_ISDIR(os.fstat(descriptor).st_mode) else 0
        fcntl.ioctl(descriptor, _SET, struct.pack(_LAYOUT, flags | inherit, extent, extents, project, cow))
    finally:
        os.close(descriptor)


def _read(descriptor: int) -> tuple[int, ...]:
    return struct.unpack(_LAYOUT, fcntl.ioctl(descriptor, _GET, bytes(_SIZE)))


def assign(found: dict[str, int], foreign: set[int]) -> dict[str, int]:
    """A number of its own for each home. `found` is what the kernel has (0 for none), in the order of who keeps it.

    The kernel's numbers stand above the text files': those are lost with the node's root disk, the homes are not.
    """
    kept: dict[str, int] = {}
    taken = set(foreign)
    for home, project in found.items():
        if project >= FIRST_ID and project not in taken:
            kept[home] = project
            taken.add(project)
    free = max([FIRST_ID - 1, *taken, *found.values()]) + 1
    for home in found:
        if home not in kept:
            kept[home], free = free, free + 1
    return kept


class Registry:
    """/etc/projects and /etc/projid: what people and xfs_quota read. Lines that are not ours are kept."""

    def __init__(self, etc: Path, users: Path) -> None:
        self._projects, self._projid, self._users = etc / "projects", etc / "projid", users

    def foreign(self) -> set[int]:
        """The numbers that others use."""
        numbers = [line.partition(":")[0] for line in self._foreign_projects()]
        numbers += [line.rpartition(":")[2] for line in self._foreign_projid()]
        return {int(number) for number in numbers if number.strip().isdigit()}

    def write(self, projects: dict[str, int]) -> None:
        """Replace both files, each at once, unless they say the same already."""
        ours = sorted(projects.items(), key=lambda item: item[1])
        replace(self._projid, self._foreign_projid() + [f"{PREFIX}{home}:{number}" for home, number in ours])
        replace(self._projects, self._foreign_projects() + [f"{number}:{self._users}/{home}" for home, number in ours])

    def _foreign_projects(self) -> list[str]:
        return [line for line in _lines(self._projects) if f":{self._users}/" not in line]

    def _foreign_projid(self) -> list[str]:
        return [line for line in _lines(self._projid) if not line.startswith(PREFIX)]


def replace(path: Path, lines: list[str]) -> None:
    """Give a text file these lines, all at once, so that no reader and no power cut meets half of it."""
    if lines == _lines(path):
        return
    new = path.with_name(f"{path.name}.new")
    with new.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
