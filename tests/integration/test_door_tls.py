"""The front door's TLS, as browsers and a scanner meet it."""

import re
import ssl

import pytest

from tests.integration.docker_engine import DockerEngine
from tests.integration.door_site import ADDRESS, NAME, Site
from tests.integration.nginx_site import trust
from tests.integration.tls_scan import scan

pytest_plugins = [
    "tests.integration.docker_fixtures",
    "tests.integration.door_fixtures",
    "tests.integration.nginx_fixtures",
]


def test_browsers_get_http_2_and_are_told_to_come_by_https_only(site: Site) -> None:
    with site.connect(trust(site, "h2", "http/1.1")) as connection:
        assert isinstance(connection, ssl.SSLSocket)
        assert connection.selected_alpn_protocol() == "h2"
    answer, _ = site.get("/", trust(site))
    assert answer.headers["Strict-Transport-Security"] == "max-age=100"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Server"] == "nginx"


def test_who_asks_for_another_host_gets_no_certificate(site: Site, docker_engine: DockerEngine) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        context.wrap_socket(docker_engine.network.connect(ADDRESS, 443), server_hostname="other.test")


def test_a_tls_scan_finds_no_weakness(site: Site, docker_engine: DockerEngine) -> None:
    found = scan(docker_engine.network.pid, ADDRESS, NAME)
    refused = ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1")
    assert [name for name in refused if found[f"{name}_cipher_suites"]["accepted_cipher_suites"]] == []
    accepted = [
        suite["cipher_suite"]["name"]
        for version in ("tls_1_2", "tls_1_3")
        for suite in found[f"{version}_cipher_suites"]["accepted_cipher_suites"]
    ]
    assert {"TLS_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"} <= set(accepted)
    assert [name for name in accepted if not re.search(r"^TLS_(ECDHE_\w+_WITH_)?(AES_\d+_GCM|CHACHA20)", name)] == []
    assert not found["tls_compression"]["supports_compression"]
    assert not found["session_renegotiation"]["is_vulnerable_to_client_renegotiation_dos"]
    assert found["session_renegotiation"]["supports_secure_renegotiation"]
    assert not found["heartbleed"]["is_vulnerable_to_heartbleed"]
    assert not found["openssl_ccs_injection"]["is_vulnerable_to_ccs_injection"]
    assert found["robot"]["robot_result"].startswith("NOT_VULNERABLE")
    assert not found["tls_1_3_early_data"]["supports_early_data"]
    assert found["tls_fallback_scsv"]["supports_fallback_scsv"]
