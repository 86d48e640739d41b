"""Folders for work that may be cut off at any moment, by Ctrl-C, a kill or a crash, and is then begun again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Programs of the lab that go on by themselves when the process that started them was killed.
_OURS = frozenset({"mmdebstrap", "perl", "dockerd", "tar", "mkfs.ext4", "qemu-img"})
_TERM_LIMIT_S = 30


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """An empty folder for the length of a block. What an earlier, interrupted block left there is cleared first."""
    clear(path)
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        clear(path)


def clear(path: Path) -> None:
    """End the lab's own programs that still work below `path`, unmount what is mounted there, and remove it."""
    end_programs(path)
    unmount_below(path)
    shutil.rmtree(path, ignore_errors=True)


def end_programs(path: Path) -> list[int]:
    """End the programs that the lab runs and that name `path` on their command line; returns their process ids."""
    every = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    found = [pid for pid in every if _works_below(pid, path)]
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _TERM_LIMIT_S
    while time.monotonic() < deadline and any(_works_below(pid, path) for pid in found):
        time.sleep(0.2)
    for pid in found:
        if _works_below(pid, path):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    return found


def unmount_below(path: Path) -> None:
    """Unmount whatever is mounted below a folder, the deepest first."""
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    points = [Path(line.split()[1].encode().decode("unicode_escape")) for line in mounts]
    for point in sorted((point for point in points if point.is_relative_to(path)), reverse=True):
        subprocess.run(["umount", "--lazy", str(point)], capture_output=True, check=False)


def _works_below(pid: int, path: Path) -> bool:
    try:
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return False
    return name in _OURS and f"{path}/" in command
