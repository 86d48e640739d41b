"""services/hub/swarm_spawner.py against a docker client that plays a swarm, task by task."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import NotFound
from docker.types import Mount

from tests.unit.hub_files import hub_config, spawner_module, spawner_of

ALIVE = ["new", "pending", "assigned", "accepted", "preparing", "ready", "starting", "running"]
DEAD = ["complete", "failed", "shutdown", "rejected", "orphaned", "remove"]
NO_ROOM = "no suitable node (insufficient resources on 2 nodes)"


def task(state: str, second: int = 0, **status: str) -> dict[str, Any]:
    """A task as the Docker API tells it, created at a second of one minute."""
    return {"CreatedAt": f"2026-01-01T00:00:{second:02}.5Z", "Status": {"State": state, **status}}


class Swarm:
    """A docker client with one service. Each look at its tasks takes the next of `looks`; the last one stays."""

    def __init__(self) -> None:
        self.looks: list[list[dict[str, Any]]] = [[]]
        self.exists = True
        self.created: dict[str, Any] = {}
        self.filters: list[dict[str, str]] = []

    def inspect_service(self, name: str) -> dict[str, Any]:
        if not self.exists:
            raise NotFound("service not found", response=SimpleNamespace(status_code=404, reason="", url=""))  # type: ignore[arg-type]
        return {"ID": f"id-of-{name}"}

    def tasks(self, filters: dict[str, str]) -> list[dict[str, Any]]:
        self.filters.append(filters)
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def create_service(self, **arguments: Any) -> dict[str, str]:
        self.created = arguments
        return {"ID": "new"}


@pytest.fixture
def swarm(monkeypatch: pytest.MonkeyPatch) -> Swarm:
    """The swarm that every spawner of the test talks to."""
    playing = Swarm()
    monkeypatch.setattr(spawner_module().NotebookSpawner, "_client", playing)
    return playing


@pytest.fixture
def spawner(swarm: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ada's spawner by the hub's own configuration, in a hurry."""
    made = spawner_of("ada", hub_config(tmp_path, monkeypatch))
    made.start_poll_seconds, made.room_timeout = 0.001, 0.05
    return made


def looks_of(*states: str) -> list[list[dict[str, Any]]]:
    """One task, seen in these states one after the other."""
    return [[task(state)] for state in states]


def test_a_start_returns_as_soon_as_the_task_runs(spawner: Any, swarm: Swarm) -> None:
    swarm.looks = [[], *looks_of("new", "pending", "assigned", "accepted", "preparing", "ready", "starting", "running", "failed")]
    asyncio.run(spawner.start_object())
    assert swarm.looks == looks_of("failed")


def test_a_start_is_looked_at_every_half_second(swarm: Swarm) -> None:
    assert spawner_of("ada").start_poll_seconds == 0.5


@pytest.mark.parametrize("state", ["rejected", "failed", "complete", "shutdown"])
def test_a_task_that_swarm_gave_up_fails_the_start_at_once_with_swarms_reason(spawner: Any, swarm: Swarm, state: str) -> None:
    swarm.looks = [*looks_of("pending", "preparing"), [task(state, Err="No such image: example/lab:7", Message="preparing")]]
    with pytest.raises(RuntimeError, match=rf"did not start \({state}\): No such image: example/lab:7"):
        asyncio.run(spawner.start_object())


def test_a_start_that_finds_no_room_fails_after_the_wait_for_room_with_swarms_reason(spawner: Any, swarm: Swarm) -> None:
    swarm.looks = [[task("pending", Err=NO_ROOM)]]
    with pytest.raises(RuntimeError) as failed:
        asyncio.run(asyncio.wait_for(spawner.start_object(), 5))
    assert str(failed.value) == f"no node has room for the notebook server: {NO_ROOM}"


def test_the_wait_for_room_does_not_bound_a_long_pull(spawner: Any, swarm: Swarm) -> None:
    swarm.looks = looks_of(*["preparing"] * 100, "running")
    asyncio.run(spawner.start_object())
    assert len(swarm.filters) == 101


def test_a_start_whose_service_is_removed_fails_at_once(spawner: Any, swarm: Swarm) -> None:
    swarm.exists, spawner.room_timeout = False, 60
    with pytest.raises(RuntimeError, match="was removed while it started"):
        asyncio.run(asyncio.wait_for(spawner.start_object(), 5))


@pytest.mark.parametrize("state", ALIVE)
def test_a_server_is_alive_while_swarm_has_or_plans_a_task(spawner: Any, swarm: Swarm, state: str) -> None:
    swarm.looks = looks_of(state)
    assert asyncio.run(spawner.poll()) is None


@pytest.mark.parametrize("state", DEAD)
def test_a_server_is_dead_when_its_task_has_ended(spawner: Any, swarm: Swarm, state: str) -> None:
    swarm.looks = [[task(state, Message="finished")]]
    assert asyncio.run(spawner.poll()) == f"{state}: finished"


def test_a_server_without_a_service_is_dead(spawner: Any, swarm: Swarm) -> None:
    swarm.exists = False
    assert asyncio.run(spawner.poll()) == 0


def test_a_server_that_moves_to_another_node_is_alive_since_the_newest_task_counts(spawner: Any, swarm: Swarm) -> None:
    swarm.looks = [[task("shutdown", 1), task("preparing", 3), task("failed", 2)]]
    assert asyncio.run(spawner.poll()) is None


def test_only_the_newest_task_counts_however_many_run(spawner: Any, swarm: Swarm) -> None:
    swarm.looks = [[task("running", 1), task("failed", 2, Err="out of memory")]]
    assert asyncio.run(spawner.poll()) == "failed: out of memory"


def test_the_tasks_are_those_of_the_servers_own_service(spawner: Any, swarm: Swarm) -> None:
    swarm.looks = looks_of("running")
    asyncio.run(spawner.poll())
    assert swarm.filters == [{"service": "jupyter-ada"}]


@pytest.fixture
def created(spawner: Any, swarm: Swarm, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What Docker is asked to create for Ada."""

    async def command() -> list[str]:
        return ["jupyterhub-singleuser"]

    monkeypatch.setattr(spawner, "get_env", dict)
    monkeypatch.setattr(spawner, "get_command", command)
    swarm.looks = looks_of("new")
    asyncio.run(spawner.create_object())
    return swarm.created


def test_without_a_hook_nothing_is_mounted(created: dict[str, Any]) -> None:
    assert created["task_template"]["ContainerSpec"].get("Mounts", []) == []


def test_the_mounts_of_the_hook_come_before_other_volumes(spawner: Any) -> None:
    home = Mount(target="/home/jovyan", source="home", type="volume", no_copy=True)
    spawner.home_mounts, spawner.volumes = [home], {"data": "/home/jovyan/data"}
    assert [mount["Source"] for mount in spawner.mounts] == ["home", "data"]
    assert spawner.mounts[0]["VolumeOptions"] == {"NoCopy": True}


def test_the_hook_may_set_variables_for_a_start(spawner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dockerspawner.SwarmSpawner.get_env", lambda _: {"NODE_NAME": "here", "IPYTHONDIR": "home"})
    assert spawner.get_env() == {"NODE_NAME": "here", "IPYTHONDIR": "home"}
    spawner.home_environment = {"IPYTHONDIR": "/tmp/ipython"}
    assert spawner.get_env() == {"NODE_NAME": "here", "IPYTHONDIR": "/tmp/ipython"}


def test_a_volume_may_be_read_only(spawner: Any) -> None:
    spawner.volumes, spawner.read_only_volumes = {}, {"data": "/data"}
    assert spawner.mounts == [{"Type": "volume", "Source": "data", "Target": "/data", "ReadOnly": True}]


def test_a_server_that_its_user_shut_down_is_not_started_again_by_swarm(created: dict[str, Any]) -> None:
    assert created["task_template"]["RestartPolicy"]["Condition"] == "none"


def test_a_server_resolves_to_its_task_and_publishes_no_port(created: dict[str, Any]) -> None:
    assert created["endpoint_spec"] == {"Mode": "dnsrr"}
    assert [network["Target"] for network in created["task_template"]["Networks"]] == ["jupyterhub"]


def test_a_server_asks_swarm_for_its_resources_and_its_node(created: dict[str, Any]) -> None:
    assert created["task_template"]["Resources"] == {
        "Limits": {"NanoCPUs": 1_500_000_000, "MemoryBytes": 2 * 1024**3},
        "Reservations": {"NanoCPUs": 250_000_000, "MemoryBytes": 512 * 1024**2},
    }
    assert created["task_template"]["Placement"]["Constraints"] == ["node.role==worker"]
    assert created["task_template"]["ContainerSpec"]["Image"] == "example/lab:7"


def test_users_with_names_that_docker_would_refuse_get_services_apart(
    swarm: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = hub_config(tmp_path, monkeypatch)
    spawners = [spawner_of(name, config) for name in ("ada", "ada.l@example.org", "ada-l@example.org", "Ada L")]
    assert len({made.service_name for made in spawners}) == 4
    assert all(made.service_name.replace("-", "").isalnum() for made in spawners)
