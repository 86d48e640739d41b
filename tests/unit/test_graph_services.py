"""The swarm services: what they publish, where they run, and that a refresh finds nothing to change."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest

from components.hub_files import HUB_FILES
from tests.unit.graphs import OVERLAY, SERVICE, SERVICE_CONFIG, Graph
from tools.graph import ROOT

GraphOf = Callable[..., Graph]
NAMES = ("hub-hub", "hub-userproxy", "proxy-nginx")


@pytest.fixture(scope="module", params=NAMES)
def service(graph: Graph, request: pytest.FixtureRequest) -> dict[str, Any]:
    """The inputs of each service in turn."""
    return graph[request.param].inputs


def test_the_services_are_the_hub_the_user_proxy_and_the_front_door(graph: Graph) -> None:
    assert {service.name: service.inputs["name"] for service in graph.of_type(SERVICE)} == {
        "hub-hub": "hub",
        "hub-userproxy": "userproxy",
        "proxy-nginx": "proxy",
    }


def test_a_service_resolves_to_its_tasks_so_that_no_idle_connection_is_cut(service: dict[str, Any]) -> None:
    assert service["endpointSpec"]["mode"] == "dnsrr"


def test_a_service_publishes_ports_in_host_mode_so_that_client_addresses_are_seen(service: dict[str, Any]) -> None:
    assert all(port["publishMode"] == "host" for port in service["endpointSpec"]["ports"])


def test_only_the_front_door_publishes_a_port(graph: Graph) -> None:
    published = {service.name: service.inputs["endpointSpec"]["ports"] for service in graph.of_type(SERVICE)}
    assert {name: [port["publishedPort"] for port in ports] for name, ports in published.items()} == {
        "hub-hub": [],
        "hub-userproxy": [],
        "proxy-nginx": [80, 443],
    }


def test_restart_delays_are_not_zero_since_zero_would_be_a_change_for_ever(service: dict[str, Any]) -> None:
    policy = service["taskSpec"]["restartPolicy"]
    assert policy["condition"] == "any"
    assert all(re.fullmatch(r"[1-9]\d*s", policy[key]) for key in ("delay", "window"))
    assert re.fullmatch(r"[1-9]\d*s", service["updateConfig"]["delay"])


def test_a_service_says_all_that_the_daemon_would_otherwise_fill_in(service: dict[str, Any]) -> None:
    assert {"args", "configs", "env", "image", "mounts", "secrets", "stopGracePeriod", "sysctl"}.issubset(
        service["taskSpec"]["containerSpec"]
    )
    assert {"containerSpec", "logDriver", "networksAdvanceds", "placement", "resources", "restartPolicy"}.issubset(
        service["taskSpec"]
    )
    assert {"mode", "updateConfig", "endpointSpec"}.issubset(service)


def test_a_service_is_one_task_on_the_manager_that_stops_before_its_successor_starts(service: dict[str, Any]) -> None:
    assert service["mode"] == {"replicated": {"replicas": 1}}
    assert service["taskSpec"]["placement"]["constraints"] == ["node.role==manager"]
    assert service["updateConfig"]["order"] == "stop-first"


def test_a_service_joins_the_overlay_network_by_its_id(service: dict[str, Any]) -> None:
    assert service["taskSpec"]["networksAdvanceds"] == [{"id": "hub-network-id"}]


def test_a_service_has_a_bound_on_its_memory_and_on_its_logs(service: dict[str, Any]) -> None:
    assert service["taskSpec"]["resources"]["limits"]["memoryBytes"] >= 128 * 1024**2
    assert set(service["taskSpec"]["logDriver"]["options"]) == {"max-size", "max-file"}


def test_idle_connections_are_kept_alive_long_before_a_firewall_forgets_them(service: dict[str, Any]) -> None:
    assert 0 < int(service["taskSpec"]["containerSpec"]["sysctl"]["net.ipv4.tcp_keepalive_time"]) <= 900


def test_images_of_the_project_are_named_by_their_content(graph: Graph) -> None:
    for service in graph.of_type(SERVICE):
        assert re.fullmatch(
            rf"127.0.0.1:5000/jupyterhub-swarm/{service.inputs['name']}:[0-9a-f]{{12}}",
            service.inputs["taskSpec"]["containerSpec"]["image"],
        )


@pytest.mark.parametrize("reference", ["example/hub:1.2", f"example/hub@sha256:{'0' * 64}"])
def test_an_image_reference_is_pulled_and_used_as_it_is(graph_of: GraphOf, reference: str) -> None:
    graph = graph_of(hubImage=reference)
    assert graph["hub-hub"].inputs["taskSpec"]["containerSpec"]["image"] == reference
    assert "docker pull" in graph["hub-image-present"].inputs["create"]
    assert "stdin" not in graph["hub-image-present"].inputs


def test_a_service_waits_until_the_manager_has_its_image(graph: Graph) -> None:
    for name, image in zip(NAMES, ("hub", "userproxy", "proxy"), strict=True):
        assert f"{image}-image-present" in graph[name].depends_on


def test_the_docker_socket_is_in_the_hub_only(graph: Graph) -> None:
    holders = [
        service.name
        for service in graph.of_type(SERVICE)
        if any("docker.sock" in mount["source"] for mount in service.inputs["taskSpec"]["containerSpec"]["mounts"])
    ]
    assert holders == ["hub-hub"]


def test_the_hubs_database_is_on_a_volume(graph: Graph) -> None:
    mounts = graph["hub-hub"].inputs["taskSpec"]["containerSpec"]["mounts"]
    assert {"type": "bind", "source": "storage-state-folder-stdout", "target": "/var/lib/jupyterhub"} in mounts


def test_the_hub_is_looked_after_and_has_time_to_migrate_its_database(graph: Graph) -> None:
    check = graph["hub-hub"].inputs["taskSpec"]["containerSpec"]["healthcheck"]
    assert check["tests"][0] == "CMD"
    assert "/hub/health" in check["tests"][-1]
    compile(check["tests"][-1], "healthcheck", "exec")
    assert check["startPeriod"] == "5m"


def test_the_files_of_the_hub_are_the_files_of_this_project(graph: Graph) -> None:
    configs = {config.name: b64decode(config.inputs["data"]).decode() for config in graph.of_type(SERVICE_CONFIG)}
    for file in HUB_FILES:
        assert (ROOT / "services" / "hub" / file).read_text() in configs.values()


def test_a_config_is_named_by_its_content_and_mounted_under_that_name(graph: Graph) -> None:
    configs = {config.inputs["name"] for config in graph.of_type(SERVICE_CONFIG)}
    mounted = {
        config["configName"]: config["configId"]
        for service in graph.of_type(SERVICE)
        for config in service.inputs["taskSpec"]["containerSpec"]["configs"]
    }
    assert set(mounted) == configs
    assert all(re.search(r"-[0-9a-f]{12}$", name) and config_id == f"{name}-id" for name, config_id in mounted.items())


def test_a_changed_setting_makes_a_new_config_under_a_new_name(graph_of: GraphOf) -> None:
    one, other = ({config.name for config in graph_of(admins=admins).of_type(SERVICE_CONFIG)} for admins in ('["a"]', '["b"]'))
    assert [name.rsplit("-", 1)[0] for name in one - other] == ["hub-settings"]


def test_the_overlay_networks_mtu_is_the_measured_one_less_the_header_of_vxlan(graph: Graph) -> None:
    (network,) = graph.of_type(OVERLAY)
    assert network.inputs["driver"] == "overlay"
    assert network.inputs["options"] == {"com.docker.network.driver.mtu": "1450"}
    assert "swarm-mtu" in network.depends_on


def test_passwords_are_made_for_the_ways_of_signing_in_that_use_them(graph_of: GraphOf) -> None:
    with_password = {name for name in graph_of(auth="dummy").names() if "password" in name}
    admins = {"hub-admin-password", "hub-admin-password-text"}
    assert with_password == {"hub-password", "hub-password-text", *admins}
    assert {name for name in graph_of(auth="native").names() if "password" in name} == admins
