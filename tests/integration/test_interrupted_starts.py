"""The real hub ends in the middle of starts, at each of their moments, and new ones find them on the real swarm.

The hubs end once for all tests: each user's server is at another moment then, and each test looks at one of them.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from components import sign_in
from components.sign_in import Auth
from tests.integration.docker_engine import IMAGE, DockerEngine
from tests.integration.swarm_hub import SwarmHub
from tests.unit.hub_files import SETTINGS

pytest_plugins = ("tests.integration.docker_fixtures",)

REGISTRY_PORT = 5999
SLOW_IMAGE = f"127.0.0.1:{REGISTRY_PORT}/box:1"
# By the names of the users: how far their starts come. A server that waits answers once its file is there.
CONFIG = """
import asyncio, os
from services.hub.swarm_spawner import NotebookSpawner

class Held(NotebookSpawner):
    async def get_ip_and_port(self):
        while self.user.name in ("answering", "unreached") and os.path.exists({hold!r}):
            await asyncio.sleep(0.1)
        if self.user.name == "unreached":
            self.http_timeout = 2
            return "127.0.0.1", 1
        return await super().get_ip_and_port()

    async def start_object(self):
        self.room_timeout = 5 if self.user.name == "roomless" and not os.path.exists({hold!r}) else 600
        await super().start_object()

async def by_name(spawner):
    name, server = spawner.user.name, "exec busybox httpd -f -p 8888"
    while name == "early" and os.path.exists({hold!r}):
        await asyncio.sleep(0.1)
    if name == "deserted" and os.path.exists({hold!r}):
        server = "sleep 1000"
    if name in ("silent", "ending"):
        server = "until [ -e /go ]; do sleep 0.2; done; " + ("exit 3" if name == "ending" else server)
    spawner.cmd = ["sh", "-c", server]
    spawner.image = {slow!r} if name == "preparing" else {image!r}
    spawner.placement_constraints = ["node.labels." + name + "==yes"] if name in ("pending", "roomless", "stopped") else []

c.JupyterHub.spawner_class = Held
c.JupyterHub.tornado_settings = dict(slow_spawn_timeout=0)
c.Spawner.pre_spawn_hook = by_name
c.Spawner.http_timeout = 250
"""
# When the hub dies: the user's server by the state of its task.
MOMENTS = {
    "early": "none",
    "pending": "pending",
    "roomless": "pending",
    "stopped": "pending",
    "preparing": "preparing",
    "silent": "running",
    "ending": "running",
    "answering": "running",
    "unreached": "running",
    "settled": "running",
    "upgraded": "running",
    "deserted": "running",
}


class Scene:
    """The swarm, the hub, and the registry that an image is asked from."""

    def __init__(self, engine: DockerEngine, folder: Path) -> None:
        self.engine, self._hold = engine, folder / "hold"
        self._hold.touch()
        engine.docker("network", "create", "--driver", "overlay", "jupyterhub")
        engine.docker("tag", IMAGE, SLOW_IMAGE)
        # It takes connections and says nothing; once it is closed, Docker takes the image that is there.
        self.registry = engine.network.listen("127.0.0.1", REGISTRY_PORT)
        people = sign_in.parse(Auth.DUMMY, (), (), {}).rendered("")
        settings = dataclasses.replace(SETTINGS, sign_in=people, lasting_homes=False, idle_timeout=0)
        config = CONFIG.format(hold=str(self._hold), slow=SLOW_IMAGE, image=IMAGE)
        self.hub = SwarmHub(folder, settings, engine, config)
        self.containers: dict[str, str] = {}

    def restart_in_the_middle(self) -> None:
        """Start everybody's server, end the hub when each is at its moment, and the next hub too, and start a third."""
        self.hub.start()
        for user in MOMENTS:
            self.hub.begin(user)
        self.hub.until(lambda: {user: self.state(user) for user in MOMENTS} == MOMENTS)
        self.hub.until(lambda: self.hub.is_ready("settled") and self.hub.is_ready("upgraded"))
        self.hub.until(lambda: "The notebook answers" in self.told("answering"))
        assert {self.hub.kept_of(user) for user in MOMENTS} == {(1, 1)}
        self.containers = {user: self.container(user) for user in MOMENTS}
        self.hub.stop()  # as an update of the hub does
        self.hub.start()
        self.hub.until(lambda: "Waiting for a node" in self.told("pending"))
        self.hub.kill()  # in the middle of going on
        self.forget_the_token("upgraded")
        self.engine.docker("container", "kill", self.container("deserted"))
        self.hub.until(lambda: self.state("deserted") == "failed")
        self._hold.unlink()
        self.hub.start()

    def forget_the_token(self, user: str) -> None:
        """What the database has of a server that a hub before this version of it started."""
        with sqlite3.connect(self.hub.state) as database:
            where = "where user_id = (select id from users where name = ?)"
            database.execute(f"update spawners set state = json_remove(state, '$.token_hash') {where}", (user,))

    def told(self, user: str) -> str:
        """The first of what the spawn page of the user would show."""
        return self.hub.first_of(f"hub/api/users/{user}/server/progress")

    def state(self, user: str) -> str:
        """The state of the task of the user's server."""
        if f"jupyter-{user}" not in self.engine.names("service"):
            return "none"
        shown = self.engine.docker("service", "ps", "--format", "{{.CurrentState}}", f"jupyter-{user}")
        return (shown.split() or ["New"])[0].lower()

    def container(self, user: str) -> str:
        """The container of the user's server; empty where it has none that runs."""
        return self.engine.docker("container", "ls", "--quiet", "--filter", f"name=jupyter-{user}.")

    def let_go(self, user: str) -> None:
        """What keeps that user's server back ends."""
        if user in ("silent", "ending"):
            self.engine.docker("container", "exec", self.container(user), "busybox", "touch", "/go")
        elif user == "preparing":
            self.registry.close()
        elif user == "pending":
            node = self.engine.docker("node", "ls", "--quiet")
            self.engine.docker("node", "update", "--label-add", "pending=yes", node)

    def is_gone(self, user: str) -> bool:
        """Whether nothing is left of the user's server, in the hub, its database and the swarm."""
        return not self.hub.server(user) and self.hub.kept_of(user) == (0, 0) and self.state(user) == "none"

    def close(self) -> None:
        """End what runs."""
        self.registry.close()
        self.hub.stop()
        self.engine.clear()


@pytest.fixture(scope="module")
def scene(docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The third hub, after the first was ended and the second killed while everybody's server was at its moment."""
    made = Scene(docker_engine, tmp_path_factory.mktemp("hub"))
    try:
        made.restart_in_the_middle()
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("user", ["pending", "preparing", "silent", "answering", "settled", "upgraded"])
def test_a_server_that_starts_is_adopted_can_be_used_and_leaves_nothing_at_its_end(scene: Scene, user: str) -> None:
    scene.let_go(user)
    scene.hub.until(lambda: scene.hub.is_ready(user) and scene.hub.target(user) == f"http://jupyter-{user}:8888")
    assert scene.containers[user] in ("", scene.container(user))
    assert scene.hub.kept_of(user) == (1, 1)
    assert scene.hub.end(user) in (202, 204)
    scene.hub.until(lambda: scene.is_gone(user))


def test_a_server_that_ended_while_no_hub_was_there_is_started_once_more(scene: Scene) -> None:
    scene.hub.until(lambda: scene.hub.is_ready("deserted"))
    assert scene.container("deserted") not in ("", scene.containers["deserted"])
    assert scene.hub.kept_of("deserted") == (1, 1)
    assert scene.hub.end("deserted") in (202, 204)
    scene.hub.until(lambda: scene.is_gone("deserted"))


def test_a_start_that_had_no_service_yet_is_cleared_away_with_its_token_and_oauth_client(scene: Scene) -> None:
    scene.hub.until(lambda: scene.is_gone("early"))


def test_a_server_that_ends_instead_of_answering_is_cleared_away_and_told_with_its_log(scene: Scene) -> None:
    scene.let_go("ending")
    scene.hub.until(lambda: scene.is_gone("ending"))
    assert "while it started: task: non-zero exit (3)" in scene.told("ending")


def test_a_server_that_answers_and_then_cannot_be_reached_is_cleared_away_and_told(scene: Scene) -> None:
    scene.hub.until(lambda: scene.is_gone("unreached"))
    assert "Your server started, but the hub could not reach it" in scene.told("unreached")


def test_a_server_that_finds_no_room_is_cleared_away_and_told_why(scene: Scene) -> None:
    scene.hub.until(lambda: scene.is_gone("roomless"))
    assert "Swarm says: no suitable node" in scene.told("roomless")


def test_a_start_that_goes_on_is_shown_and_can_be_stopped_by_its_user(scene: Scene) -> None:
    assert "Waiting for a node" in scene.told("stopped")
    assert scene.hub.end("stopped") in (202, 204), scene.hub.log()[-5000:]
    scene.hub.until(lambda: scene.is_gone("stopped"))
    scene.hub.begin_again("stopped")
    scene.hub.until(lambda: scene.state("stopped") == "pending")
