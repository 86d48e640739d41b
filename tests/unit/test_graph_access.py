"""Who can reach which port of which node, and by which way the program itself comes in."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest

from tests.unit.graphs import COMMAND, PORT, SECURITY_RULE, Graph, revealed

CHOSEN = '["192.0.2.0/24", "198.51.100.7/32"]'
GraphOf = Callable[..., Graph]


@pytest.fixture(scope="module")
def chosen(graph_of: GraphOf) -> Graph:
    """The graph of a stack that allows ssh from two ranges."""
    return graph_of(workers="2", sshAllowedCidrs=CHOSEN)


def openings(graph: Graph) -> set[tuple[str, int, str]]:
    """Each (protocol, port, range of addresses) that some group opens; fails where a rule opens a range of ports."""
    ranges = [rule.inputs for rule in graph.of_type(SECURITY_RULE) if "remoteGroupId" not in rule.inputs]
    assert all(rule["portRangeMin"] == rule["portRangeMax"] for rule in ranges)
    return {(rule["protocol"], rule["portRangeMin"], rule["remoteIpPrefix"]) for rule in ranges}


def test_exactly_the_ports_80_and_443_are_open_to_the_world(chosen: Graph) -> None:
    assert {(protocol, port) for protocol, port, source in openings(chosen) if source == "0.0.0.0/0"} == {
        ("tcp", 80),
        ("tcp", 443),
    }


def test_ssh_is_open_to_the_chosen_ranges_only(chosen: Graph) -> None:
    assert {(port, source) for _, port, source in openings(chosen) if source != "0.0.0.0/0"} == {
        (22, "192.0.2.0/24"),
        (22, "198.51.100.7/32"),
    }


def test_a_range_that_is_named_twice_makes_one_rule(graph_of: GraphOf) -> None:
    graph = graph_of(sshAllowedCidrs='["192.0.2.0/24", "192.0.2.0/24"]')
    assert sum(rule.inputs.get("portRangeMin") == 22 for rule in graph.of_type(SECURITY_RULE)) == 1


def test_everything_else_is_open_from_the_internal_group_to_itself_only(chosen: Graph) -> None:
    (rule,) = (rule.inputs for rule in chosen.of_type(SECURITY_RULE) if "remoteGroupId" in rule.inputs)
    assert rule["remoteGroupId"] == rule["securityGroupId"] == "network-internal-id"
    assert "remoteIpPrefix" not in rule


def test_the_openings_to_the_outside_are_all_in_the_door_group(chosen: Graph) -> None:
    for rule in chosen.of_type(SECURITY_RULE):
        if "remoteIpPrefix" in rule.inputs:
            assert rule.inputs["securityGroupId"] == "network-door-id"


def test_workers_carry_only_the_internal_group(chosen: Graph) -> None:
    groups = {port.name: port.inputs["securityGroupIds"] for port in chosen.of_type(PORT)}
    assert groups == {
        "machines-manager-0-port": ["network-door-id", "network-internal-id"],
        "machines-worker-0-port": ["network-internal-id"],
        "machines-worker-1-port": ["network-internal-id"],
    }


def test_the_rules_are_the_same_on_an_existing_network(graph_of: GraphOf, chosen: Graph) -> None:
    existing = graph_of(network="auto_allocated_network", sshAllowedCidrs=CHOSEN)
    assert openings(existing) == openings(chosen)


def test_only_the_manager_has_a_floating_ip(chosen: Graph) -> None:
    (association,) = chosen.of_type("openstack:networking/floatingIpAssociate:FloatingIpAssociate")
    assert association.inputs["portId"] == "machines-manager-0-port-id"
    assert len(chosen.of_type("openstack:networking/floatingIp:FloatingIp")) == 1


def test_the_manager_is_reached_by_its_floating_ip_and_workers_through_the_manager(chosen: Graph) -> None:
    ways = {}
    for command in chosen.of_type(COMMAND):
        connection = revealed(command.inputs["connection"])
        ways[command.name] = (connection["host"], connection.get("proxy", {}).get("host"))
    assert ways["swarm-init"] == ("192.0.2.10", None)
    assert ways["workers-worker-0-join"] == ("10.20.0.11", "192.0.2.10")
    assert ways["workers-worker-1-join"] == ("10.20.0.12", "192.0.2.10")
    assert set(ways.values()) == {("192.0.2.10", None), ("10.20.0.11", "192.0.2.10"), ("10.20.0.12", "192.0.2.10")}


def test_ssh_is_tried_long_enough_for_a_slow_first_boot(chosen: Graph) -> None:
    for command in chosen.of_type(COMMAND):
        connection = revealed(command.inputs["connection"])
        for way in filter(None, (connection, connection.get("proxy"))):
            assert way["dialErrorLimit"] * way["perDialTimeout"] >= 600


def test_nodes_are_drained_and_struck_off_on_the_manager_before_their_machine_goes(chosen: Graph) -> None:
    active = chosen["workers-worker-1-active"]
    assert revealed(active.inputs["connection"])["host"] == "192.0.2.10"
    assert shlex.split(active.inputs["delete"])[3:5] == ["remove", "workers-worker-1-join-stdout"]
    assert "machines-worker-1" in active.depends_on


def test_a_node_that_is_there_keeps_what_somebody_has_made_of_it_when_its_command_changes(chosen: Graph) -> None:
    active = chosen["workers-worker-1-active"]
    assert "new" in shlex.split(active.inputs["create"])
    assert "known" in shlex.split(active.inputs["update"])
