"""A real XFS that is full although no home is: it is seen, and what runs on the storage node ends with words."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from services.hub.full_volume import HomesVolume
from storage.volumes import volume
from tests.e2e.waiting import wait_for
from tests.integration.xfs_disk import Mounted

pytest_plugins = ("tests.integration.xfs_disk",)


def fill(root: Path) -> None:
    """Write until nothing more can be written."""
    with (root / "shared" / "filler").open("wb", buffering=0) as file:
        for size in (1024**2, 4096):
            try:
                while True:
                    file.write(bytes(size))
                    os.fsync(file.fileno())
            except OSError as error:
                assert error.errno == errno.ENOSPC


def test_a_full_volume_is_seen_by_the_hub_and_by_the_status(disk: Mounted, capsys: pytest.CaptureFixture[str]) -> None:
    root = disk.places.root
    homes = HomesVolume(root)
    assert asyncio.run(homes.full()) is False
    assert volume(root, "homesSize")[0]
    fill(root)
    assert asyncio.run(homes.full()) is True
    good, said = volume(root, "homesSize")
    assert not good
    assert said.startswith("FULL, nothing can be saved: ")
    (root / "shared" / "filler").unlink()
    wait_for("the room that XFS gives back in the background", lambda: not asyncio.run(homes.full()), limit_s=60, every_s=0.1)
    assert disk.run() == []
