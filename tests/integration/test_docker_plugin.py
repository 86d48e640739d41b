"""The program's own services, config and network over ssh on a real swarm, by the docker plugin of `make toolchain`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.docker_engine import IMAGE, WAIT_COMMAND, DockerEngine
from tests.integration.sshd import Server, new_key
from tests.integration.workspace import ROOT, Workspace

pytest_plugins = ("tests.integration.docker_fixtures",)
PLUGINS = ("docker",)

# As the hub's component and the swarm's declare them.
PROGRAM = """
import json
import os
import sys

sys.path.insert(0, os.environ["PROJECT"])

import pulumi
import pulumi_docker as docker

from components import services

given = json.loads(os.environ["GIVEN"])
waits = given["command"]
child = pulumi.ResourceOptions(provider=docker.Provider("swarm", host=given["host"], ssh_opts=given["ssh_opts"]))
network = docker.Network(
    "network",
    name="jupyterhub",
    driver="overlay",
    options={"com.docker.network.driver.mtu": "1400"},
    opts=child.merge(pulumi.ResourceOptions(ignore_changes=["options"])),
)
services.manager_service(
    "web",
    services.ServiceArgs(
        service_name="web",
        image=given["image"],
        memory_limit=64 << 20,
        network_id=network.id,
        arguments=waits,
        environment={"GREETING": given["text"], "EQUALS": "a=b"},
        mounts=[
            services.Mount(type="volume", source="data", target="/data"),
            services.Mount(
                type="bind", source="/proc", target="/host", bind_options=services.BindOptions(propagation="rprivate")
            ),
        ],
        secrets=[services.secret_file(given["secret"], "word", "word")],
        configs=[services.config_file("page", given["text"], "/page", child)],
        published=[8080],
        healthcheck=services.Healthcheck(tests=["CMD", "true"], interval="5s", timeout="5s", retries=3, start_period="5s"),
    ),
    child,
)
services.manager_service(
    "door",
    services.ServiceArgs(
        service_name="door", image=given["image"], memory_limit=64 << 20, arguments=waits, on_every_node=[5000]
    ),
    child,
)
"""


class Stack:
    """The program's stack; `declare` says what is to be there from the next run on."""

    def __init__(self, workspace: Workspace, engine: DockerEngine, **given: object) -> None:
        self.pulumi, self.engine, self._given = workspace, engine, given
        workspace.write(PROGRAM)
        workspace.set_env(PROJECT=str(ROOT))

    def declare(self, **given: object) -> None:
        self._given.update(given)
        self.pulumi.set_env(GIVEN=json.dumps(self._given))

    def expect_settled(self) -> None:
        """A second preview, and two runs that read everything first, change nothing."""
        for result in (self.pulumi.preview(), self.pulumi.up(refresh=True), self.pulumi.up(refresh=True)):
            assert result.expect_ok().changes == {}, result.output

    def seen_inside(self) -> str:
        """What the service's container has of its files and its environment."""
        container = self.engine.docker("ps", "-q", "-f", "label=com.docker.swarm.service.name=web").split()[0]
        return self.engine.docker("exec", container, "sh", "-c", "cat /page /run/secrets/word; echo $GREETING$EQUALS")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return new_key(tmp_path, "key")


@pytest.fixture
def host(tmp_path: Path, key: Path, docker_engine: DockerEngine) -> Iterator[Server]:
    """A host whose users reach the tests' engine."""
    server = Server(tmp_path, "host", [key], options=f"SetEnv DOCKER_HOST={docker_engine.host}")
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def stack(pulumi_workspace: Workspace, docker_engine: DockerEngine, host: Server, key: Path) -> Iterator[Stack]:
    """A stack on the engine, which is empty before and after."""
    options = ["-i", str(key), "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    secret = docker_engine.docker("secret", "create", "word", "-", stdin=b"hidden")
    stack = Stack(pulumi_workspace, docker_engine)
    stack.declare(
        host=f"ssh://root@127.0.0.1:{host.port}", ssh_opts=options, image=IMAGE, command=WAIT_COMMAND, text="one", secret=secret
    )
    yield stack
    docker_engine.clear()


def test_what_the_program_declares_is_made_settles_changes_in_place_and_goes(stack: Stack) -> None:
    assert stack.pulumi.up().expect_ok().changes == {"create": 6}
    assert stack.seen_inside() == "onehiddenonea=b"
    stack.expect_settled()

    before = stack.engine.inspect("service", "web")["ID"]
    stack.declare(text="two")
    changed = stack.pulumi.up().expect_ok()
    assert changed.changes == {"create": 1, "update": 1, "delete": 1}, changed.output
    assert stack.engine.inspect("service", "web")["ID"] == before
    assert stack.seen_inside() == "twohiddentwoa=b"

    stack.engine.docker("service", "rm", "door")
    stack.engine.docker("service", "update", "--detach", "--env-add", "GREETING=three", "web")
    assert stack.pulumi.up(refresh=True).expect_ok().changes == {"create": 1, "update": 1}
    assert stack.pulumi.up(refresh=True).expect_ok().changes == {}

    assert stack.pulumi.destroy().expect_ok().changes == {"delete": 6}
    left = {kind: stack.engine.names(kind) for kind in ("service", "network", "config", "secret")}
    assert left == {"service": [], "network": [], "config": [], "secret": ["word"]}


def test_a_service_whose_program_takes_long_to_end_goes_all_the_same(stack: Stack) -> None:
    stack.declare(command=["sh", "-c", "trap 'sleep 15; exit' TERM; sleep 1000 & wait"])
    stack.pulumi.up().expect_ok()
    assert stack.pulumi.destroy().expect_ok().changes == {"delete": 6}


def test_a_host_that_does_not_let_us_in_is_named(stack: Stack, host: Server) -> None:
    host.stop()
    failed = stack.pulumi.up()
    assert not failed.ok
    assert f"127.0.0.1 port {host.port}: Connection refused" in failed.output
