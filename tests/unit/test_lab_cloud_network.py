"""Ranges of addresses, name servers: what the lab chooses on a machine that uses some already."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from lab import cloud_network
from lab.cloud_network import FLOATING, SUBNETS, Taken
from lab.process import LabError


def taken(text: str, by: str = "route by eth0") -> Taken:
    return Taken(network=IPv4Network(text), by=by)


def test_the_preferred_range_is_taken_when_it_is_free() -> None:
    assert cloud_network.choose("it", "LAB_SUBNET", SUBNETS, []) == IPv4Network(SUBNETS[0])


def test_a_range_inside_a_wider_route_is_passed_over() -> None:
    chosen = cloud_network.choose("it", "LAB_SUBNET", SUBNETS, [taken("172.16.0.0/12")])
    assert chosen == IPv4Network("192.168.177.0/24")


def test_the_candidates_for_the_container_and_for_floating_ips_do_not_overlap() -> None:
    assert not any(IPv4Network(one).overlaps(IPv4Network(other)) for one in SUBNETS for other in FLOATING)


def test_without_a_free_range_the_error_says_what_is_in_the_way_and_what_to_set() -> None:
    with pytest.raises(LabError) as caught:
        cloud_network.choose("floating IPs", "LAB_FLOATING", FLOATING, [taken("0.0.0.0/0", "docker network huge")])
    assert "172.24.4.0/24 overlaps 0.0.0.0/0 (docker network huge)" in str(caught.value)
    assert "set LAB_FLOATING" in str(caught.value)


@pytest.mark.parametrize(
    ("wish", "said"), [("10.1.2", "no IPv4 range"), ("10.1.2.0/28", "room for 16"), ("10.0.5.0/24", "overlaps")]
)
def test_a_wished_range_is_checked_and_never_replaced_by_another(wish: str, said: str) -> None:
    with pytest.raises(LabError, match=said):
        cloud_network.choose("it", "LAB_SUBNET", SUBNETS, [taken("10.0.0.0/16")], wish)


def test_routes_count_as_taken_but_for_the_default_the_loopback_and_the_labs_own() -> None:
    text = json.dumps(
        [
            {"dst": "default", "dev": "eth0"},
            {"dst": "192.0.2.0/24", "dev": "eth0"},
            {"dst": "127.0.0.0/8", "dev": "lo"},
            {"dst": "172.30.0.0/24", "dev": "br-jhlab"},
            {"type": "unreachable", "dst": "10.9.0.0/16"},
        ]
    )
    found = cloud_network.parse_routes(text, frozenset({"br-jhlab"}))
    assert [str(each.network) for each in found] == ["192.0.2.0/24", "10.9.0.0/16"]
    assert found[0].by == "route by eth0"


def test_docker_networks_count_as_taken_but_for_the_labs_own_and_ipv6() -> None:
    text = json.dumps(
        [
            {"Name": "bridge", "IPAM": {"Config": [{"Subnet": "172.17.0.0/16"}, {"Subnet": "fd00::/64"}]}},
            {"Name": "host", "IPAM": {"Config": None}},
            {"Name": "jupyterhub-swarm-lab", "IPAM": {"Config": [{"Subnet": "172.30.0.0/24"}]}},
        ]
    )
    found = cloud_network.parse_docker_networks(text, "jupyterhub-swarm-lab")
    assert [(str(each.network), each.by) for each in found] == [("172.17.0.0/16", "docker network bridge")]


def test_name_servers_of_the_machine_itself_are_of_no_use_to_guests() -> None:
    text = "# x\nnameserver 127.0.0.53\nnameserver fd00::1\nnameserver 10.1.1.1\noptions edns0\nnameserver 10.1.1.2\n"
    assert cloud_network.parse_name_servers(text) == ["10.1.1.1", "10.1.1.2"]


def test_a_machine_without_usable_name_servers_is_told_of_lab_dns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = tmp_path / "resolv.conf"
    stub.write_text("nameserver 127.0.0.53\n")
    monkeypatch.setattr(cloud_network, "RESOLV_CONF", (stub, tmp_path / "missing"))
    monkeypatch.delenv("LAB_DNS", raising=False)
    with pytest.raises(LabError, match="set LAB_DNS"):
        cloud_network.name_servers()
    monkeypatch.setenv("LAB_DNS", "10.1.1.1,10.1.1.2")
    assert cloud_network.name_servers() == ["10.1.1.1", "10.1.1.2"]
