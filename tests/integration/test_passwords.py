"""Generated passwords over the life of a stack, by the real Pulumi engine over ssh, on a real swarm: the outputs open."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.command_programs import HEAD, tell_hosts
from tests.integration.conftest import SshHosts
from tests.integration.docker_engine import IMAGE, DockerEngine
from tests.integration.workspace import ROOT, Result, Workspace

pytest_plugins = ("tests.integration.docker_fixtures",)
PLUGINS = ("command", "docker")

# The components themselves on the tests' engine. What differs from a stack: where the password is kept, the service's image.
PROGRAM = (
    HEAD
    + """
import pulumi_docker as docker

from components import swarm_secrets
from components.node import Node
from components.services import ServiceArgs, manager_service

swarm_secrets.password_commands.FOLDER = os.environ["KEPT"]
machine = pulumi.ComponentResource("test:index:Machine", "machine")
connected = connection(dial_error_limit=int(os.environ["DIALS"]))
node = Node(
    name="manager-0", address=pulumi.Output.from_input("127.0.0.1"), connection=connected, machine=machine,
    machine_id=pulumi.Output.from_input("machine-1"),
)
provider = docker.Provider("swarm", host=os.environ["DOCKER_HOST"])
secrets = []
if os.environ["AUTH"] == "dummy":
    secret, text = swarm_secrets.SecretMaker("hub", node, os.environ["SWARM"], None).password("password", 20, "hub")
    secrets.append(secret)
    pulumi.export("password", text)
manager_service(
    "hub",
    ServiceArgs(service_name="hub", image=os.environ["IMAGE"], memory_limit=64 << 20, secrets=secrets,
        arguments=["sh", "-c", "trap exit TERM; sleep 1000 & wait"]),
    pulumi.ResourceOptions(provider=provider),
)
"""
)
# How the password was made before there was a file of it: the same resources, by other lines.
MADE_BEFORE = """
    generated = remote.Command(
        "hub-password-text", connection=connected, create="tr -dc 'a-km-z2-9' </dev/urandom | head -c 20",
        triggers=["swarm-1"], logging=remote.Logging.NONE,
        opts=pulumi.ResourceOptions(additional_secret_outputs=["stdout"]),
    )
    text = pulumi.Output.secret(generated.stdout)
    stored = remote.Command(
        "hub-password", connection=connected, create=commands.store_secret("jupyterhub-password"),
        delete=commands.remove_secret("jupyterhub-password"), stdin=text, triggers=["swarm-1"],
        opts=pulumi.ResourceOptions(delete_before_replace=True),
    )
    secret = secret_file(stored.stdout, "jupyterhub-password", "password")
"""
BEFORE = (
    re.sub("\n    secret, text = .*\n", lambda _: MADE_BEFORE, PROGRAM)
    .replace("import ServiceArgs, manager_service", "import ServiceArgs, manager_service, secret_file")
    .replace("import swarm_secrets", "import commands, swarm_secrets")
)
SUDO = '#!/bin/sh\nexec "$@"\n'


class Stack:
    """A manager that is reached by ssh, with the tests' engine as its Docker."""

    def __init__(self, workspace: Workspace, hosts: SshHosts, engine: DockerEngine, folder: Path) -> None:
        self.pulumi, self._engine = workspace, engine
        programs, self.kept = folder / "programs", folder / "kept"
        programs.mkdir()
        (programs / "sudo").write_text(SUDO)
        (programs / "sudo").chmod(0o755)
        with hosts.target.config.open("a") as config:
            config.write(f"SetEnv DOCKER_HOST={engine.host} PATH={programs}:/usr/local/bin:/usr/bin:/bin\n")
        hosts.target.start()
        tell_hosts(workspace, hosts)
        workspace.set_env(PYTHONPATH=str(ROOT), KEPT=str(self.kept), DOCKER_HOST=engine.host, IMAGE=IMAGE)
        self.declare()
        workspace.write(PROGRAM)

    def declare(self, auth: str = "dummy", dials: int = 2, swarm: str = "swarm-1") -> None:
        """What differs from the next run on: how people sign in, how often a connection is tried, the swarm's id."""
        self.pulumi.set_env(AUTH=auth, DIALS=str(dials), SWARM=swarm)

    def up(self) -> Result:
        """Run it. The password is in nothing that the engine shows or keeps."""
        done, password = self.pulumi.up().expect_ok(), self.said()
        for text in (done.output, *done.messages, *(path.read_text(errors="replace") for path in self.pulumi.files())):
            assert password == "" or password not in text
        return done

    def said(self) -> str:
        """The password by the stack's outputs."""
        shown = self.pulumi.open_state()["deployment"]["resources"][0].get("outputs", {}).get("password", {})
        return str(json.loads(shown["plaintext"])) if shown else ""

    def opens(self) -> str:
        """The password that the service has."""
        wait_for(lambda: len(self._containers()) == 1, "the service's one container")
        return self._engine.docker("exec", self._containers()[0], "cat", "/run/secrets/password")

    def end_service(self) -> None:
        """The service stays, and none of its containers runs."""
        self._engine.docker("service", "scale", "--detach", "hub=0")
        wait_for(lambda: not self._containers(), "the service's container to end")

    def new_swarm(self) -> None:
        """The swarm is lost, and the manager begins another one."""
        self._engine.docker("swarm", "leave", "--force")
        self._engine.docker("swarm", "init", "--advertise-addr", "127.0.0.1", "--default-addr-pool", "10.201.0.0/16")

    def secrets(self) -> list[str]:
        """The names of the swarm's secrets."""
        return self._engine.names("secret")

    def _containers(self) -> list[str]:
        return self._engine.docker("ps", "--quiet", "--filter", "label=com.docker.swarm.service.name=hub").split()


def wait_for(done: Callable[[], bool], what: str) -> None:
    """Wait for a change of the engine."""
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.2)


@pytest.fixture
def stack(pulumi_workspace: Workspace, ssh_hosts: SshHosts, docker_engine: DockerEngine, tmp_path: Path) -> Iterator[Stack]:
    yield Stack(pulumi_workspace, ssh_hosts, docker_engine, tmp_path)
    docker_engine.clear()


def test_a_new_connection_changes_no_password(stack: Stack) -> None:
    stack.up()
    first, secrets = stack.said(), stack.secrets()
    assert len(first) == 20
    assert stack.opens() == first
    stack.declare(dials=3)
    changed = stack.up()
    assert changed.changes == {"update": 2}
    assert (stack.said(), stack.opens(), stack.secrets()) == (first, first, secrets)


def test_a_password_that_the_manager_has_lost_is_the_one_of_the_service(stack: Stack) -> None:
    stack.up()
    first = stack.said()
    shutil.rmtree(stack.kept)
    stack.declare(dials=3)
    stack.up()
    assert (stack.said(), stack.opens()) == (first, first)


def test_a_password_that_nobody_knows_any_more_is_replaced_in_the_service_too(stack: Stack) -> None:
    stack.up()
    first = stack.said()
    shutil.rmtree(stack.kept)
    stack.end_service()
    stack.declare(dials=3)
    stack.up()
    assert stack.said() not in ("", first)
    assert stack.opens() == stack.said()
    assert len(stack.secrets()) == 1


def test_the_password_of_a_setting_that_went_and_came_back_is_a_new_one_that_opens(stack: Stack) -> None:
    stack.up()
    first = stack.said()
    stack.declare(auth="github")
    stack.up()
    assert (stack.said(), stack.secrets(), list(stack.kept.iterdir())) == ("", [], [])
    stack.declare(auth="dummy", dials=3)
    stack.up()
    assert stack.said() not in ("", first)
    assert stack.opens() == stack.said()


def test_a_new_swarm_on_the_same_manager_has_the_same_password(stack: Stack) -> None:
    stack.up()
    first = stack.said()
    stack.new_swarm()
    stack.declare(swarm="swarm-2")
    stack.pulumi.refresh().expect_ok()
    for dials in (2, 3):
        stack.declare(swarm="swarm-2", dials=dials)
        stack.up()
        assert (stack.said(), stack.opens()) == (first, first)


def test_a_person_can_have_the_password_changed(stack: Stack) -> None:
    stack.up()
    first = stack.said()
    (stack.kept / "password").write_text("")
    stack.pulumi.replace("hub-password-text").expect_ok()
    second = stack.said()
    assert second not in ("", first)
    assert stack.opens() == second == (stack.kept / "password").read_text()
    assert len(stack.secrets()) == 1


def test_a_stack_of_before_whose_output_was_wrong_tells_the_right_password_after_an_upgrade(stack: Stack) -> None:
    stack.pulumi.write(BEFORE)
    stack.up()
    real = stack.opens()
    stack.declare(dials=3)
    stack.up()
    assert stack.said() != real
    assert stack.opens() == real
    stack.pulumi.write(PROGRAM)
    stack.up()
    assert (stack.said(), stack.opens()) == (real, real)
    assert "jupyterhub-password" not in stack.secrets()


def test_an_upgrade_that_failed_between_the_new_secret_and_the_service_is_made_good_by_the_next_up(stack: Stack) -> None:
    stack.pulumi.write(BEFORE)
    stack.up()
    first = stack.said()
    # Docker refuses the service.
    stack.pulumi.write(PROGRAM.replace("64 << 20", "1 << 10"))
    assert not stack.pulumi.up().ok
    assert (stack.opens(), len(stack.secrets())) == (first, 2)
    stack.pulumi.write(PROGRAM)
    stack.up()
    assert (stack.said(), stack.opens(), len(stack.secrets())) == (first, first, 1)
    assert stack.pulumi.up(refresh=True).expect_ok().changes == {}
