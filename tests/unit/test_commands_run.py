"""The lines that wait for a node and ask it, run for real on a host whose docker only keeps a log."""

from __future__ import annotations

from pathlib import Path

from components import commands
from tests.unit.fake_host import FakeHost, having


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
