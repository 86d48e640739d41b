"""services/hub/full_volume.py: whether nobody can save anything, whatever the quotas say."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.hub.full_volume import LEAST, HomesVolume

GIB = 1024**3


def statvfs(folder: Path, free: int, files: int = 10**6) -> object:
    """What XFS answers for a folder that has no quota."""
    assert folder.name == "users"  # a home's own numbers are those of its quota
    return SimpleNamespace(f_frsize=4096, f_blocks=100 * GIB // 4096, f_bavail=free // 4096, f_favail=files)


@pytest.mark.parametrize(
    ("free", "files", "full"), [(50 * GIB, 10**6, False), (LEAST, 10**6, False), (LEAST - 4096, 10**6, True), (50 * GIB, 9, True)]
)
def test_it_is_full_without_room_for_those_who_are_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, files: int, full: bool
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda folder: statvfs(folder, free, files))
    assert asyncio.run(HomesVolume(tmp_path).full()) is full


def test_a_volume_that_is_not_there_or_does_not_answer_is_not_told_as_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asyncio.run(HomesVolume(tmp_path / "none").full()) is False
    released = threading.Event()
    monkeypatch.setattr(os, "statvfs", lambda _: released.wait(5))

    async def look() -> bool:
        try:
            return await HomesVolume(tmp_path, answer_s=0.05).full()
        finally:
            released.set()

    assert asyncio.run(look()) is False
