"""services/proxy with its values in place, as the front door gets it."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable

import pytest

from components.proxy import CONFIG_FILES, SOURCE, nginx_configs
from tests.unit.graphs import SERVICE_CONFIG, Graph

VALUES = {"server_name": "hub.example.org", "userproxy": "userproxy:8000", "upload_limit": 512 * 1024**2, "hsts": 100}


def without_comments(text: str) -> str:
    """The lines that NGINX reads."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def config_of(scheme: str) -> str:
    """All files of a site of the scheme, rendered, one after the other."""
    return without_comments("\n".join(nginx_configs(scheme=scheme, **VALUES).values()))  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=CONFIG_FILES)
def config(request: pytest.FixtureRequest) -> str:
    """A rendered configuration, with and without TLS."""
    return config_of(request.param)


def front_door_of(graph: Graph) -> str:
    """The configuration that the stack delivers."""
    found = [
        b64decode(entry.inputs["data"]).decode() for entry in graph.of_type(SERVICE_CONFIG) if entry.name.startswith("proxy-")
    ]
    return without_comments("\n".join(found))


def test_every_placeholder_of_the_template_gets_a_value(config: str) -> None:
    assert any(re.findall(r"@\w+@", without_comments(file.read_text())) for file in SOURCE.iterdir())
    assert re.findall(r"@\w+@", config) == []


def test_the_values_are_where_nginx_looks_for_them(config: str) -> None:
    assert "server_name hub.example.org;" in config
    assert "set $userproxy userproxy:8000;" in config


def test_the_template_is_whole(config: str) -> None:
    statements = re.sub(r"'[^']*'", "''", config)
    assert statements.count("{") == statements.count("}")
    assert [line for line in map(str.strip, statements.splitlines()) if line and line[-1] not in ";{}"] == []


def test_a_restarted_user_proxy_is_found_again_since_its_name_is_looked_up_anew(config: str) -> None:
    (valid,) = re.findall(r"resolver 127\.0\.0\.11 [^;]*valid=(\d+)s;", config)
    assert 0 < int(valid) <= 10
    assert re.findall(r"proxy_pass ([^;]+);", config) == ["http://$userproxy"]
    assert "upstream" not in config


def test_websockets_pass(config: str) -> None:
    assert "proxy_http_version 1.1;" in config
    assert "proxy_set_header Upgrade $http_upgrade;" in config
    assert "proxy_set_header Connection $connection_upgrade;" in config


def test_the_hub_sees_the_clients_own_address_and_no_other_that_a_client_claims(config: str) -> None:
    assert re.findall(r"proxy_set_header X-Forwarded-For (\S+);", config) == ["$remote_addr"]


def test_nothing_is_written_outside_tmp_since_nginx_runs_without_root(config: str) -> None:
    written = re.findall(r"^\s*(?:pid|\w+_temp_path) (\S+);", config, re.MULTILINE)
    assert len(written) in (6, 12)
    assert all(path.startswith("/tmp/") for path in written)


def test_a_stack_with_a_domain_answers_to_it(graph_of: Callable[..., Graph]) -> None:
    assert "server_name hub.example.org;" in front_door_of(graph_of(domain="Hub.Example.org"))


def test_a_stack_without_a_domain_answers_to_its_address(graph: Graph) -> None:
    assert "server_name _;" in front_door_of(graph)


def test_the_front_door_listens_where_the_service_publishes(graph: Graph) -> None:
    published = [port["targetPort"] for port in graph["proxy-nginx"].inputs["endpointSpec"]["ports"]]
    assert re.findall(r"listen (\d+)", front_door_of(graph)) == [str(int(port)) for port in published]
