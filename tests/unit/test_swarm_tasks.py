"""services/hub/swarm_tasks.py: one look for all servers that start."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from docker.errors import NotFound
from hypothesis import given
from hypothesis import strategies as st

from services.hub.swarm_tasks import PACE, TaskWatch, address, newest
from tests.unit.fake_swarm import refusal, task


class Docker:
    """Answers with one running task for each service; `gone` are services that are not there."""

    def __init__(self, *gone: str) -> None:
        self.gone, self.asked = set(gone), []  # type: ignore[var-annotated]

    async def __call__(self, services: list[str]) -> list[dict[str, Any]]:
        self.asked.append(services)
        if self.gone & set(services):
            raise refusal(404)
        return [{**task("running"), "ServiceID": service} for service in services]


def looks(docker: Any, *services: str) -> list[Any]:
    """What each service's next look says; exceptions as they are."""

    async def all_of_them() -> list[Any]:
        watch = TaskWatch(docker, quick_s=0.001, share_s=0)
        return await asyncio.gather(*map(watch.next_look, services), return_exceptions=True)

    return asyncio.run(all_of_them())


@given(st.sets(st.text(min_size=1), max_size=20), st.sets(st.text(min_size=1), max_size=3))
def test_everybody_gets_an_answer_and_those_of_services_that_are_gone_are_told_so(here: set[str], gone: set[str]) -> None:
    services = sorted(here | gone)
    for service, found in zip(services, looks(Docker(*gone), *services), strict=True):
        assert isinstance(found, NotFound) if service in gone else found["ServiceID"] == service


def test_fifty_servers_are_looked_at_with_one_request() -> None:
    docker = Docker()
    looks(docker, *map(str, range(50)))
    assert len(docker.asked) == 1


def test_what_fails_for_one_look_fails_for_all_who_wait_for_it() -> None:
    async def broken(_: list[str]) -> list[Any]:
        raise ConnectionError("no Docker")

    assert [str(found) for found in looks(broken, "a", "b")] == ["no Docker", "no Docker"]


def test_a_swarm_that_answers_slowly_is_asked_seldom() -> None:
    began, ended = [], []

    async def slow(_: list[str]) -> list[Any]:
        began.append(time.monotonic())
        await asyncio.sleep(0.02)
        ended.append(time.monotonic())
        return []

    async def twice() -> None:
        watch = TaskWatch(slow, quick_s=0.001, share_s=0)
        for _ in range(2):
            await watch.next_look("a")

    asyncio.run(twice())
    assert began[1] - ended[0] >= PACE * (ended[0] - began[0]) * 0.9


def test_who_stops_waiting_takes_nobody_along() -> None:
    async def two() -> Any:
        watch = TaskWatch(Docker(), quick_s=0.01, share_s=0)
        one, other = (asyncio.create_task(watch.next_look("a")) for _ in range(2))
        await asyncio.sleep(0)
        one.cancel()
        return await other

    assert asyncio.run(two())["ServiceID"] == "a"


@pytest.mark.parametrize(("tasks", "second"), [([], None), ([task("shutdown", 1), task("new", 3), task("failed", 2)], 3)])
def test_the_newest_task_counts(tasks: list[dict[str, Any]], second: int | None) -> None:
    found = newest(tasks)
    assert (found and found["ID"]) == (None if second is None else f"task-{second}")


def test_the_address_is_that_on_the_network_of_the_notebooks() -> None:
    assert address(task("running"), "jupyterhub") == "10.0.1.5"
    assert address(task("running"), "another") == ""
    assert address({**task("running"), "NetworksAttachments": None}, "jupyterhub") == ""
