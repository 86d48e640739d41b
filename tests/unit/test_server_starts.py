"""A start from the first request to the notebook's answer, and all the ways in which it fails, against a fake swarm."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from services.hub.patience import Patience
from services.hub.start_errors import StartError
from services.hub.swarm_tasks import TaskWatch
from tests.unit.fake_swarm import Swarm, node, refusal, task
from tests.unit.hub_files import hub_config, spawner_module, spawner_of

NO_ROOM = "no suitable node (insufficient resources on 1 node)"
WAY_UP = ("new", "pending", "assigned", "accepted", "preparing", "ready", "starting", "running")


@pytest.fixture
def swarm() -> Swarm:
    """The swarm that Ada's spawner talks to."""
    return Swarm()


@pytest.fixture
def spawner(swarm: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ada's spawner by the hub's own configuration, in a hurry; her notebook answers when asked the third time."""
    kind = spawner_module().NotebookSpawner
    asked = []

    async def answers(host: str, port: int, path: str) -> bool:
        asked.append((host, port, path))
        return len(asked) >= 3

    async def ask(services: list[str]) -> Any:
        return swarm.tasks(filters={"service": services})

    monkeypatch.setattr(kind, "_client", swarm)
    monkeypatch.setattr(kind, "_node_names", {})
    monkeypatch.setattr(kind, "_watch", TaskWatch(ask, quick_s=0.001, share_s=0))
    monkeypatch.setattr("services.hub.swarm_spawner.answers", answers)
    made = spawner_of("ada", hub_config(tmp_path, monkeypatch))
    made.room_timeout, made.answer_poll_seconds, made.asked = 0.05, 0.001, asked
    made.get_env = dict
    made.user.url = "/user/ada/"
    return made


def looks_of(*states: str) -> list[list[dict[str, Any]]]:
    """One task, seen in these states one after the other."""
    return [[task(state)] for state in states]


def start(spawner: Any, limit_s: float = 5) -> Any:
    """Run a start to its end."""
    return asyncio.run(asyncio.wait_for(spawner.start(), limit_s))


def failed_start(spawner: Any) -> StartError:
    """Run a start that fails; why."""
    with pytest.raises(StartError) as failed:
        start(spawner)
    assert failed.value.jupyterhub_message
    return failed.value


def test_a_start_is_over_when_the_notebook_answers(spawner: Any, swarm: Swarm) -> None:
    swarm.looks = [[], *looks_of(*WAY_UP)]
    assert start(spawner) == ("jupyter-ada", 8888)
    assert spawner.asked == [("10.0.1.5", 8888, "/api")] * 3


def test_a_service_of_the_same_name_makes_room_first(spawner: Any, swarm: Swarm) -> None:
    swarm.looks, swarm.conflicts = looks_of("running"), 2
    start(spawner)
    assert [call for call in swarm.calls if not call.startswith("inspect")] == ["create", "remove", "create", "remove", "create"]


def test_a_service_that_a_dead_hub_left_is_removed_and_its_container_waited_for(spawner: Any, swarm: Swarm) -> None:
    swarm.looks, swarm.exists = looks_of("running"), True
    start(spawner)
    assert swarm.calls == ["remove", "inspect task-0", "create"]


def test_a_service_that_never_goes_fails_the_start_with_a_text_for_the_user(spawner: Any, swarm: Swarm) -> None:
    swarm.conflicts = 99
    assert "does not go away" in str(failed_start(spawner))


def test_the_spawn_page_tells_each_step_once_with_the_nodes_name(spawner: Any, swarm: Swarm) -> None:
    swarm.looks = [[], [task("pending", Err=NO_ROOM)], *looks_of("preparing", "preparing", "starting", "running")]

    async def started() -> list[str]:
        told: list[str] = []

        async def read() -> None:
            async for event in spawner.progress():
                told.append(event["message"])

        reading = asyncio.create_task(read())
        await spawner.start()
        await asyncio.sleep(0)
        reading.cancel()
        return told

    assert asyncio.run(started()) == [
        "Asking the swarm for a place",
        "Waiting for a node with 0.5 GiB of memory free",
        "Preparing the image example/lab:7 on worker-1",
        "Starting on worker-1",
        "Started on worker-1; waiting for the notebook to answer",
        "The notebook answers",
    ]


@pytest.mark.parametrize("state", ["rejected", "failed", "complete", "shutdown"])
def test_a_task_that_swarm_gave_up_fails_the_start_at_once_with_swarms_reason(spawner: Any, swarm: Swarm, state: str) -> None:
    swarm.looks = [*looks_of("pending", "preparing"), [task(state, Err="task: non-zero exit (1)")]]
    swarm.log = b"Traceback\nImportError: no <module>\n"
    failure = failed_start(spawner)
    assert "ended on worker-1 while it started: task: non-zero exit (1)" in str(failure)
    assert failure.jupyterhub_html_message.endswith("<pre>Traceback\nImportError: no &lt;module&gt;</pre>")


def test_a_server_that_ends_before_it_answers_fails_at_once(spawner: Any, swarm: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any) -> bool:
        return False

    monkeypatch.setattr("services.hub.swarm_spawner.answers", never)
    swarm.looks = [*looks_of("starting", "running"), [task("failed", Err="task: non-zero exit (137)")]]
    assert "more than its 2.0 GiB of memory" in str(failed_start(spawner))


def test_a_server_that_runs_and_never_answers_is_told_with_its_log(
    spawner: Any, swarm: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any) -> bool:
        return False

    monkeypatch.setattr("services.hub.swarm_spawner.answers", never)
    swarm.looks, swarm.log, spawner.http_timeout = looks_of("running"), b"listening elsewhere\n", 1
    failure = failed_start(spawner)
    assert "runs on worker-1, but does not answer after 1 s" in str(failure)
    assert "listening elsewhere" in str(failure)


def test_a_start_that_finds_no_room_fails_after_the_wait_for_room_with_the_nodes_room(spawner: Any, swarm: Swarm) -> None:
    swarm.looks = [[task("pending", Err=NO_ROOM)]]
    taken = {**task("running"), "Spec": {"Resources": {"Reservations": {"MemoryBytes": int(3.75 * 1024**3)}}}}
    swarm.others = [taken]
    text = str(failed_start(spawner))
    assert "No node has 0.5 GiB of memory and 0.25 CPUs free" in text
    assert "worker-1 has 0.2 GiB of 4.0 GiB and 2 of 2 CPUs" in text
    assert NO_ROOM in text


def test_a_docker_that_says_nothing_takes_no_time_of_the_wait_for_room(
    spawner: Any, swarm: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.hub.swarm_spawner.LONGEST_BETWEEN_LOOKS_S", 0.01)
    monkeypatch.setattr(type(spawner), "_patience", Patience(logging.getLogger("test"), first_s=0.2))
    failures, tasks = [refusal(500)], swarm.tasks

    def once_late(**options: Any) -> Any:
        if failures and swarm.exists:
            raise failures.pop()
        return tasks(**options)

    monkeypatch.setattr(swarm, "tasks", once_late)
    swarm.looks = looks_of("pending", "running")
    start(spawner)
    assert "Docker does not answer" in " ".join(line for _, line in spawner.story._lines)


def test_the_wait_for_room_does_not_bound_a_long_pull(spawner: Any, swarm: Swarm) -> None:
    swarm.looks = looks_of(*["preparing"] * 100, "running")
    start(spawner)
    assert len(swarm.looks) == 1


def test_a_start_that_takes_too_long_tells_what_it_waited_for(spawner: Any, swarm: Swarm) -> None:
    swarm.looks, spawner.start_timeout = looks_of("preparing"), 1
    assert "The last that was seen: Preparing the image example/lab:7 on worker-1" in str(failed_start(spawner))


def test_a_start_whose_service_is_removed_fails_at_once(spawner: Any, swarm: Swarm) -> None:
    swarm.looks, spawner.room_timeout = [[]], 60

    async def removed() -> None:
        starting = asyncio.create_task(spawner.start())
        await asyncio.sleep(0.05)
        swarm.exists = False
        await asyncio.wait_for(starting, 5)

    with pytest.raises(StartError, match="was removed while it started"):
        asyncio.run(removed())


def test_a_node_that_dies_meanwhile_is_named(spawner: Any, swarm: Swarm) -> None:
    swarm.looks = [[task("starting")], [task("running", desired="shutdown")]]
    swarm.node = node(state="down")
    assert "worker-1 went down while your server started" in str(failed_start(spawner))


def test_what_docker_refuses_is_told(spawner: Any, swarm: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    def create_service(**_: Any) -> None:
        raise refusal(400, "network jupyterhub not found")

    monkeypatch.setattr(swarm, "create_service", create_service)
    assert "Docker refused your server: network jupyterhub not found" in str(failed_start(spawner))


def test_after_a_server_ended_by_itself_its_service_is_removed(spawner: Any, swarm: Swarm) -> None:
    swarm.exists, swarm.looks = True, [[task("complete")]]
    asyncio.run(spawner.run_post_stop_hook())
    assert swarm.calls == ["remove"]


def test_a_stop_waits_until_the_container_is_gone(spawner: Any, swarm: Swarm) -> None:
    swarm.exists, swarm.looks, spawner.object_id = True, looks_of("running"), "id-of-the-service"
    asyncio.run(spawner.stop())
    assert swarm.calls == ["remove", "inspect task-0"]
