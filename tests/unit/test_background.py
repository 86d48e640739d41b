"""services/hub/background.py: work beside the hub's."""

from __future__ import annotations

import asyncio

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


def test_where_no_hub_starts_there_is_no_work() -> None:
    async def work() -> None:
        raise AssertionError

    assert background.begin(work) is None
