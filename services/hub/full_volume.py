"""The volume of all homes when it is full, which no quota shows: the sizes of homes may add up to more than it has.

A home's own numbers are those of its quota. Before Linux 6.13 XFS shows all of what the quota leaves as free, since then no more
than the volume has; in neither case do they tell the one from the other. So the folder above the homes is asked: it has no quota.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Bytes and files left, below which nothing sensible can be saved by all who are at work.
LEAST, LEAST_FILES = 64 * 1024**2, 1000


class HomesVolume:
    """The volume as the hub sees it over its own mount, at `folder`. `answer_s` bounds one look, as the mount may not answer."""

    def __init__(self, folder: Path, answer_s: float = 10) -> None:
        self._users, self._answer_s = folder / "users", answer_s
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="homes-volume")

    async def full(self) -> bool:
        """Whether nobody can save anything. False where it is not known: what asks for homes says why they do not answer."""
        look = asyncio.get_running_loop().run_in_executor(self._threads, is_full, self._users)
        try:
            return await asyncio.wait_for(look, self._answer_s)
        except OSError:  # asyncio's own TimeoutError is one
            return False


def is_full(folder: Path) -> bool:
    """Whether the file system of a folder without a quota is full. Raises OSError."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize < LEAST or found.f_favail < LEAST_FILES


def full_volume_text() -> str:
    """What a user reads who cannot have a home now."""
    return (
        "The disk that holds everybody's homes is full, so a home cannot be made for you now. Please tell an administrator: it "
        "must be enlarged (homesSize)."
    )


def full_volume_html() -> str:
    """What a user reads before a start."""
    return (
        '<div class="alert alert-warning" role="alert"><strong>The disk that holds everybody\'s homes is full.</strong> '
        "Your server starts and you can open and read everything, but nobody can save anything until there is room again, "
        "whatever your own home has left. Please tell an administrator: it must be enlarged (homesSize). Files that you delete "
        "make room, too.</div>"
    )
