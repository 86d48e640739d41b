"""Sign-in in the graph: the client secret's way, what a sign-in service adds, and what the stack then tells."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.settings import get_root_resource
from pulumi.runtime.stack import Stack

from components.hub_files import EXTRA_CONFIG, HUB_FILES, TEMPLATE_FILES, config_path
from tests.unit.graphs import COMMAND, SERVICE_CONFIG, Graph, is_secret, plain_texts, rendered, revealed

GraphOf = Callable[..., Graph]
CLIENT_SECRET = "s3cr3t-of-the-client"
GITHUB = {
    "auth": "github",
    "domain": "hub.example.org",
    "oauth": '{"clientId": "abc", "organizations": ["lab"]}',
    "clientSecret": CLIENT_SECRET,
}


@pytest.fixture(scope="module")
def github(graph_of: GraphOf) -> Graph:
    """The graph of a stack that signs in by GitHub."""
    return graph_of(**GITHUB)


def test_the_client_secret_is_on_standard_input_and_nowhere_else_in_plain(github: Graph) -> None:
    stdin = github["hub-client-secret"].inputs["stdin"]
    assert is_secret(stdin)
    assert revealed(stdin) == CLIENT_SECRET
    for resource in github.resources:
        assert not any(CLIENT_SECRET in text for text in plain_texts(resource.inputs)), resource.name
    for command in github.of_type(COMMAND):
        assert CLIENT_SECRET not in str(revealed([command.inputs.get(line, "") for line in ("create", "delete")]))


def test_the_hub_has_the_secrets_of_a_sign_in_service_and_no_passwords(github: Graph) -> None:
    container = github["hub-hub"].inputs["taskSpec"]["containerSpec"]
    named = {secret["fileName"]: secret["secretName"] for secret in container["secrets"]}
    digest = hashlib.sha256(f"swarm-init-stdout\0{CLIENT_SECRET}".encode()).hexdigest()[:8]
    assert named == {
        "proxy-token": "jupyterhub-proxy-token",
        "cookie-secret": "jupyterhub-cookie-secret",
        "client-secret": f"jupyterhub-client-secret-{digest}",
        "crypt-key": "jupyterhub-crypt-key",
    }


def test_another_client_secret_is_another_swarm_secret_and_the_old_one_is_removed(github: Graph, graph_of: GraphOf) -> None:
    other = graph_of(**{**GITHUB, "clientSecret": "another"})["hub-client-secret"].inputs
    mine = github["hub-client-secret"].inputs
    assert other["triggers"] != mine["triggers"]
    (named,) = mine["triggers"]
    assert named in mine["create"]
    assert named in mine["delete"]


def test_a_sign_in_service_without_its_secret_is_refused_with_the_command_that_sets_it(stack_values: dict[str, str]) -> None:
    with pytest.raises(pulumi.RunError, match="run: pulumi config set --secret clientSecret"):
        rendered({**stack_values, **{name: value for name, value in GITHUB.items() if name != "clientSecret"}})


def test_a_misspelt_key_of_the_stack_is_noticed(stack_values: dict[str, str]) -> None:
    with pytest.raises(pulumi.RunError, match="wrokers: is no setting of this project; did you mean workers"):
        rendered({**stack_values, "wrokers": "3"})


def test_the_owners_file_is_tried_on_the_manager_before_the_hub_is_touched(graph_of: GraphOf, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("c.Spawner.default_url = '/lab'\n")
    graph = graph_of(hubExtraConfig=str(file))
    tried = json.loads(graph["hub-config-check"].inputs["stdin"])
    assert tried["/etc/jupyterhub/hub_extra_config.py"] == file.read_text()
    assert set(tried) == {config_path(name) for name in (*HUB_FILES, *TEMPLATE_FILES, "settings.json", EXTRA_CONFIG)}
    assert "hub-config-check" in graph["hub-hub"].depends_on
    texts = [b64decode(config.inputs["data"]).decode() for config in graph.of_type(SERVICE_CONFIG)]
    assert file.read_text() in texts


def test_without_a_file_of_the_owners_nothing_is_tried(graph_of: GraphOf) -> None:
    assert "hub-config-check" not in graph_of(auth="native").names()


def test_what_is_made_at_random_is_kept_since_every_line_runs_again_with_a_new_connection(
    github: Graph, graph_of: GraphOf
) -> None:
    for graph in (github, graph_of(auth="dummy"), graph_of(registry="internal")):
        makers = [command for command in graph.of_type(COMMAND) if "/dev/urandom" in str(revealed(command.inputs["create"]))]
        assert makers
        for command in makers:
            assert command.inputs["create"].startswith(("docker secret inspect ", "if ! sudo test -s ")), command.name


@pulumi.runtime.test  # type: ignore[misc]
def test_the_stack_tells_the_callback_address_and_where_to_enter_it(stack_values: dict[str, str]) -> pulumi.Output[None]:
    rendered({**stack_values, **GITHUB})
    root = get_root_resource()
    assert isinstance(root, Stack)

    def check(found: dict[str, Any]) -> None:
        assert found["oauthCallbackUrl"] == "https://hub.example.org/hub/oauth_callback"
        assert found["oauthCallbackHelp"].startswith("enter it at https://github.com/settings/developers")
        assert (found["password"], found["adminPassword"]) == ("", "")

    return pulumi.Output.all(**root.outputs).apply(check)
