"""A swarm behind ssh, by the real Pulumi engine and a real sshd: one table for the stand-in and the vendor's plugin."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.docker_engine import DockerEngine
from tests.integration.docker_programs import Swarm, service
from tests.integration.sshd import Server, free_port, new_key

pytest_plugins = ("tests.integration.docker_fixtures",)
PLUGINS = ("docker",)


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


def connect(swarm: Swarm, port: int, key: Path, folder: Path) -> None:
    """Lets the provider sign in with that key alone."""
    options = ["-i", str(key), "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-F", "none"]
    known_hosts = ["-o", "StrictHostKeyChecking=accept-new", "-o", f"UserKnownHostsFile={folder / 'known_hosts'}"]
    swarm.connect(host=f"ssh://root@127.0.0.1:{port}", ssh_opts=[*options, *known_hosts])


def test_a_service_is_made_and_removed_over_ssh(swarm: Swarm, host: Server, key: Path, tmp_path: Path) -> None:
    connect(swarm, host.port, key, tmp_path)
    network = ("Network", "net", {"name": "net", "driver": "overlay"})
    swarm.declare(network, service(task_spec__networks_advanceds=[{"id": "@net"}]))
    made = swarm.pulumi.up().expect_ok()
    assert swarm.engine.inspect("service", "web")["ID"] == made.resource("web")["id"]
    assert swarm.pulumi.up(refresh=True).expect_ok().changes == {}
    assert swarm.pulumi.destroy().expect_ok().changes == {"delete": 4}
    swarm.expect_nothing_left()
    if swarm.is_stand_in:
        sessions = host.log.read_text().count("Accepted publickey")
        assert sessions <= 15, f"connections are used again, not made for each call: {sessions} in three runs"


def test_a_key_that_the_host_does_not_know_is_refused(swarm: Swarm, host: Server, tmp_path: Path) -> None:
    connect(swarm, host.port, new_key(tmp_path, "unknown"), tmp_path)
    swarm.declare(("Volume", "vol", {}))
    failed = swarm.pulumi.up()
    assert not failed.ok
    if swarm.is_stand_in:
        assert f"cannot use Docker at ssh://root@127.0.0.1:{host.port}: " in failed.output
        assert "Permission denied (publickey)" in failed.output


def test_a_host_that_is_down_is_named(swarm: Swarm, key: Path, tmp_path: Path) -> None:
    port = free_port()
    connect(swarm, port, key, tmp_path)
    swarm.declare(("Volume", "vol", {}))
    failed = swarm.pulumi.up()
    assert not failed.ok
    assert "Connection refused" in failed.output
    if swarm.is_stand_in:
        assert f"try it by hand: ssh -l root -p {port} " in failed.output


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("SetEnv DOCKER_HOST=unix:///nowhere/docker.sock", "the Docker daemon does not run there"),
        (
            "ForceCommand setpriv --reuid 65534 --regid 65534 --clear-groups docker system dial-stdio",
            "make it a member of the group `docker`",
        ),
        ("ForceCommand no-such-docker", "the docker command is not on that machine"),
    ],
)
def test_what_ssh_reaches_but_docker_refuses_is_told_with_its_remedy(
    swarm: Swarm, docker_engine: DockerEngine, key: Path, tmp_path: Path, option: str, words: str
) -> None:
    if not swarm.is_stand_in:
        pytest.skip("the vendor's plugin has other words")
    own = "" if "SetEnv" in option else f"SetEnv DOCKER_HOST={docker_engine.host}\n"
    # Under pytest's own folders only root may look.
    swarm.declare(("Volume", "vol", {}))
    server = Server(tmp_path, "host", [key], options=f"{own}{option}")
    server.start()
    try:
        connect(swarm, server.port, key, tmp_path)
        failed = swarm.pulumi.up()
    finally:
        server.stop()
    assert not failed.ok
    assert words in failed.output
