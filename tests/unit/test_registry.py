"""Private images: nodes sign in where they must, and the swarm's own registry is reached by all of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from components.image_source import ImageSource
from components.registry import contradictions
from components.settings import Settings
from tests.unit.graphs import SERVICE, Graph, is_secret, revealed

GraphOf = Callable[..., Graph]
OWN = "127.0.0.1:5000/team/lab:1"


def image(reference: str) -> ImageSource:
    """An image that is pulled."""
    return ImageSource(reference=reference, context=None)


def test_without_a_registry_there_is_no_service_and_nobody_signs_in(graph_of: GraphOf) -> None:
    graph = graph_of(notebookImage="example/lab:7")
    assert "registry" not in {service.inputs["name"] for service in graph.of_type(SERVICE)}
    assert "docker login" not in graph["workers-worker-0-notebook-image-present"].inputs["create"]


def test_the_swarms_own_registry_is_reached_through_every_node_and_asks_for_a_password(graph_of: GraphOf) -> None:
    service = graph_of(registry="internal", notebookImage=OWN)["registry-service"].inputs
    (port,) = service["endpointSpec"]["ports"]
    assert (port["publishMode"], port["publishedPort"], service["endpointSpec"]["mode"]) == ("ingress", 5000, "vip")
    (secret,) = service["taskSpec"]["containerSpec"]["secrets"]
    assert secret["fileName"] == "registry-password"


def test_a_worker_pulls_from_it_with_the_password_on_standard_input_once_it_runs(graph_of: GraphOf) -> None:
    pulled = graph_of(registry="internal", notebookImage=OWN)["workers-worker-0-notebook-image-present"]
    assert "docker login --username jupyterhub --password-stdin 127.0.0.1:5000" in pulled.inputs["create"]
    assert is_secret(pulled.inputs["stdin"])
    assert revealed(pulled.inputs["stdin"]) == "registry-registry-password-text-stdout"
    assert "registry-service" in pulled.depends_on


def test_images_of_other_places_are_pulled_without_the_password(graph_of: GraphOf) -> None:
    pulled = graph_of(registry="internal", notebookImage="example/lab:7")["workers-worker-0-notebook-image-present"]
    assert "docker login" not in pulled.inputs["create"]
    assert "registry-service" not in pulled.depends_on


@pytest.mark.parametrize(
    ("registry", "user", "password", "reference", "line"),
    [
        ("", "me", None, "a/b:1", "registryUser: belongs to a registry of somebody else's"),
        ("internal", "", "x", "a/b:1", "registryPassword: belongs to a registry of somebody else's"),
        ("ghcr.io", "", "x", "a/b:1", "registryUser: missing for ghcr.io: pulumi config set registryUser VALUE"),
        (
            "ghcr.io",
            "me",
            None,
            "a/b:1",
            "registryPassword: missing for ghcr.io: pulumi config set --secret registryPassword VALUE",
        ),
        ("", "", None, OWN, f"registry: {OWN} is of the swarm's own registry, which is off; set registry to internal"),
    ],
)
def test_what_does_not_go_together_is_told(registry: str, user: str, password: str | None, reference: str, line: str) -> None:
    (told,) = contradictions(registry, user, password, [image(reference)])
    assert told.startswith(line)


def test_another_registry_is_taken_with_its_name_and_its_password(load_stack: Callable[..., Settings]) -> None:
    settings = load_stack({"registryPassword": "secret"}, registry="ghcr.io", registryUser="me")
    assert (settings.registry, settings.registry_user) == ("ghcr.io", "me")


@pytest.mark.parametrize(("size", "mib"), [("10", 7168), ("20", 17408)])
def test_the_registry_leaves_room_for_the_hub_and_gets_more_with_a_larger_volume(graph_of: GraphOf, size: str, mib: int) -> None:
    folder = graph_of(registry="internal", notebookImage=OWN, stateSize=size)["registry-folder"].inputs["create"]
    assert f"registry_room bound registry {mib})" in folder


def test_the_registry_keeps_what_the_settings_name_by_a_digest_though_its_tag_was_pushed_anew(graph_of: GraphOf) -> None:
    digest = f"sha256:{'a' * 64}"
    kept = graph_of(registry="internal", notebookImage=f"{OWN}@{digest}")["registry-kept"].inputs["create"]
    assert kept == f"printf '%s\\n' {digest} | sudo tee registry-folder-stdout/kept >/dev/null"
    by_tag = graph_of(registry="internal", notebookImage=OWN)["registry-kept"].inputs["create"]
    assert by_tag == "printf '%s\\n'  | sudo tee registry-folder-stdout/kept >/dev/null"
