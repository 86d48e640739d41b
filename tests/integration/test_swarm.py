"""The lines that make a swarm, on a real engine."""

from __future__ import annotations

from components import commands
from tests.integration.docker_engine import IMAGE, WAIT_COMMAND, DockerEngine

pytest_plugins = ("tests.integration.docker_fixtures",)
INIT = commands.swarm_init("127.0.0.1", "10.201.0.0/16")
WHEN_MADE = "docker node inspect self --format '{{.CreatedAt}}'; docker swarm join-token --quiet worker"
PERIOD = "docker info --format '{{.Swarm.Cluster.Spec.Dispatcher.HeartbeatPeriod.Seconds}}'"


def test_a_swarm_of_before_gets_the_heartbeat_and_stays_the_same(docker_engine: DockerEngine) -> None:
    docker_engine.docker("swarm", "update", "--dispatcher-heartbeat", "5s")
    docker_engine.docker("service", "create", "--quiet", "--name", "kept", IMAGE, *WAIT_COMMAND)
    swarm, container = docker_engine.shell("docker info --format '{{.Swarm.Cluster.ID}}'"), docker_engine.names("container")
    facts = docker_engine.shell(WHEN_MADE)
    for _ in range(2):
        assert docker_engine.shell(INIT) == swarm
        assert docker_engine.shell(PERIOD) == "20"
        assert docker_engine.shell(WHEN_MADE) == facts
        assert docker_engine.names("container") == container
    docker_engine.clear()


def test_a_node_that_somebody_has_drained_stays_so_when_its_line_runs_again(docker_engine: DockerEngine) -> None:
    node = docker_engine.shell("docker node ls --format '{{.Hostname}}'")
    look, line = f"docker node inspect {node} --format '{{{{.Spec.Availability}}}}'", commands.activate(node)
    docker_engine.docker("node", "update", "--availability", "drain", node)
    first = docker_engine.shell(line)
    assert docker_engine.shell(look) == "active"
    docker_engine.docker("node", "update", "--availability", "drain", node)
    assert docker_engine.shell(line) == first
    assert docker_engine.shell(look) == "drain"
    # The removal of a node, interrupted before the node was gone.
    docker_engine.shell(commands.remove_node(node).rpartition("; ")[0])
    docker_engine.shell(line)
    assert docker_engine.shell(look) == "active"


def test_a_node_that_somebody_has_drained_under_an_older_version_stays_so(docker_engine: DockerEngine) -> None:
    node = docker_engine.shell("docker node ls --format '{{.Hostname}}'")
    look = f"docker node inspect {node} --format '{{{{.ID}}}} {{{{.Spec.Availability}}}}'"
    docker_engine.shell(f"docker node update --label-rm {commands.ACTIVATED} {node} || true")
    docker_engine.docker("node", "update", "--availability", "drain", node)
    printed = docker_engine.shell(commands.keep_activated(node))
    assert docker_engine.shell(look) == f"{printed} drain"
    docker_engine.shell(commands.activate(node))
    assert docker_engine.shell(look) == f"{printed} drain"
    docker_engine.docker("node", "update", "--availability", "active", node)


def test_a_new_swarm_has_the_heartbeat_from_its_beginning(docker_engine: DockerEngine) -> None:
    old = docker_engine.shell(INIT)
    docker_engine.docker("swarm", "leave", "--force")
    new = docker_engine.shell(INIT)
    assert new not in ("", old)
    assert docker_engine.shell(PERIOD) == "20"
