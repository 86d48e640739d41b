"""A walk through a tree of files that belongs to somebody else, who may put anything into it and change it meanwhile."""

from __future__ import annotations

import errno
import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

# Never follow a link and never wait for a pipe.
OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
FOLDER = OPEN | os.O_DIRECTORY
# Gone, or something else by now: a link (ELOOP), a socket (ENXIO), no folder any more.
_GONE = (errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.ENXIO)


class Walk:
    """The descriptors of all files and folders below `top`, and last its own, with names; each is open for its turn only.

    A folder comes before what is in it. What holds no data is passed by (links, pipes, sockets, devices), and so is another
    disk that is mounted there. What cannot be opened is counted in `failed`, with the first in `first`.
    """

    def __init__(self, top: Path) -> None:
        self._top, self.failed, self.first = top, 0, ""
        as_deep_as_may_be()

    def __iter__(self) -> Iterator[tuple[int, str]]:
        top = os.open(self._top, FOLDER)
        try:
            yield from self._below(top)
            yield top, self._top.name
        finally:
            os.close(top)

    def _below(self, top: int) -> Iterator[tuple[int, str]]:
        device = os.fstat(top).st_dev
        levels = [(top, os.listdir(top))]  # what is open, with what is left of its content
        try:
            while levels:
                folder, names = levels[-1]
                if not names:
                    levels.pop()
                    _close(folder, top)
                    continue
                name = names.pop()
                entry = self._open(folder, name, device)
                if entry is not None:
                    levels.append((entry, []))
                    yield entry, name
                    levels[-1] = (entry, self._names(entry, name))
        finally:
            for folder, _ in levels:
                _close(folder, top)

    def fail(self, name: str, error: OSError) -> None:
        """Count what could not be done with an entry."""
        if error.errno not in _GONE:
            self.failed += 1
            self.first = self.first or f"{shown(name)}: {error.strerror or error}"

    def _open(self, folder: int, name: str, device: int) -> int | None:
        try:
            # Looked at before it is opened, since opening some devices does something.
            if not _holds_data(os.stat(name, dir_fd=folder, follow_symlinks=False), device):
                return None
            entry = _opened(name, folder, device)
        except OSError as error:
            self.fail(name, error)
            return None
        if _holds_data(os.fstat(entry), device):  # its user may have put another there
            return entry
        os.close(entry)
        return None

    def _names(self, entry: int, name: str) -> list[str]:
        """What is in a folder; nothing is in a file."""
        try:
            return os.listdir(entry) if stat.S_ISDIR(os.fstat(entry).st_mode) else []
        except OSError as error:
            self.fail(name, error)
            return []


def _opened(name: str, folder: int, device: int) -> int:
    try:
        return os.open(name, OPEN, dir_fd=folder)
    except BlockingIOError:
        # A notebook has it open, and NFS gave it away to its node: it must be asked for, which takes a moment, and waited for.
        # So it is taken hold of first, lest a pipe is in its place by then.
        held = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        if not _holds_data(os.fstat(held), device):
            raise FileNotFoundError(errno.ENOENT, "it is another by now")
        return os.open(f"/proc/self/fd/{held}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(held)


def _close(folder: int, top: int) -> None:
    if folder != top:
        os.close(folder)


def _holds_data(found: os.stat_result, device: int) -> bool:
    return found.st_dev == device and (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode))


def as_deep_as_may_be() -> None:
    """A descriptor or two a level: as many as this process may have, or a deep tree would end its work."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def is_folder(path: Path) -> bool:
    """Whether a folder is there, and not a link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def shown(name: str) -> str:
    """A name for people: as it is, or with what cannot be printed escaped."""
    return name if name.isprintable() else ascii(name)
