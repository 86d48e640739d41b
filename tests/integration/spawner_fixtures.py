"""Spawners on the engine of the tests: a test module takes the fixtures by `pytest_plugins`."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import docker
import pytest

from services.hub.swarm_spawner import NotebookSpawner
from tests.integration.docker_engine import IMAGE, WAIT_COMMAND, DockerEngine
from tests.integration.starts import HUB, Spawners

pytest_plugins = ("tests.integration.docker_fixtures",)


@pytest.fixture
def engine(docker_engine: DockerEngine) -> Iterator[DockerEngine]:
    """The engine with the notebooks' network, without services before and after."""
    # A network goes only some time after the last container that used it.
    if "jupyterhub" not in docker_engine.names("network"):
        docker_engine.docker("network", "create", "--driver", "overlay", "jupyterhub")
    yield docker_engine
    for service in docker_engine.names("service"):
        docker_engine.docker("service", "rm", service)


@pytest.fixture
def spawner(engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> Spawners:
    """Makes Ada's spawner, with what a test wants otherwise; her notebook answers at once when it runs,
    or never where it is `silent`."""

    async def answers(*_: Any) -> bool:
        return bool(will_answer)

    will_answer = [True]
    monkeypatch.setattr("services.hub.swarm_spawner.answers", answers)
    monkeypatch.setattr(NotebookSpawner, "_client", docker.APIClient(base_url=engine.host, version="auto"))
    monkeypatch.setattr(NotebookSpawner, "_watch", None)
    monkeypatch.setattr(NotebookSpawner, "_node_names", {})

    def make(*, silent: bool = False, **changes: Any) -> Any:
        if silent:
            will_answer.clear()
        made: Any = NotebookSpawner(hub=SimpleNamespace(api_url=HUB), user=SimpleNamespace(name="ada", url="/user/ada/"))
        made.get_env, made.get_args = dict, list
        settings = {"image": IMAGE, "cmd": WAIT_COMMAND, "network_name": "jupyterhub", "room_timeout": 3, **changes}
        for name, value in settings.items():
            setattr(made, name, value)
        return made

    return make
