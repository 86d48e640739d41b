"""A machine that stands still for half a minute, on a real swarm of two engines: nothing is ended."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from components import commands
from tests.integration.docker_engine import IMAGE, DockerEngine

MANAGER, WORKER = "10.202.0.1", "10.202.0.2"
# Seconds. By then each node has given a sign of life, and so has been told the new period.
OLD_PERIOD, PAUSE, RECOVERY = 6, 30, 60
CABLE = f"""
ip link add to-worker netns "$0" type veth peer name to-manager netns "$1"
nsenter --net=/proc/"$0"/ns/net sh -c "ip addr add {MANAGER}/24 dev to-worker; ip link set to-worker up"
nsenter --net=/proc/"$1"/ns/net sh -c "ip addr add {WORKER}/24 dev to-manager; ip link set to-manager up"
"""
ANSWERS = ["sh", "-c", "while true; do echo alive | busybox nc -l -p 9000; done"]
ASK = ["/bin/busybox", "timeout", "5", "/bin/busybox", "nc", "notebook", "9000"]


@pytest.fixture
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DockerEngine, DockerEngine]]:
    """A manager and a worker, with a cable between them and Docker's own heartbeat."""
    manager, worker = (DockerEngine(tmp_path_factory.mktemp(name), name) for name in ("manager", "worker"))
    try:
        for engine in (manager, worker):
            engine.start()
            engine.docker("swarm", "leave", "--force")
        subprocess.run(["sh", "-ec", CABLE, str(manager.network.pid), str(worker.network.pid)], check=True)
        manager.docker("swarm", "init", "--advertise-addr", MANAGER, "--default-addr-pool", "10.201.0.0/16")
        token = manager.shell(commands.worker_token())
        worker.docker("swarm", "join", "--advertise-addr", WORKER, "--token", token, f"{MANAGER}:2377")
        yield manager, worker
    finally:
        worker.stop()
        manager.stop()


@pytest.mark.parametrize("which", [1, 0], ids=["worker", "manager"])
def test_a_machine_that_stands_still_for_half_a_minute_ends_no_task(
    engines: tuple[DockerEngine, DockerEngine], which: int
) -> None:
    manager, worker = engines
    manager.docker("network", "create", "--driver", "overlay", "--attachable", "jupyterhub")
    alike = ("service", "create", "--quiet", "--network", "jupyterhub", "--endpoint-mode", "dnsrr", "--restart-condition", "none")
    manager.docker(*alike, "--name", "notebook", "--constraint", "node.role==worker", IMAGE, *ANSWERS)
    manager.docker(*alike, "--name", "hub", "--constraint", "node.role==manager", IMAGE, "sleep", "1000")
    manager.shell(commands.swarm_init(MANAGER, "10.201.0.0/16"))
    time.sleep(OLD_PERIOD)
    notebook, tasks = worker.names("container"), "docker service ps --format '{{.ID}} {{.DesiredState}}' notebook"
    before = manager.shell(tasks)
    assert asked(manager) == "alive"
    with engines[which].standing_still():
        time.sleep(PAUSE)
    end = time.monotonic() + RECOVERY
    while (answer := asked(manager)) != "alive" and time.monotonic() < end:
        time.sleep(1)
    assert (manager.shell(tasks), worker.names("container"), answer) == (before, notebook, "alive")
    assert set(manager.shell("docker node ls --format '{{.Status}}'").split()) == {"Ready"}


def asked(manager: DockerEngine) -> str:
    """What the notebook answers to the hub, over the overlay network and by its name; an empty text where it does not."""
    hub = next(name for name in manager.names("container") if name.startswith("hub."))
    try:
        return manager.docker("exec", hub, *ASK)
    except AssertionError:
        return ""
