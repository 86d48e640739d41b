"""services/hub/storage_watch.py: what every page says while the storage of the homes does not answer."""

from __future__ import annotations

import asyncio
import copy
from pathlib import Path

import pytest

from services.hub.homes import Homes
from services.hub.storage_watch import StorageWatch


@pytest.fixture
def watch(tmp_path: Path) -> StorageWatch:
    """A watch of a storage that is not mounted yet."""
    return StorageWatch(Homes(tmp_path, answer_s=5))


def test_nothing_is_said_of_a_storage_that_was_not_asked_yet(watch: StorageWatch) -> None:
    assert watch.announcement("")(None) == ""


def test_a_storage_that_goes_and_comes_is_told_and_logged_once_each(
    watch: StorageWatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    said = watch.announcement("Closed on Monday.")
    for _ in range(3):
        asyncio.run(watch.look())
    assert said(None) == (
        "The storage of the homes does not answer (it is not mounted). Please try again in a minute. It has been so for 0 min. "
        "Servers that run wait for it and go on by themselves; none can be started until then.<br>Closed on Monday."
    )
    (tmp_path / "hub").mkdir()
    for _ in range(3):
        asyncio.run(watch.look())
    assert said(None) == "Closed on Monday."
    assert [record.message.partition(",")[0] for record in caplog.records] == [
        "The storage of the homes does not answer (it is not mounted). Please try again in a minute.",
        "The storage of the homes answers again",
    ]


def test_it_goes_on_for_as_long_as_the_hub_runs(watch: StorageWatch, tmp_path: Path) -> None:
    async def hub() -> None:
        going = asyncio.create_task(watch.go_on(every_s=0.01))
        while not watch.trouble:
            await asyncio.sleep(0.01)
        (tmp_path / "hub").mkdir()
        while watch.trouble:
            await asyncio.sleep(0.01)
        going.cancel()

    asyncio.run(asyncio.wait_for(hub(), 30))


def test_the_announcement_can_be_copied_as_jupyterhub_copies_its_configuration(watch: StorageWatch) -> None:
    said = watch.announcement("Closed on Monday.")
    assert copy.deepcopy({"announcement": said}) == {"announcement": said}
