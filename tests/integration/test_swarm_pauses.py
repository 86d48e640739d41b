"""A machine that stands still for half a minute, on a real swarm of two engines: nothing is ended."""

from __future__ import annotations

import time

import pytest

from tests.integration.docker_engine import IMAGE, DockerEngine
from tests.integration.swarm_machines import BEGIN, Pair

pytest_plugins = ("tests.integration.swarm_machines",)
# Seconds. By then each node has given a sign of life, and so has been told the new period.
OLD_PERIOD, PAUSE, RECOVERY = 6, 30, 60
ANSWERS = ["sh", "-c", "while true; do echo alive | busybox nc -l -p 9000; done"]
ASK = ["/bin/busybox", "timeout", "5", "/bin/busybox", "nc", "notebook", "9000"]


@pytest.mark.parametrize("which", [1, 0], ids=["worker", "manager"])
def test_a_machine_that_stands_still_for_half_a_minute_ends_no_task(pair: Pair, which: int) -> None:
    manager, worker = pair
    pair.make_swarm()
    manager.docker("network", "create", "--driver", "overlay", "--attachable", "jupyterhub")
    alike = ("service", "create", "--quiet", "--network", "jupyterhub", "--endpoint-mode", "dnsrr", "--restart-condition", "none")
    manager.docker(*alike, "--name", "notebook", "--constraint", "node.role==worker", IMAGE, *ANSWERS)
    manager.docker(*alike, "--name", "hub", "--constraint", "node.role==manager", IMAGE, "sleep", "1000")
    manager.shell(BEGIN)
    time.sleep(OLD_PERIOD)
    notebook, tasks = worker.names("container"), "docker service ps --format '{{.ID}} {{.DesiredState}}' notebook"
    before = manager.shell(tasks)
    assert asked(manager) == "alive"
    with pair[which].standing_still():
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
