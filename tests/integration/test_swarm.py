"""The lines that make a swarm, on real engines; see also test_swarm_certificates.py and test_swarm_workers.py."""

from __future__ import annotations

from components import swarm_commands
from tests.integration.docker_engine import IMAGE, WAIT_COMMAND
from tests.integration.swarm_machines import BEGIN, Pair

pytest_plugins = ("tests.integration.swarm_machines",)
WHEN_MADE = "docker node inspect self --format '{{.CreatedAt}}'; docker swarm join-token --quiet worker"
PERIOD = "Cluster.Spec.Dispatcher.HeartbeatPeriod.Seconds"


def test_a_swarm_of_before_gets_the_heartbeat_and_stays_the_same(pair: Pair) -> None:
    pair.make_swarm()
    manager = pair.manager
    manager.docker("service", "create", "--quiet", "--name", "kept", IMAGE, *WAIT_COMMAND)
    swarm, containers = manager.info("Cluster.ID"), [machine.names("container") for machine in pair]
    facts = manager.shell(WHEN_MADE)
    for _ in range(2):
        assert manager.shell(BEGIN) == swarm
        assert manager.info(PERIOD) == "20"
        assert manager.shell(WHEN_MADE) == facts
        assert [machine.names("container") for machine in pair] == containers


def test_a_new_swarm_in_the_place_of_another_is_a_new_one_with_the_heartbeat(pair: Pair) -> None:
    old = pair.manager.shell(BEGIN)
    pair.manager.docker("swarm", "leave", "--force")
    assert pair.manager.shell(BEGIN) not in ("", old)
    assert pair.manager.info(PERIOD) == "20"


def test_a_worker_that_somebody_has_drained_stays_so_when_its_line_runs_again(pair: Pair) -> None:
    pair.make_swarm()
    node = pair.worker.info("NodeID")

    def drain() -> None:
        pair.manager.docker("node", "update", "--availability", "drain", node)

    def availability() -> str:
        return pair.nodes()[node][2]

    # Drained under a version that left no label: only a worker that is new to it takes notebooks.
    drain()
    pair.manager.shell(swarm_commands.keep_admitted(node, "worker-0", "owner"))
    assert availability() == "Drain"
    pair.manager.docker("node", "update", "--label-rm", "jupyterhub-swarm.activated", node)
    assert pair.manager.shell(swarm_commands.admit(node, "worker-0", "owner")) == node
    assert availability() == "Active"
    # Drained since, and the line runs again. The first of them is as an earlier version left it.
    drain()
    for label in ("yes", "owner"):
        pair.manager.docker("node", "update", "--label-add", f"jupyterhub-swarm.activated={label}", node)
        for line in (swarm_commands.admit, swarm_commands.keep_admitted):
            pair.manager.shell(line(node, "worker-0", "owner"))
            assert availability() == "Drain"
    # A removal that ended before the node was gone.
    pair.manager.shell(swarm_commands.remove(node, "worker-0", "owner").replace("docker node rm", "true"))
    pair.manager.shell(swarm_commands.admit(node, "worker-0", "owner"))
    assert availability() == "Active"
