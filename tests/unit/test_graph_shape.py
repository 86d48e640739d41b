"""Which resources the program declares, for which settings, and under which parent."""

from __future__ import annotations

import json
from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.graphs import COMMAND, INSTANCE, PORT, SERVICE_CONFIG, Graph, rendered

ROUTED = {
    f"openstack:networking/{kind}"
    for kind in ("network:Network", "subnet:Subnet", "router:Router", "routerInterface:RouterInterface")
}
GraphOf = Callable[..., Graph]


def hub_settings(graph: Graph) -> dict[str, Any]:
    """The settings.json that the hub's container reads."""
    (config,) = (config for config in graph.of_type(SERVICE_CONFIG) if config.name.startswith("hub-settings-"))
    return dict(json.loads(b64decode(config.inputs["data"])))


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_there_is_one_manager_and_the_number_of_workers_that_was_asked_for(graph_of: GraphOf, workers: int) -> None:
    names = {instance.name for instance in graph_of(workers=str(workers)).of_type(INSTANCE)}
    assert names == {"machines-manager-0", *(f"machines-worker-{index}" for index in range(workers))}


def test_every_worker_gets_the_same_resources(graph_of: GraphOf) -> None:
    kinds = {
        worker: Counter(
            (resource.type, resource.name.replace(worker, "worker"))
            for resource in graph_of(workers="3").resources
            if worker in resource.name
        )
        for worker in ("worker-0", "worker-1", "worker-2")
    }
    assert kinds["worker-0"] == kinds["worker-1"] == kinds["worker-2"]
    assert sorted(name for _, name in kinds["worker-0"]) == [
        "machines-worker",
        "machines-worker-port",
        "storage-worker-export",
        "workers-worker-active",
        "workers-worker-join",
        "workers-worker-notebook-image",
        "workers-worker-notebook-image-present",
        "workers-worker-ready",
        "workers-worker-token",
    ]


def test_raising_the_number_of_workers_from_1_to_2_adds_only_the_resources_of_worker_1(graph_of: GraphOf) -> None:
    before, after = graph_of(workers="1"), graph_of(workers="2")
    added = after.names() - before.names()
    assert added
    assert all("worker-1" in name for name in added)
    assert before.names() < after.names()


def test_raising_the_number_of_workers_from_1_to_2_changes_no_input_and_no_option_of_what_was_there(graph_of: GraphOf) -> None:
    before, after = graph_of(workers="1"), graph_of(workers="2")
    for resource in before.resources:
        # The hub's settings wait for the images of all workers, old and new, the certificates for the workers; what they are
        # does not change.
        ordered = replace(after[resource.name], depends_on=resource.depends_on)
        waits_for_all = resource.name.startswith("hub-settings-") or resource.name == "workers-certificates"
        assert (ordered if waits_for_all else after[resource.name]) == resource


def test_no_resource_lies_outside_a_component(graph: Graph) -> None:
    components = {resource.name for resource in graph.resources if resource.type.startswith("jupyterhub-swarm:index:")}
    outside = [
        resource.name for resource in graph.resources if resource.name not in components and resource.parent not in components
    ]
    assert components
    assert outside == []


def test_only_the_steps_of_the_recipe_have_no_parent(graph: Graph) -> None:
    top = {resource.name for resource in graph.resources if not resource.parent}
    images = {"hub-image", "userproxy-image", "proxy-image"}
    assert top == {"network", "machines", "storage", "swarm", "registry", "workers", *images, "hub", "proxy"}


def test_every_child_carries_its_parents_name(graph: Graph) -> None:
    children = [resource for resource in graph.resources if resource.parent]
    assert [child.name for child in children if not child.name.startswith(f"{child.parent}-")] == []


def test_no_two_resources_have_one_name(graph: Graph) -> None:
    assert len(graph.names()) == len(graph.resources)


def test_the_first_preview_shows_the_graph_that_up_makes(graph: Graph, stack_values: dict[str, str]) -> None:
    assert rendered({**stack_values, "workers": "3", "auth": "dummy"}, preview=True).names() == graph.names()


def test_servers_are_named_after_the_stack_so_that_two_stacks_can_share_a_project(graph: Graph) -> None:
    assert graph["machines-worker-2"].inputs["name"] == "test-worker-2"


def test_the_nodes_are_kept_apart_by_a_soft_rule(graph: Graph) -> None:
    assert graph["machines-apart"].inputs["policies"] == "soft-anti-affinity"
    for instance in graph.of_type(INSTANCE):
        assert instance.inputs["schedulerHints"] == [{"group": "machines-apart-id"}]


def test_without_a_network_of_ones_own_the_stack_makes_a_routed_one(graph: Graph) -> None:
    assert ROUTED.issubset(resource.type for resource in graph.resources)
    assert graph["network-subnet"].inputs["cidr"] == "10.20.0.0/24"
    assert graph["network-router"].inputs["externalNetworkId"] == "public-id"


def test_on_an_existing_network_the_stack_makes_no_network_and_no_router(graph_of: GraphOf) -> None:
    graph = graph_of(network="auto_allocated_network")
    assert ROUTED.isdisjoint(resource.type for resource in graph.resources)
    assert {port.inputs["networkId"] for port in graph.of_type(PORT)} == {"auto_allocated_network-id"}


def test_a_floating_ip_waits_for_the_router_that_can_carry_it(graph: Graph) -> None:
    assert "network-router-interface" in graph["machines-floating-ip"].depends_on
    assert "network-router-interface" in graph["machines-floating-ip-association"].depends_on


def test_an_image_is_given_to_the_nodes_by_name(graph: Graph) -> None:
    for instance in graph.of_type(INSTANCE):
        assert instance.inputs["imageName"] == "debian-13"
        assert "imageId" not in instance.inputs


def test_a_uuid_is_taken_for_the_id_of_an_image(graph_of: GraphOf) -> None:
    image_id = "0A7D6B3C-1f2e-4d5c-8b9a-001122334455"
    for instance in graph_of(image=image_id).of_type(INSTANCE):
        assert instance.inputs["imageId"] == image_id
        assert "imageName" not in instance.inputs


def test_manager_and_workers_have_their_own_flavors(graph_of: GraphOf) -> None:
    graph = graph_of(managerFlavor="small", workerFlavor="large")
    assert graph["machines-manager-0"].inputs["flavorName"] == "small"
    assert graph["machines-worker-0"].inputs["flavorName"] == "large"


@pytest.mark.parametrize(("workers", "role"), [("0", "manager"), ("1", "worker"), ("3", "worker")])
def test_notebooks_run_on_workers_where_there_are_any(graph_of: GraphOf, workers: str, role: str) -> None:
    assert hub_settings(graph_of(workers=workers))["notebook_role"] == role


@pytest.mark.parametrize(("workers", "nodes"), [("0", ["manager-0"]), ("1", ["worker-0"]), ("2", ["worker-0", "worker-1"])])
def test_exactly_the_nodes_that_run_notebooks_get_the_notebook_image(graph_of: GraphOf, workers: str, nodes: list[str]) -> None:
    names = {command.name for command in graph_of(workers=workers).of_type(COMMAND)}
    assert {name for name in names if "notebook-image" in name} == {f"workers-{node}-notebook-image-present" for node in nodes}


def test_a_worker_takes_tasks_only_when_it_has_joined_and_has_the_notebook_image(graph: Graph) -> None:
    assert {"workers-worker-1-join", "workers-worker-1-notebook-image-present"}.issubset(
        graph["workers-worker-1-active"].depends_on
    )


def test_the_hub_reads_the_settings_of_the_stack(graph_of: GraphOf) -> None:
    graph = graph_of(admins='["ada", "grace"]', notebookMemoryLimit="3G", notebookCpuLimit="1.5", notebookImage="example/lab:7")
    assert hub_settings(graph) == {
        "sign_in": {"auth": "native", "admins": ["ada", "grace"], "allowed_users": [], "oauth": {}},
        "announcement": "",
        "idle_timeout": 7200,
        "max_age": 0,
        "named_servers": 0,
        "concurrent_spawn_limit": 100,
        "active_server_limit": 0,
        "lasting_homes": True,
        "notebook_role": "worker",
        "profiles": [
            {
                "name": "standard",
                "description": "",
                "image": "example/lab:7",
                "cpu_guarantee": 0.1,
                "cpu_limit": 1.5,
                "memory_guarantee": 1024**3,
                "memory_limit": 3 * 1024**3,
                "node_label": "",
                "gpus": 0,
            }
        ],
        "room_timeout": 60,
        "shared_folder": False,
        "title": "JupyterHub",
    }
