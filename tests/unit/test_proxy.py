"""services/proxy with its values in place, as the front door gets it."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest

from components.proxy import CONFIG_FILES, SOURCE, nginx_configs
from tests.unit.graphs import SERVICE_CONFIG, Graph

VALUES = {
    "server_name": "hub.example.org",
    "title": "Physics <101>",
    "userproxy": "userproxy:8000",
    "upload_limit": 512 * 1024**2,
    "hsts": 100,
}


def without_comments(text: str) -> str:
    """The lines that NGINX reads."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def files_of(scheme: str, **changes: Any) -> dict[str, str]:
    """The files of a site of the scheme, rendered."""
    return nginx_configs(scheme=scheme, **{**VALUES, **changes})


def config_of(scheme: str, **changes: Any) -> str:
    """All that NGINX reads as configuration, one file after the other."""
    files = files_of(scheme, **changes)
    return without_comments("\n".join(text for file, text in files.items() if file.endswith(".conf")))


@pytest.fixture(scope="module", params=CONFIG_FILES)
def config(request: pytest.FixtureRequest) -> str:
    """A rendered configuration, with and without TLS."""
    return config_of(request.param)


def front_door_of(graph: Graph) -> str:
    """The configuration that the stack delivers."""
    found = [
        b64decode(entry.inputs["data"]).decode() for entry in graph.of_type(SERVICE_CONFIG) if entry.name.startswith("proxy-")
    ]
    return without_comments("\n".join(text for text in found if not text.startswith("<!DOCTYPE")))


def test_every_placeholder_of_the_template_gets_a_value(config: str) -> None:
    assert any(re.findall(r"@\w+@", without_comments(file.read_text())) for file in SOURCE.iterdir())
    assert re.findall(r"@\w+@", config) == []


def test_the_values_are_where_nginx_looks_for_them(config: str) -> None:
    assert "server_name hub.example.org;" in config
    assert "default userproxy:8000;" in config


def test_the_template_is_whole(config: str) -> None:
    statements = re.sub(r"'[^']*'", "''", config)
    assert statements.count("{") == statements.count("}")
    assert [line for line in map(str.strip, statements.splitlines()) if line and line[-1] not in ";{}"] == []


def test_a_restarted_user_proxy_is_found_again_since_its_name_is_looked_up_anew(config: str) -> None:
    stream = config[config.index("stream {") : config.index("http {")]
    (valid,) = re.findall(r"resolver 127\.0\.0\.11 [^;]*valid=(\d+)s;", stream)
    assert 0 < int(valid) <= 10
    assert re.findall(r"proxy_pass ([^;]+);", stream) == ["$userproxy"]
    assert set(re.findall(r"proxy_pass http://([^;]+);", config)) == {"userproxy"}
    assert re.findall(r"upstream userproxy {\s+server ([^;]+);", config) == re.findall(r"listen ([^;]+);", stream)


def test_a_connection_that_is_kept_is_closed_by_nginx_before_the_user_proxy_closes_it(config: str, graph: Graph) -> None:
    (kept_s,) = re.findall(r"keepalive 64;\s+keepalive_timeout (\d+)s;", config)
    (option,) = [
        text
        for text in graph["hub-userproxy"].inputs["taskSpec"]["containerSpec"]["args"]
        if text.startswith("--keep-alive-timeout=")
    ]
    assert int(kept_s) * 1000 < int(option.partition("=")[2])


def test_a_stranger_gets_no_page_where_the_site_has_a_name() -> None:
    files = files_of("https")
    assert "ssl_reject_handshake on;" in files["strangers.conf"]
    assert files["https.conf"].index("strangers*.conf") < files["https.conf"].index("listen 443")
    for without in ("_", "192.0.2.10", "2001:db8::10"):
        assert "strangers.conf" not in files_of("https", server_name=without)
    assert "strangers.conf" not in files_of("http")


def test_plain_requests_are_led_to_the_sites_own_name_or_to_the_one_that_was_asked_for() -> None:
    assert "return 301 https://hub.example.org$request_uri;" in config_of("https")
    assert "return 301 https://$host$request_uri;" in config_of("https", server_name="_")


def test_browsers_are_told_to_stay_with_https_only_where_the_site_wants_it() -> None:
    assert 'Strict-Transport-Security "max-age=100" always;' in config_of("https")
    assert 'Strict-Transport-Security "" always;' in config_of("https", hsts=0)
    assert "Strict-Transport-Security" not in config_of("http")


def test_only_tls_1_2_and_1_3_with_forward_secrecy_are_spoken() -> None:
    config = config_of("https")
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in config
    (ciphers,) = re.findall(r"ssl_ciphers ([^;]+);", config)
    assert all(
        re.fullmatch(r"ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM-SHA(256|384)|CHACHA20-POLY1305)", c) for c in ciphers.split(":")
    )


def test_neither_queries_nor_referrers_are_logged_since_tokens_travel_in_them(config: str) -> None:
    (form,) = re.findall(r"log_format site ([^;]+);", config)
    assert "$request_method $logged_path" in form
    assert not re.search(r"\$(request|request_uri|args|query_string|http_referer)\b", form)


def test_pages_are_not_compressed_since_secrets_are_in_them(config: str) -> None:
    assert config.count("gzip on;") == 1
    assert re.search(r"location ~ /\(static\|extensions\|nbextensions\)/ {[^}]*gzip on;", config)


def test_the_page_for_the_time_of_a_restart_has_the_sites_title_escaped() -> None:
    page = files_of("https")["restarting.html"]
    assert "<title>Back in a moment · Physics &lt;101&gt;</title>" in page
    assert "@TITLE@" not in page
    assert "<101>" not in page


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
    assert set(re.findall(r"listen (\d+)\b(?!\.)", front_door_of(graph))) == {str(int(port)) for port in published}
