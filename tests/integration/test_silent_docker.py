"""The real hub on a real swarm whose Docker, or notebook, gives errors or no answer for a while: nothing that runs is ended."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from components import sign_in
from components.sign_in import Auth
from tests.integration.docker_engine import DockerEngine
from tests.integration.faulty_docker import Fault, FaultyDocker
from tests.integration.swarm_hub import SwarmHub
from tests.unit.hub_files import SETTINGS

pytest_plugins = ("tests.integration.docker_fixtures",)

CONFIG = """
c.NotebookSpawner.cmd = ["busybox", "httpd", "-f", "-p", "8888"]
c.JupyterHub.tornado_settings = dict(slow_spawn_timeout=0, slow_stop_timeout=1)
c.JupyterHub.init_spawners_timeout = 2
c.Spawner.http_timeout = 5
c.Spawner.poll_interval = 1
"""
FAULTS = [Fault.ERROR, Fault.CLOSED, Fault.SILENCE]


class Scene:
    """A hub and what stands between it and Docker."""

    def __init__(self, engine: DockerEngine, hub: SwarmHub, docker: FaultyDocker) -> None:
        self.engine, self.hub, self.docker = engine, hub, docker

    def container(self, user: str) -> str:
        """The container of the user's server; empty where it has none that runs."""
        return self.engine.docker("container", "ls", "--quiet", "--filter", f"name=jupyter-{user}.")

    def until_asked(self, times: int) -> None:
        """Until the hub has met the fault so many times more."""
        enough = self.docker.refused + times
        self.hub.until(lambda: self.docker.refused >= enough)


@pytest.fixture(scope="module")
def everything(docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The hub, for all tests."""
    folder = tmp_path_factory.mktemp("hub")
    docker_engine.docker("network", "create", "--driver", "overlay", "jupyterhub")
    docker = FaultyDocker(folder / "docker.sock", docker_engine.socket)
    people = sign_in.parse(Auth.DUMMY, (), (), {}).rendered("")
    settings = dataclasses.replace(SETTINGS, sign_in=people, lasting_homes=False, idle_timeout=0)
    hub = SwarmHub(folder, settings, docker_engine, CONFIG, docker.host)
    try:
        hub.start()
        hub.begin("ada")
        hub.until(lambda: hub.is_ready("ada"))
        yield Scene(docker_engine, hub, docker)
    finally:
        docker.close()
        hub.stop()
        docker_engine.clear()


@pytest.fixture
def scene(everything: Scene) -> Iterator[Scene]:
    """The hub with Ada's server, and with a Docker that answers again after the test."""
    everything.docker.set(Fault.NONE)
    yield everything
    everything.docker.set(Fault.NONE)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_hub_that_starts_while_docker_does_not_answer_comes_up_and_keeps_the_servers(scene: Scene, fault: Fault) -> None:
    before = scene.container("ada")
    scene.hub.stop()
    scene.docker.set(fault)
    scene.hub.start()
    if fault is not Fault.SILENCE:
        scene.until_asked(2)
    assert scene.hub.server("ada")
    scene.docker.set(Fault.NONE)
    scene.hub.until(lambda: scene.hub.is_ready("ada"))
    assert scene.container("ada") == before != ""
    assert scene.hub.kept_of("ada") == (1, 1)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_running_hub_answers_while_docker_does_not_and_takes_no_server_for_dead(scene: Scene, fault: Fault) -> None:
    scene.docker.set(fault)
    status, told = scene.hub.request("POST", "hub/api/users/ada/server")
    assert (status, told["message"]) == (400, "ada is already running")
    scene.until_asked(2 if fault is not Fault.SILENCE else 1)
    assert scene.hub.is_ready("ada")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_start_goes_on_when_docker_answers_again(scene: Scene, fault: Fault) -> None:
    user = f"ben-{fault.name.lower()}"
    scene.docker.set(fault)
    scene.hub.begin(user)
    if fault is not Fault.SILENCE:
        scene.hub.until(lambda: "Docker does not answer" in scene.hub.first_of(f"hub/api/users/{user}/server/progress"))
    scene.docker.set(Fault.NONE)
    scene.hub.until(lambda: scene.hub.is_ready(user))


def test_a_server_that_does_not_answer_a_hub_that_starts_is_kept(scene: Scene) -> None:
    before = scene.container("ada")
    scene.hub.stop()
    scene.engine.docker("container", "pause", before)  # as while its home is away
    try:
        scene.hub.start()
        scene.hub.until(lambda: scene.hub.is_ready("ada"))
    finally:
        scene.engine.docker("container", "unpause", before)
    assert scene.container("ada") == before != ""
    assert scene.hub.kept_of("ada") == (1, 1)


def test_a_stop_while_docker_does_not_answer_is_done_when_it_does(scene: Scene) -> None:
    scene.docker.set(Fault.ERROR)
    assert scene.hub.end("ada") == 202
    assert scene.hub.server("ada")["pending"] == "stop"
    scene.docker.set(Fault.NONE)
    scene.hub.until(lambda: not scene.hub.server("ada"))
    assert scene.hub.kept_of("ada") == (0, 0)
    assert "jupyter-ada" not in scene.engine.names("service")
