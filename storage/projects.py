"""XFS projects: every home is one, known to the kernel by a number on each of its files, to xfs_quota by two text files."""

from __future__ import annotations

import fcntl
import itertools
import os
import stat
import struct
from collections.abc import Callable, Collection
from pathlib import Path

from storage.tree import FOLDER, Walk

FIRST_ID = 1001
# Numbers have 32 bits. Above this are only those that somebody else has given out; ours go on from the highest below.
COMMON = 2**31
PREFIX = "jupyterhub-"  # of our project names in /etc/projid, so that foreign lines are told apart and kept
PAUSE = 256  # files between two looks at who waits

# struct fsxattr and its two calls (linux/fs.h): flags, extent size, extents, project id, CoW extent size, padding.
_GET, _SET, _LAYOUT, _SIZE = 0x801C581F, 0x401C5820, "=IIIII8x", 28
_INHERIT = 0x200  # what is made in such a folder belongs to the same project


class TagError(Exception):
    """Files that could not be given to their project; the text says how many, and why the first of them."""


class Kernel:
    """The project numbers of files, by the file system's own calls: a look at a home takes no process of its own."""

    def project_of(self, path: Path) -> int:
        """The project of a folder, 0 for none; a number without the mark to inherit it counts as none. Raises OSError."""
        descriptor = os.open(path, FOLDER)
        try:
            return project_at(descriptor)
        finally:
            os.close(descriptor)

    def tag(self, path: Path, project: int, between: Callable[[], None] = lambda: None) -> None:
        """Give a folder and all in it to a project. The folder itself comes last: if it is tagged, all in it was.

        `between` is called now and then, since a home may hold millions of files. Raises OSError where the folder cannot be
        opened, and TagError, after all others, where some of its files could not be given.
        """
        walk, top = Walk(path), path.stat(follow_symlinks=False)
        for number, (descriptor, name) in enumerate(walk, 1):
            if number % PAUSE == 0:
                between()
            if walk.failed and os.path.samestat(os.fstat(descriptor), top):
                break  # not all in it is tagged
            try:
                give(descriptor, project)
            except OSError as error:
                walk.fail(name, error)
        if walk.failed:
            raise TagError(f"has {walk.failed} files that cannot be counted; the first is {walk.first}")


def project_at(folder: int) -> int:
    """The project of an open folder, as `Kernel.project_of` has it. Raises OSError."""
    flags, _, _, project, _ = _read(folder)
    return project if flags & _INHERIT else 0


def give(descriptor: int, project: int) -> None:
    """Give an open file or folder to a project, unless it is in it already. Raises OSError."""
    flags, extent, extents, found, cow = _read(descriptor)
    wanted = flags | (_INHERIT if stat.S_ISDIR(os.fstat(descriptor).st_mode) else 0)
    if (flags, found) != (wanted, project):
        fcntl.ioctl(descriptor, _SET, struct.pack(_LAYOUT, wanted, extent, extents, project, cow))


def _read(descriptor: int) -> tuple[int, ...]:
    return struct.unpack(_LAYOUT, fcntl.ioctl(descriptor, _GET, bytes(_SIZE)))


def assign(found: dict[str, int], foreign: set[int], used: Collection[int] = ()) -> dict[str, int]:
    """A number of its own for each home. `found` is what the kernel has (0 for none), in the order of who keeps it. Nobody gets
    a `foreign` number, and a `used` one only who has it.

    The kernel's numbers stand above the text files': those are lost with the node's root disk, the homes are not.
    """
    kept: dict[str, int] = {}
    taken = set(foreign)
    for home, project in found.items():
        if project >= FIRST_ID and project not in taken:
            kept[home] = project
            taken.add(project)
    taken.update(found.values(), used)
    highest = max(number for number in (FIRST_ID - 1, *taken) if number < COMMON)
    free = (number for number in itertools.count(highest + 1) if number not in taken)
    return {home: kept[home] if home in kept else next(free) for home in found}


def can_be_listed(home: str) -> bool:
    """Whether the name of a folder can stand in the text files, which have a line each and a colon after the name."""
    return home.isprintable() and ":" not in home


class Registry:
    """/etc/projects and /etc/projid: what people and xfs_quota read. Lines that are not ours are kept."""

    def __init__(self, etc: Path, users: Path) -> None:
        self._projects, self._projid, self._users = etc / "projects", etc / "projid", users

    def foreign(self) -> set[int]:
        """The numbers that others use."""
        numbers = [line.partition(":")[0] for line in self._foreign_projects()]
        numbers += [line.rpartition(":")[2] for line in self._foreign_projid()]
        return {int(number) for number in numbers if number.strip().isdecimal()}

    def ours(self) -> dict[str, int]:
        """The numbers that this file was last given."""
        lines = [line.removeprefix(PREFIX).rpartition(":") for line in _lines(self._projid) if line.startswith(PREFIX)]
        return {home: int(number) for home, _, number in lines if number.isdecimal()}

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
    with new.open("w", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)


def _lines(path: Path) -> list[str]:
    try:
        # Foreign lines may be in any encoding, and only a newline ends them.
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return []
    return text.removesuffix("\n").split("\n") if text else []
