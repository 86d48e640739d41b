"""services/hub/swarm_spawner.py: the service that it asks for, and what counts as a server that lives."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from docker.errors import DockerException
from docker.types import Healthcheck, Mount
from requests import ReadTimeout
from requests.exceptions import ConnectionError

from services.hub import service_spec
from services.hub.patience import Patience
from services.hub.swarm_tasks import ALIVE
from tests.unit.fake_swarm import Swarm, refusal, task
from tests.unit.hub_files import hub_config, spawner_module, spawner_of

DEAD = ["complete", "failed", "shutdown", "rejected", "orphaned", "remove"]


@pytest.fixture
def swarm(monkeypatch: pytest.MonkeyPatch) -> Swarm:
    """The swarm that every spawner of the test talks to, with a service for Ada."""
    playing = Swarm()
    playing.exists = True
    monkeypatch.setattr(spawner_module().NotebookSpawner, "_client", playing)
    return playing


@pytest.fixture
def spawner(swarm: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ada's spawner by the hub's own configuration."""
    return spawner_of("ada", hub_config(tmp_path, monkeypatch))


@pytest.mark.parametrize("state", sorted(ALIVE))
def test_a_server_is_alive_while_swarm_has_or_plans_a_task(spawner: Any, swarm: Swarm, state: str) -> None:
    swarm.looks = [[task(state)]]
    assert asyncio.run(spawner.poll()) is None


@pytest.mark.parametrize("state", DEAD)
def test_a_server_is_dead_when_its_task_has_ended(spawner: Any, swarm: Swarm, state: str) -> None:
    swarm.looks = [[task(state, Message="finished")]]
    assert asyncio.run(spawner.poll()) == f"{state}: finished"


def test_a_server_without_a_service_is_dead(spawner: Any, swarm: Swarm) -> None:
    swarm.exists = False
    assert asyncio.run(spawner.poll()) == 0


def test_a_service_that_has_no_task_yet_is_alive(spawner: Any, swarm: Swarm) -> None:
    swarm.looks = [[]]
    assert asyncio.run(spawner.poll()) is None


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker is asked again at once."""
    quick = Patience(logging.getLogger("test"), first_s=0.001, longest_s=0.001)
    monkeypatch.setattr(spawner_module().NotebookSpawner, "_patience", quick)


UNKNOWN = [
    refusal(500),
    refusal(503),
    refusal(409),
    ConnectionError("no Docker"),
    ReadTimeout("late"),
    DockerException("version?"),
]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("error", UNKNOWN, ids=repr)
@pytest.mark.parametrize(("looks", "status"), [([[task("running")]], None), ([[task("failed", Err="gone")]], "failed: gone")])
def test_what_docker_does_not_tell_is_asked_again_until_it_does(
    spawner: Any, swarm: Swarm, monkeypatch: pytest.MonkeyPatch, error: Exception, looks: Any, status: Any
) -> None:
    failures, tasks = [error] * 3, swarm.tasks

    def sometimes(**options: Any) -> Any:
        if failures:
            raise failures.pop()
        return tasks(**options)

    monkeypatch.setattr(swarm, "tasks", sometimes)
    swarm.looks = looks
    assert asyncio.run(spawner.poll()) == status
    assert failures == []


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("error", [refusal(500), refusal(400), ConnectionError("no Docker")], ids=repr)
def test_a_server_of_which_docker_tells_nothing_stays_alive(
    spawner: Any, swarm: Swarm, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def never(**_: Any) -> Any:
        raise error

    monkeypatch.setattr(swarm, "tasks", never)
    monkeypatch.setattr("services.hub.service_spawner.POLL_SECONDS", 0.05)
    assert asyncio.run(spawner.poll()) is None


@pytest.mark.usefixtures("hasty")
def test_a_service_is_looked_for_until_docker_answers(spawner: Any, swarm: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [refusal(500), ConnectionError("no Docker"), {"ID": "found"}]

    def inspect(_: str) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(swarm, "inspect_service", inspect)
    assert asyncio.run(spawner.get_object()) == {"ID": "found"}
    assert spawner.object_id == "found"


def test_a_server_without_an_id_is_removed_by_its_name(spawner: Any, swarm: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[str] = []
    monkeypatch.setattr(swarm, "remove_service", removed.append)
    spawner.object_id = ""
    asyncio.run(spawner.remove_object())
    assert removed == ["jupyter-ada"]


def test_a_server_that_moves_to_another_node_is_alive_since_the_newest_task_counts(spawner: Any, swarm: Swarm) -> None:
    swarm.looks = [[task("shutdown", 1), task("preparing", 3), task("failed", 2)]]
    assert asyncio.run(spawner.poll()) is None


def test_only_the_newest_task_counts_however_many_run(spawner: Any, swarm: Swarm) -> None:
    swarm.looks = [[task("running", 1), task("failed", 2, Err="out of memory")]]
    assert asyncio.run(spawner.poll()) == "failed: out of memory"


def test_a_server_whose_node_went_down_is_dead_though_its_task_is_said_to_run(spawner: Any, swarm: Swarm) -> None:
    swarm.looks = [[task("running", desired="shutdown")]]
    assert asyncio.run(spawner.poll()) is not None


@pytest.fixture
def created(spawner: Any, swarm: Swarm, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What Docker is asked to create for Ada."""

    async def command() -> list[str]:
        return ["jupyterhub-singleuser"]

    monkeypatch.setattr(spawner, "get_env", dict)
    monkeypatch.setattr(spawner, "get_command", command)
    swarm.exists = False
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


def test_what_an_image_says_of_its_health_and_its_end_is_not_acted_on(created: dict[str, Any]) -> None:
    container = created["task_template"]["ContainerSpec"]
    assert container["Healthcheck"]["Test"] == ["NONE"]
    assert container["StopSignal"] == "SIGTERM"


def test_a_check_that_the_owner_wants_stays(spawner: Any) -> None:
    spawner.get_env, spawner.extra_container_spec = dict, {"healthcheck": Healthcheck(test=["CMD", "true"])}
    assert service_spec.arguments(spawner, [])["task_template"]["ContainerSpec"]["Healthcheck"]["Test"] == ["CMD", "true"]


def test_a_service_tells_whose_it_is(created: dict[str, Any]) -> None:
    assert created["name"] == "jupyter-ada"
    whose = {"hub": "http://hub:8081/hub/api", "user": "ada", "server": ""}
    assert created["labels"] == {f"jupyterhub-swarm.{key}": value for key, value in whose.items()}


def test_a_server_with_a_gpu_asks_swarm_for_one(spawner: Any) -> None:
    spawner.gpus = 1
    (gpu,) = resources(spawner)["Reservations"]["GenericResources"]
    assert gpu == {"DiscreteResourceSpec": {"Kind": "NVIDIA-GPU", "Value": 1}}


def test_dockerspawners_own_settings_have_the_last_word(spawner: Any) -> None:
    spawner.extra_resources_spec = {"mem_limit": 7}
    assert resources(spawner)["Limits"]["MemoryBytes"] == 7


def resources(spawner: Any) -> Any:
    """What the spawner would ask Swarm for."""
    spawner.get_env = dict
    return service_spec.arguments(spawner, [])["task_template"]["Resources"]


def test_users_with_names_that_docker_would_refuse_get_services_apart(
    swarm: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = hub_config(tmp_path, monkeypatch)
    spawners = [spawner_of(name, config) for name in ("ada", "ada.l@example.org", "ada-l@example.org", "Ada L")]
    assert len({made.service_name for made in spawners}) == 4
    assert all(made.service_name.replace("-", "").isalnum() for made in spawners)
