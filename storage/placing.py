"""Puts restored files into a home. All in a home is its user's, who may put a link anywhere at any moment, so each step goes by
an open folder and never follows one: a name that is looked at and then used may be another file by then."""

from __future__ import annotations

import enum
import errno
import os
import secrets
import stat
from pathlib import Path

from storage.projects import Kernel, TagError, give
from storage.tree import FOLDER, OPEN, as_deep_as_may_be, shown

_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


def put_beside(source: Path, folder: int, name: str) -> str:
    """Move a folder into an open one, under the name or, where something has it, the name with a number. Returns which.

    An empty folder of the name is replaced, and nothing else. Raises OSError.
    """
    for number in range(1, 1000):
        chosen = name if number == 1 else f"{name}-{number}"
        try:
            os.rename(source, chosen, dst_dir_fd=folder)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
        else:
            return chosen
    raise FileExistsError(errno.EEXIST, f"{name} and a thousand more are there")


class Compared(enum.Enum):
    """What is there, beside what would take its place."""

    OLDER, SAME, NEWER = enum.auto(), enum.auto(), enum.auto()


def compare(there: os.stat_result, mtime_ns: int, size: int) -> Compared:
    """By the time of the last change, to the microsecond; at the same time, by the size in bytes."""
    changed, at = there.st_mtime_ns // 1000, mtime_ns // 1000
    if changed > at:
        return Compared.NEWER
    return Compared.SAME if (changed, there.st_size) == (at, size) else Compared.OLDER


class Merge:
    """Moves what is in a folder of ours into one of a home. Files and links replace those of the same name; of folders that are
    there already, the owner, the rights and the times become those of the source's. What is neither is left out.

    `project` is the home's, 0 for none. Unless `newer` says otherwise, what was changed after the source's stays, and what is as
    the source's is not touched. Counted are entries that came `back`, were `replaced`, and `stayed`, being newer; those that
    could not be moved in `failed`, with the first in `first`. (restic itself has `--overwrite if-newer` since 0.17 only.)
    """

    def __init__(self, project: int, newer: bool = False) -> None:
        self._project, self._newer, self.failed, self.first = project, newer, 0, ""
        self.back = self.replaced = self.stayed = 0
        as_deep_as_may_be()

    def into(self, source: Path, target: int) -> None:
        """Move all; `target` is an open folder. Raises OSError where the source itself cannot be read."""
        levels = [_Level(os.open(source, FOLDER), os.dup(target))]
        try:
            while levels:
                level = levels[-1]
                if level.names:
                    inside = self._move(level, level.names.pop())
                    levels += [inside] if inside else []
                else:
                    if len(levels) > 1:
                        self._finish(level)
                    levels.pop().close()
        finally:
            for level in levels:
                level.close()

    def _move(self, level: _Level, name: str) -> _Level | None:
        """Move one entry; returns a folder whose content is to be moved."""
        try:
            found = os.stat(name, dir_fd=level.source, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                return self._folder(level, name)
            if not stat.S_ISREG(found.st_mode) and not stat.S_ISLNK(found.st_mode):
                return None
            there = _there(level.target, name)
            how = compare(there, found.st_mtime_ns, found.st_size) if there and not self._newer else Compared.OLDER
            if how is Compared.OLDER:
                (self._file if stat.S_ISREG(found.st_mode) else _link)(level, name)
            self._count(there, how)
        except (OSError, TagError) as error:
            self._fail(name, error)
        return None

    def _folder(self, level: _Level, name: str) -> _Level | None:
        try:
            there = os.open(name, FOLDER, dir_fd=level.target)
        except FileNotFoundError:
            if self._project:
                Kernel().tag(Path(f"/proc/self/fd/{level.source}", name), self._project)
            os.rename(name, name, src_dir_fd=level.source, dst_dir_fd=level.target)
            self.back += 1
            return None
        try:
            return _Level(os.open(name, FOLDER, dir_fd=level.source), there)
        except OSError:
            os.close(there)
            raise

    def _file(self, level: _Level, name: str) -> None:
        if self._project:
            descriptor = os.open(name, OPEN, dir_fd=level.source)
            try:
                give(descriptor, self._project)
            finally:
                os.close(descriptor)
        os.rename(name, name, src_dir_fd=level.source, dst_dir_fd=level.target)

    def _finish(self, level: _Level) -> None:
        found = os.fstat(level.source)
        try:
            os.fchown(level.target, found.st_uid, found.st_gid)
            os.fchmod(level.target, stat.S_IMODE(found.st_mode))
            os.utime(level.target, ns=(found.st_atime_ns, found.st_mtime_ns))
        except OSError as error:
            self._fail("a folder", error)

    def _count(self, there: os.stat_result | None, how: Compared) -> None:
        if there is None:
            self.back += 1
        elif how is Compared.OLDER:
            self.replaced += 1
        elif how is Compared.NEWER:
            self.stayed += 1

    def _fail(self, name: str, error: OSError | TagError) -> None:
        self.failed += 1
        self.first = self.first or f"{shown(name)}: {getattr(error, 'strerror', '') or error}"


class _Level:
    """An open folder of the source, the one that it goes into, and what is left to move."""

    def __init__(self, source: int, target: int) -> None:
        self.source, self.target, self.names = source, target, os.listdir(source)

    def close(self) -> None:
        os.close(self.source)
        os.close(self.target)


def _there(folder: int, name: str) -> os.stat_result | None:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return None if stat.S_ISDIR(found.st_mode) else found  # a folder is in the way; to put a file there fails


def _link(level: _Level, name: str) -> None:
    """Make a link anew, as XFS moves none into another project, nor can it be given to one."""
    found = os.stat(name, dir_fd=level.source, follow_symlinks=False)
    made = f".restored-{secrets.token_hex(8)}"
    os.symlink(os.readlink(name, dir_fd=level.source), made, dir_fd=level.target)
    try:
        os.chown(made, found.st_uid, found.st_gid, dir_fd=level.target, follow_symlinks=False)
        os.utime(made, ns=(found.st_atime_ns, found.st_mtime_ns), dir_fd=level.target, follow_symlinks=False)
        os.rename(made, name, src_dir_fd=level.target, dst_dir_fd=level.target)
    except OSError:
        os.unlink(made, dir_fd=level.target)
        raise
