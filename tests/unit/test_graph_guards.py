"""What keeps a running deployment from harm: what the engine ignores, deletes along, protects and waits for."""

from __future__ import annotations

import re

import pytest

from components.machines import FROZEN
from tests.unit.graphs import ATTACHMENT, COMMAND, OVERLAY, SERVICE, SERVICE_CONFIG, Graph, revealed
from tools.graph import ROOT

FROZEN_INPUTS = ("imageId", "imageName", "userData", "keyPair")
SOURCES = sorted((ROOT / "components").glob("*.py"))


def test_changes_are_ignored_exactly_where_they_would_destroy_something(graph: Graph) -> None:
    assert {resource.name: resource.ignore_changes for resource in graph.resources if resource.ignore_changes} == {
        "machines-manager-0": FROZEN_INPUTS,
        "machines-worker-0": FROZEN_INPUTS,
        "machines-worker-1": FROZEN_INPUTS,
        "machines-worker-2": FROZEN_INPUTS,
        "hub-network": ("options",),
    }


def test_every_ignore_list_has_its_reason_in_a_comment_right_above() -> None:
    found = 0
    for source in SOURCES:
        lines = source.read_text().splitlines()
        for number, line in enumerate(lines):
            if re.search(r"ignore_changes=\[|^FROZEN = ", line):
                found += 1
                assert lines[number - 1].lstrip().startswith("#"), f"{source.name}:{number + 1} ignores changes without a reason"
    assert found == 2


def test_each_frozen_property_of_a_server_is_named_with_its_reason() -> None:
    source = (ROOT / "components" / "machines.py").read_text()
    reasons = source[: source.index("\nFROZEN = ")].rsplit("\n\n", 1)[-1]
    assert [key for key in FROZEN if key not in reasons] == []


def test_what_was_done_on_a_machine_is_deleted_with_that_machine(graph: Graph) -> None:
    machines = {"192.0.2.10": "machines-manager-0", **{f"10.20.0.{11 + index}": f"machines-worker-{index}" for index in range(3)}}
    for command in graph.of_type(COMMAND):
        host = revealed(command.inputs["connection"])["host"]
        assert graph.deleted_with(command.name) == machines[host], command.name


@pytest.mark.parametrize("kind", [SERVICE, SERVICE_CONFIG, OVERLAY, "pulumi:providers:docker"])
def test_what_lives_in_the_swarm_is_deleted_with_the_manager(graph: Graph, kind: str) -> None:
    for resource in graph.of_type(kind):
        assert graph.deleted_with(resource.name) == "machines-manager-0", resource.name


def test_no_machine_or_network_is_left_behind_by_a_destroy(graph: Graph) -> None:
    openstack = [resource for resource in graph.resources if resource.type.startswith(("openstack:compute", "openstack:net"))]
    assert [resource.name for resource in openstack if resource.retain] == []
    openstack = [resource for resource in openstack if resource.type != ATTACHMENT]
    assert [resource.name for resource in openstack if resource.retain or graph.deleted_with(resource.name)] == []


def test_commands_run_again_when_their_machine_or_their_swarm_is_new(graph: Graph) -> None:
    allowed = {"swarm-init-stdout", *(f"machines-{node}-id" for node in ("manager-0", "worker-0", "worker-1", "worker-2"))}
    # By the secret's name, which carries a hash of the swarm's id (test_graph_secrets.py).
    by_name = {"hub-password", "hub-admin-password"}
    for command in graph.of_type(COMMAND):
        assert command.name in by_name or allowed.intersection(command.inputs["triggers"]), command.name


def test_a_node_is_touched_only_once_it_is_ready(graph: Graph) -> None:
    def waits_for(name: str, other: str) -> bool:
        return other in graph[name].depends_on or any(waits_for(before, other) for before in graph[name].depends_on)

    for command in graph.of_type(COMMAND):
        if not command.name.endswith("-ready"):
            node = re.search(r"worker-\d", command.name)
            at_manager = command.name.endswith("-active")
            ready = f"workers-{node[0]}-ready" if node and not at_manager else "swarm-manager-0-ready"
            if command.parent == "storage":  # its first command on a node waits by itself
                ready = "storage-manager-0-tools"
            assert command.name == ready or waits_for(command.name, ready), command.name


def test_the_docker_provider_takes_its_host_from_the_command_that_made_the_swarm(graph: Graph) -> None:
    provider = graph["swarm-docker"]
    assert provider.inputs["host"] == "ssh://ubuntu@192.0.2.10:22"
    assert "swarm-init" in provider.depends_on
