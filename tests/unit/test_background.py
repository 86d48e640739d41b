"""services/hub/background.py: work beside the hub's."""

from __future__ import annotations

import asyncio

import pytest

from services.hub import background


def test_the_work_goes_on_in_the_hubs_event_loop() -> None:
    done = []

    async def work() -> None:
        done.append("one")
        await asyncio.sleep(0)
        done.append("two")

    async def hub() -> None:
        task = background.begin(work)
        assert done == []
        assert task is not None
        await task

    asyncio.run(hub())
    assert done == ["one", "two"]


def test_work_that_ends_by_an_error_is_told_and_begins_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background, "AGAIN_S", 0)
    begun = []

    async def work() -> None:
        begun.append(work)
        if len(begun) < 3:
            raise RuntimeError("can't start new thread")

    async def hub() -> None:
        task = background.begin(work)
        assert task is not None
        await task

    asyncio.run(hub())
    assert len(begun) == 3
    assert "work ended by an error, and begins again" in caplog.text
    assert "can't start new thread" in caplog.text


def test_where_no_hub_starts_there_is_no_work() -> None:
    async def work() -> None:
        raise AssertionError

    assert background.begin(work) is None
