"""The homes as the hub sees them, over its own NFS mount: making one for a new user, and how full it is.

The mount may stop answering at any moment, so every look at it runs in a thread and has a time limit.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from services.hub.home_names import home_of
from services.hub.hub_folder import is_folder, require
from services.hub.owners import Owners
from services.hub.start_errors import StartError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
FULL = 1024**2  # bytes left, below which nothing sensible can be saved
T_ = TypeVar("T_")


class HomeError(StartError):
    """No home for this start."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Of one home, as its quota counts: bytes and files, used and allowed."""

    used: int
    limit: int
    used_files: int
    limit_files: int

    @property
    def full(self) -> bool:
        return self.limit - self.used < FULL or self.used_files >= self.limit_files


class Homes:
    """The homes below `folder`. `answer_s` bounds one look at the storage, `quota_s` the wait for a new home's quota."""

    def __init__(self, folder: Path, answer_s: float = 30, quota_s: float = 90, look_s: float = 0.25) -> None:
        self._users, self._new, self._status = folder / "users", folder / "new", folder / "status.json"
        self._hub, self._owners = folder / "hub", Owners(folder / "hub")
        self._answer_s, self._quota_s, self._look_s = answer_s, quota_s, look_s
        self._threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="homes")

    async def ready(self, user: str, email: str) -> str:
        """The folder of the user's home, which is there and has its quota. Raises HomeError with what the user should know.

        A home that is asked for in `new/` comes to `users/` by the storage node's own hand, once its quota is set.
        """
        home = home_of(user)
        if not await self._ask(lambda: self._request(home, user, email)):
            await self._until_there(home)
        return home

    async def usage(self, user: str) -> Usage | None:
        """How full the user's home is, or None where there is none yet. Raises HomeError."""
        return await self._ask(lambda: _usage(self._users / home_of(user)))

    async def place_for(self, home: str, name: str) -> bool:
        """Whether `name` in the home is a folder, which another can be mounted on; made if there is room. Raises HomeError."""
        return await self._ask(lambda: _folder(self._users / home / name))

    async def answer(self) -> None:
        """Return when the storage answers. Raises HomeError."""
        await self._ask(lambda: None)

    def _request(self, home: str, user: str, email: str) -> bool:
        there = is_folder(self._users / home)
        try:
            self._owners.record(home, user, email, f"{datetime.now(UTC):%Y-%m-%d}")
        except OSError as error:
            if not there or error.errno not in NO_ROOM:
                raise
            # On a volume that is full a new address cannot be noted. That keeps nobody out of a home.
        if not there:
            (self._new / home).mkdir(exist_ok=True)
        return there

    async def _until_there(self, home: str) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._quota_s
        while not await self._ask(lambda: is_folder(self._users / home)):
            if loop.time() > end:
                reason = await self._ask(lambda: _reason(self._status, home))
                raise HomeError(f"Your home got no quota within {self._quota_s:.0f} s: {reason}. Please tell an administrator.")
            await asyncio.sleep(self._look_s)

    async def _ask(self, look: Callable[[], T_]) -> T_:
        """The answer of the storage, from a thread."""

        def answer() -> T_:
            require(self._hub)
            return look()

        future = asyncio.get_running_loop().run_in_executor(self._threads, answer)
        try:
            return await asyncio.wait_for(future, self._answer_s)
        except OSError as error:  # asyncio's own TimeoutError is one, without a text
            reason = error.strerror or str(error) or f"no answer within {self._answer_s:.0f} s"
        except ValueError as error:
            raise HomeError(f"Your home cannot be used: {error}. Please tell an administrator.") from error
        raise HomeError(f"The storage of the homes does not answer ({reason}). Please try again in a minute.") from None


def _usage(home: Path) -> Usage | None:
    try:
        found = os.statvfs(home)
    except FileNotFoundError:
        return None
    return Usage(
        used=(found.f_blocks - found.f_bfree) * found.f_frsize,
        limit=found.f_blocks * found.f_frsize,
        used_files=found.f_files - found.f_ffree,
        limit_files=found.f_files,
    )


def _folder(path: Path, tries: int = 4) -> bool:
    for left in reversed(range(tries)):
        try:
            path.mkdir()
        except FileExistsError:
            return stat.S_ISDIR(path.lstat().st_mode)
        except OSError as error:
            if error.errno in NO_ROOM:
                return False
            # A home that was moved into place a moment ago may be a stale handle for this mount still.
            if not left:
                raise
            time.sleep(0.25)
        else:
            return True
    return False


def _reason(status: Path, home: str) -> str:
    """Why the home is not there, by the storage node: its own fault, or one of all homes; the others' are nobody's business."""
    try:
        told = json.loads(status.read_text(encoding="utf-8"))
        problems = told.get("all", told["problems"])  # earlier versions told nothing of single homes
        own = told.get("homes", {}).get(home, "")
    except (FileNotFoundError, ValueError, KeyError):
        problems, own = [], ""
    return own or "; ".join(problems) or "the storage node has not looked at it (jupyterhub-quotas.service)"
