"""Names on a real swarm: long ones start, and braces in names and values arrive in the container as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import docker
import pytest
from docker.types import DriverConfig, Mount

from services.hub.swarm_spawner import NotebookSpawner
from tests.integration.docker_engine import IMAGE, WAIT_COMMAND, DockerEngine

pytest_plugins = ("tests.integration.docker_fixtures",)

LIMIT_S = 90
LONG = "firstname.lastname@cs.example-university.ac.uk"
BRACES = 'x{{y {{{ }} {{/* */}} {{- .Service.ID -}} {{"{{"}}'
HUB = SimpleNamespace(api_url="http://hub:8081/hub/api", base_url="/hub/", public_host="")
Spawners = Callable[..., Any]


@pytest.fixture
def engine(docker_engine: DockerEngine) -> Iterator[DockerEngine]:
    """The engine, without services, volumes and networks before and after."""
    yield docker_engine
    docker_engine.clear()


@pytest.fixture
def spawner(engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> Spawners:
    """Makes the spawner of a user's server, which answers as soon as it runs; `settings` are the owner's."""

    async def answers(*_: Any) -> bool:
        return True

    async def command() -> list[str]:
        return WAIT_COMMAND

    monkeypatch.setattr("services.hub.swarm_spawner.answers", answers)
    monkeypatch.setattr(NotebookSpawner, "_client", docker.APIClient(base_url=engine.host, version="auto"))
    monkeypatch.setattr(NotebookSpawner, "_node_names", {})

    def make(user: str, server: str = "", **settings: Any) -> Any:
        monkeypatch.setattr(NotebookSpawner, "_watch", None)  # it belongs to the event loop of the start before
        person = SimpleNamespace(name=user, url=f"/user/{user}/")
        row = SimpleNamespace(name=server, server=None)
        made = NotebookSpawner(user=person, orm_spawner=row, hub=HUB, image=IMAGE, network_name="", **settings)
        monkeypatch.setattr(made, "get_command", command)
        return made

    return make


def started(spawner: Any) -> str:
    """Run a start to its end: the name that the server is found by."""
    return str(asyncio.run(asyncio.wait_for(spawner.start(), LIMIT_S))[0])


def environment(engine: DockerEngine) -> dict[str, str]:
    """The variables of the program in the one container."""
    (container,) = engine.names("container")
    entries = engine.docker("exec", container, "cat", "/proc/1/environ").split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


def test_a_server_of_a_long_name_starts_and_a_named_one_beside_it(spawner: Spawners, engine: DockerEngine) -> None:
    one, other = spawner(LONG), spawner(LONG, "My Second Server")
    names = [started(one), started(other)]
    assert engine.names("service") == sorted(names)
    assert all(name.startswith("jupyter-firstname-lastname-cs-example") for name in names)
    for made in (one, other):
        assert asyncio.run(made.poll()) is None
        asyncio.run(made.stop())
    assert engine.names("service") == []


def test_two_servers_whose_names_differ_in_case_run_side_by_side(spawner: Spawners, engine: DockerEngine) -> None:
    started(spawner("ada", "gpu"))
    started(spawner("ada", "GPU"))
    assert len(engine.names("service")) == len(engine.names("container")) == 2


@pytest.mark.parametrize("name", [BRACES, "{{range(200000000)}}x{{end}}", "{{.Node.Hostname}}"])
def test_a_name_with_braces_is_no_template(spawner: Spawners, engine: DockerEngine, name: str) -> None:
    started(spawner("a" + name, name))
    found = environment(engine)
    assert (found["JUPYTERHUB_USER"], found["JUPYTERHUB_SERVER_NAME"]) == ("a" + name, name)


def test_a_value_of_a_hook_is_no_template_and_one_of_the_configuration_is(spawner: Spawners, engine: DockerEngine) -> None:
    own = {"NODE_NAME": "{{.Node.Hostname}}", "WHO": lambda made: made.user.name, "PLAIN": "a b", "LATER": "here"}
    made = spawner("{{.Service.ID}}", environment=own, extra_container_spec={"hostname": "lab-{{.Task.Slot}}"})
    made.environment["LATER"] = BRACES
    made.home_environment = {"HOOK": BRACES}
    started(made)
    found = environment(engine)
    expected = {"WHO": "{{.Service.ID}}", "PLAIN": "a b", "LATER": BRACES, "HOOK": BRACES, "HOSTNAME": "lab-1"}
    assert {name: found[name] for name in expected} == expected
    assert found["NODE_NAME"] == engine.docker("node", "ls", "--format", "{{.Hostname}}")


def test_a_mount_with_braces_is_no_template(spawner: Spawners, engine: DockerEngine) -> None:
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
    driver = DriverConfig("local", options)
    made = spawner("ada")
    labels = {"whose": BRACES}
    made.home_mounts = [Mount(target="/data/{{x", source="home", type="volume", driver_config=driver, labels=labels)]
    started(made)
    assert engine.inspect("volume", "home")["Labels"]["whose"] == BRACES
    (container,) = engine.names("container")
    assert "/data/{{x" in engine.docker("exec", container, "cat", "/proc/mounts")
