"""The lines that make and change a swarm, run for real on a host whose docker only keeps a log."""

from __future__ import annotations

from pathlib import Path

from components import commands
from tests.unit.fake_host import FakeHost, having

TOKEN = "SWMTKN-1-not-for-anyone"


def test_a_node_whose_docker_answers_is_ready(host: FakeHost) -> None:
    host.program("sudo", 'exec "$@"')
    done = host.run(commands.wait_ready(seconds=2))
    assert (done.returncode, done.stdout) == (0, "27.0\n")


def test_a_node_whose_docker_does_not_answer_shows_the_end_of_its_first_boot(host: FakeHost) -> None:
    host.program("sudo", '[ "$1" = docker ] && exec "$@"; echo E: Unable to locate package docker.io')
    done = having(host, "broken").run(commands.wait_ready(seconds=2))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "The node is up, but Docker is not. The end of its first boot:\nE: Unable to locate package docker.io\n"
    )
    assert host.calls("sudo tail") == ["sudo tail -n 25 /var/log/cloud-init-output.log"]


def test_the_mtu_is_that_of_the_interface_of_the_default_route(host: FakeHost) -> None:
    host.program("ip", "echo 'default via 10.20.0.1 dev lo proto dhcp src 10.20.0.10 metric 100'; echo 'default dev eth9'")
    assert host.run(commands.nic_mtu()).stdout == Path("/sys/class/net/lo/mtu").read_text()


def test_a_host_without_a_default_route_has_no_mtu(host: FakeHost) -> None:
    host.program("ip")
    assert host.run(commands.nic_mtu()).returncode != 0


def test_a_fresh_node_makes_a_swarm_and_prints_only_its_id(host: FakeHost) -> None:
    done = host.run(commands.swarm_init("10.20.0.10", "10.200.0.0/16"))
    assert (done.returncode, done.stdout) == (0, "swarm-id\n")
    assert len(host.calls("docker swarm init --advertise-addr 10.20.0.10")) == 1


def test_a_node_that_is_a_manager_already_makes_no_second_swarm(host: FakeHost) -> None:
    done = having(host, "swarm").run(commands.swarm_init("10.20.0.10", "10.200.0.0/16"))
    assert (done.returncode, done.stdout) == (0, "swarm-id\n")
    assert host.calls("docker swarm") == ["docker swarm update --dispatcher-heartbeat 20s"]


def test_a_heartbeat_that_cannot_be_set_is_a_failure(host: FakeHost) -> None:
    done = having(host, "swarm", "broken").run(commands.swarm_init("10.20.0.10", "10.200.0.0/16"))
    assert (done.returncode, done.stdout) == (1, "")


def test_a_swarm_that_cannot_be_made_is_a_failure_and_not_an_empty_id(host: FakeHost) -> None:
    done = having(host, "broken").run(commands.swarm_init("10.20.0.10", "10.200.0.0/16"))
    assert (done.returncode, done.stdout) == (1, "")


def test_a_node_joins_with_the_request_on_standard_input_and_the_token_is_in_no_argument(host: FakeHost) -> None:
    host.program("curl", "cat >request")
    request = commands.join_request("10.20.0.10", "10.20.0.11", TOKEN)
    mark = host.folder / "swarm-id"
    host.program("sudo", 'exec "$@"')
    assert host.run(commands.swarm_join("abc123", str(mark)), stdin=request).returncode == 0
    assert (host.folder / "request").read_text() == request
    assert mark.read_text() == "abc123\n"
    assert len(host.calls("curl")) == 1
    assert not any(TOKEN in call for call in host.calls())


def test_a_node_that_is_in_a_swarm_already_does_not_join_again(host: FakeHost) -> None:
    host.program("curl")
    (mark := host.folder / "swarm-id").write_text("abc123\n")
    assert having(host, "swarm").run(commands.swarm_join("abc123", str(mark)), stdin="{}").returncode == 0
    assert (host.calls("curl"), host.calls("docker swarm")) == ([], [])


def test_a_node_that_is_in_another_swarm_leaves_it_and_joins(host: FakeHost) -> None:
    host.program("curl", "cat >/dev/null")
    host.program("sudo", 'exec "$@"')
    (mark := host.folder / "swarm-id").write_text("old\n")
    assert having(host, "swarm").run(commands.swarm_join("abc123", str(mark)), stdin="{}").returncode == 0
    assert (host.calls("docker swarm"), len(host.calls("curl"))) == (["docker swarm leave --force"], 1)
    assert mark.read_text() == "abc123\n"


def test_a_refused_join_is_a_failure_that_says_why_without_the_token(host: FakeHost) -> None:
    host.program("curl", 'cat >/dev/null; echo \'{"message":"invalid join token"}\'; exit 22')
    done = host.run(
        commands.swarm_join("abc123", str(host.folder / "swarm-id")),
        stdin=commands.join_request("10.20.0.10", "10.20.0.11", TOKEN),
    )
    assert done.returncode == 22
    assert "invalid join token" in done.stdout
    assert TOKEN not in done.stdout + done.stderr


def test_a_node_becomes_active_once_it_is_ready(host: FakeHost) -> None:
    (host.folder / "node").write_text("ready\n")
    done = host.run(commands.activate("worker-0"))
    assert (done.returncode, done.stdout) == (0, "node-id\n")
    assert host.calls("sleep") == ["sleep 2", "sleep 2"]
    assert host.calls("docker node update") == [
        "docker node update --availability active --label-add jupyterhub-swarm.activated=yes worker-0"
    ]


def test_a_node_that_is_down_does_not_become_active(host: FakeHost) -> None:
    (host.folder / "node").write_text("down\n")
    done = host.run(commands.activate("worker-0", seconds=10))
    assert done.returncode == 1
    assert done.stderr == "worker-0 did not become ready within 10 s, see docker node ls\n"
    assert host.calls("docker node update") == []


def test_a_node_is_drained_and_struck_off_only_after_its_tasks_have_ended(host: FakeHost) -> None:
    assert having(host, "node", "tasks").run(commands.remove_node("worker-0")).returncode == 0
    assert host.calls()[1:] == [
        "docker node update --label-rm jupyterhub-swarm.activated worker-0",
        "docker node update --availability drain worker-0",
        "docker node ps worker-0 --filter desired-state=running --quiet",
        "sleep 1",
        "docker node ps worker-0 --filter desired-state=running --quiet",
        "docker node rm --force worker-0",
    ]


def test_a_node_that_is_not_in_the_swarm_is_removed_already(host: FakeHost) -> None:
    assert host.run(commands.remove_node("worker-0")).returncode == 0
    assert host.calls("docker node update") == host.calls("docker node rm") == []
