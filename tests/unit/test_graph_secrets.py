"""Where secrets are, and that they are nowhere else: wrapped in the state, on standard input, never in a command line."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi.runtime.settings import get_root_resource
from pulumi.runtime.stack import Stack

from tests.unit.conftest import PRIVATE_KEY
from tests.unit.graphs import COMMAND, SERVICE, SERVICE_CONFIG, Graph, is_secret, plain_texts, rendered, revealed

JOIN_TOKEN, PASSWORD = "workers-worker-0-token-stdout", "hub-password-text-stdout"
ADMIN_PASSWORD = "hub-admin-password-text-stdout"
# Commands whose output is a secret, so that neither may be shown.
SECRET_MAKERS = ("workers-worker-0-token", "hub-password-text", "hub-admin-password-text")


def test_every_connection_is_a_secret_since_it_holds_the_private_key(graph: Graph) -> None:
    for command in graph.of_type(COMMAND):
        assert is_secret(command.inputs["connection"]), command.name
        assert revealed(command.inputs["connection"])["privateKey"] == PRIVATE_KEY


def test_the_request_to_join_is_a_secret_on_standard_input_and_holds_the_token(graph: Graph) -> None:
    for worker in ("worker-0", "worker-1", "worker-2"):
        request = graph[f"workers-{worker}-join"].inputs["stdin"]
        assert is_secret(request)
        assert f"workers-{worker}-token-stdout" in revealed(request)


@pytest.mark.parametrize(("name", "text"), [("hub-password", PASSWORD), ("hub-admin-password", ADMIN_PASSWORD)])
def test_a_password_is_a_secret_on_standard_input(graph: Graph, name: str, text: str) -> None:
    stdin = graph[name].inputs["stdin"]
    assert is_secret(stdin)
    assert revealed(stdin) == text


def named(name: str, text: str) -> str:
    """The name of the swarm secret of a password: another text has another, which reaches the service."""
    digest = hashlib.sha256(f"swarm-init-stdout\0{text}".encode()).hexdigest()
    return f"jupyterhub-{name}-{digest[:8]}"


@pytest.mark.parametrize(("name", "text"), [("password", PASSWORD), ("admin-password", ADMIN_PASSWORD)])
def test_the_secret_of_a_password_is_named_by_it_and_replaced_with_it(graph: Graph, name: str, text: str) -> None:
    stored = graph[f"hub-{name}"].inputs
    assert stored["triggers"] == [named(name, text)]
    assert named(name, text) in stored["create"]
    assert named(name, text) in stored["delete"]


def test_a_password_goes_from_the_manager_with_its_setting(graph: Graph) -> None:
    for name in ("password", "admin-password"):
        assert graph[f"hub-{name}-text"].inputs["delete"].endswith(f"sudo rm -f /var/lib/jupyterhub-swarm/{name}")


@pytest.mark.parametrize("name", SECRET_MAKERS)
def test_a_command_that_prints_a_secret_keeps_its_output_secret_and_unlogged(graph: Graph, name: str) -> None:
    assert "stdout" in graph[name].secret_outputs
    assert graph[name].inputs["logging"] == "none"


def test_what_the_docker_api_answers_to_a_join_is_not_logged(graph: Graph) -> None:
    assert graph["workers-worker-0-join"].inputs["logging"] == "none"


@pytest.mark.parametrize("secret", [JOIN_TOKEN, PASSWORD, ADMIN_PASSWORD, PRIVATE_KEY.splitlines()[1]])
def test_no_secret_is_in_any_input_that_is_not_wrapped(graph: Graph, secret: str) -> None:
    for resource in graph.resources:
        assert not any(secret in text for text in plain_texts(resource.inputs)), resource.name


@pytest.mark.parametrize("secret", [JOIN_TOKEN, PASSWORD, ADMIN_PASSWORD])
def test_no_secret_is_in_a_line_that_a_shell_runs(graph: Graph, secret: str) -> None:
    for command in graph.of_type(COMMAND):
        for line in ("create", "update", "delete"):
            assert secret not in str(revealed(command.inputs.get(line, ""))), command.name


def test_no_secret_is_in_the_arguments_the_environment_or_the_files_of_a_service(graph: Graph) -> None:
    def texts() -> Iterator[str]:
        for service in graph.of_type(SERVICE):
            container = service.inputs["taskSpec"]["containerSpec"]
            yield from plain_texts([container["args"], container["env"]])
        for config in graph.of_type(SERVICE_CONFIG):
            yield b64decode(config.inputs["data"]).decode()

    found = list(texts())
    assert any("jupyterhub-home" in text for text in found)
    assert not any(secret in text for secret in (JOIN_TOKEN, PASSWORD, ADMIN_PASSWORD, "PRIVATE KEY") for text in found)


def test_cookie_secret_and_proxy_token_are_made_on_the_manager_and_never_leave_it(graph: Graph) -> None:
    for name in ("hub-cookie-secret", "hub-proxy-token"):
        command = graph[name].inputs
        assert "stdin" not in command
        assert "/dev/urandom" in command["create"]
        assert command["create"].endswith(f"docker secret inspect --format '{{{{.ID}}}}' jupyterhub-{name.removeprefix('hub-')}")


def test_services_read_their_secrets_from_files(graph: Graph) -> None:
    containers = {service.name: service.inputs["taskSpec"]["containerSpec"] for service in graph.of_type(SERVICE)}
    assert {
        name: {secret["fileName"]: secret["secretName"] for secret in spec["secrets"]} for name, spec in containers.items()
    } == {
        "hub-hub": {
            "proxy-token": "jupyterhub-proxy-token",
            "cookie-secret": "jupyterhub-cookie-secret",
            "admin-password": named("admin-password", ADMIN_PASSWORD),
            "password": named("password", PASSWORD),
        },
        "hub-userproxy": {"proxy-token": "jupyterhub-proxy-token"},
        "proxy-nginx": {},
    }


@pytest.fixture
def outputs(stack_values: dict[str, str]) -> dict[str, pulumi.Output[Any]]:
    """The outputs of a stack with one worker and a password."""
    rendered({**stack_values, "auth": "dummy"})
    root = get_root_resource()
    assert isinstance(root, Stack)
    return {name: pulumi.Output.from_input(value) for name, value in root.outputs.items()}


@pulumi.runtime.test  # type: ignore[misc]
def test_of_the_stacks_outputs_just_the_passwords_are_secrets(outputs: dict[str, pulumi.Output[Any]]) -> pulumi.Output[None]:
    async def check() -> None:
        assert {name for name, output in outputs.items() if await output.is_secret()} == {"password", "adminPassword"}

    return pulumi.Output.from_input(check())


@pulumi.runtime.test  # type: ignore[misc]
def test_the_stack_tells_the_address_the_way_in_and_its_nodes(
    outputs: dict[str, pulumi.Output[Any]], stack_values: dict[str, str]
) -> pulumi.Output[None]:
    def check(found: dict[str, Any]) -> None:
        assert found == {
            "url": "https://192.0.2.10/",
            "caCertificate": "proxy-ca-stdout",
            "password": PASSWORD,
            "adminPassword": ADMIN_PASSWORD,
            "ssh": f"ssh -i {stack_values['sshPrivateKeyFile']} ubuntu@192.0.2.10",
            "nodes": [
                {"name": "manager-0", "role": "manager", "address": "10.20.0.10"},
                {"name": "worker-0", "role": "worker", "address": "10.20.0.11"},
            ],
            "volumes": {"state": "storage-state-id", "homes": "storage-homes-id"},
        }

    return pulumi.Output.all(**outputs).apply(check)
