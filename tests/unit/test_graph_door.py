"""The front door in the graph: its state, its settings, the certificate that it is given, and its own CA as an output."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest

from images.proxy.door.settings import Settings
from tests.unit.door_pairs import NAME, made
from tests.unit.graphs import COMMAND, SERVICE_CONFIG, Graph, is_secret, plain_texts, rendered, revealed

GraphOf = Callable[..., Graph]


def container(graph: Graph) -> dict[str, Any]:
    """The container of the front door."""
    return dict(graph["proxy-nginx"].inputs["taskSpec"]["containerSpec"])


def files(graph: Graph) -> dict[str, str]:
    """The texts of the front door's configs, by their places in the container."""
    texts = {config.inputs["name"]: b64decode(config.inputs["data"]).decode() for config in graph.of_type(SERVICE_CONFIG)}
    return {config["fileName"]: texts[config["configName"]] for config in container(graph)["configs"]}


@pytest.fixture(scope="module")
def acme(graph_of: GraphOf) -> Graph:
    """A stack whose certificate comes from Let's Encrypt's staging CA."""
    return graph_of(https="letsencrypt", domain=NAME, acmeServer="letsencrypt-staging", acmeEmail="ada@example.org")


def test_certificates_are_on_the_state_volume_in_a_folder_of_the_doors_user(graph: Graph) -> None:
    assert container(graph)["mounts"] == [{"type": "bind", "source": "storage-door-folder-stdout", "target": "/var/lib/door"}]
    made = graph["storage-door-folder"].inputs["create"]
    assert made.startswith("{ mountpoint -q /srv/state || ")
    assert made.endswith("&& sudo install -d -m 700 -o 33 -g 33 /srv/state/door && echo /srv/state/door")
    assert "storage-state-mounted" in graph["storage-door-folder"].depends_on


def test_the_door_reads_the_settings_that_the_program_wrote(acme: Graph, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.json"
    file.write_text(files(acme)["/etc/door/settings.json"])
    monkeypatch.setenv("PUBLIC_ADDRESS", container(acme)["env"]["PUBLIC_ADDRESS"])
    assert Settings.read(file) == Settings(
        https="letsencrypt",
        domain=NAME,
        address="192.0.2.10",
        acme_server="https://acme-staging-v02.api.letsencrypt.org/directory",
        acme_email="ada@example.org",
    )


def test_a_private_acme_server_is_trusted_by_the_file_that_is_named(graph_of: GraphOf, tmp_path: Any) -> None:
    (tmp_path / "ca.pem").write_text(made().chain)
    found = files(
        graph_of(https="letsencrypt", domain=NAME, acmeServer="https://ca.test/dir", acmeCaFile=str(tmp_path / "ca.pem"))
    )
    assert found["/etc/door/acme-ca.pem"] == (tmp_path / "ca.pem").read_text()
    assert json.loads(found["/etc/door/settings.json"])["acme_ca"] is True


def test_a_setting_of_another_mode_changes_nothing(graph_of: GraphOf) -> None:
    assert files(graph_of(acmeEmail="ada@example.org")) == files(graph_of())


def test_browsers_are_held_to_https_unless_the_ca_is_the_sites_own(graph_of: GraphOf, acme: Graph) -> None:
    assert '"max-age=15552000"' in files(acme)["/etc/nginx/https.conf"]
    assert "max-age" not in files(graph_of())["/etc/nginx/https.conf"]


def test_the_upload_limit_is_the_one_of_the_settings(graph_of: GraphOf) -> None:
    assert "client_max_body_size 1073741824;" in files(graph_of(uploadLimit="1G"))["/etc/nginx/site.conf"]


def test_a_site_behind_another_proxy_publishes_one_port(graph_of: GraphOf) -> None:
    graph = graph_of(https="none", allowPlainHttp="true")
    assert [port["publishedPort"] for port in graph["proxy-nginx"].inputs["endpointSpec"]["ports"]] == [80]
    assert "/etc/nginx/https.conf" not in files(graph)


def test_the_own_ca_is_read_once_the_door_runs_and_from_the_place_of_the_sites_name(graph: Graph, graph_of: GraphOf) -> None:
    assert "proxy-nginx" in graph["proxy-ca"].depends_on
    assert "sudo cat storage-door-folder-stdout/selfsigned/192.0.2.10/ca.pem" in graph["proxy-ca"].inputs["create"]
    assert f"/selfsigned/{NAME}/ca.pem" in graph_of(domain=NAME)["proxy-ca"].inputs["create"]


def test_there_is_no_own_ca_to_read_in_the_other_modes(acme: Graph) -> None:
    assert "proxy-ca" not in acme.names()


def test_the_door_is_looked_after(graph: Graph) -> None:
    check = container(graph)["healthcheck"]
    assert check["tests"][:3] == ["CMD", "bash", "-c"]
    assert "/.alive" in check["tests"][3]
    assert "location = /.alive" in files(graph)["/etc/nginx/alive.conf"]


PAIR = made()


def provided(stack_values: dict[str, str], chain: str = PAIR.chain, key: str = PAIR.key) -> Graph:
    """A stack with a certificate of its user's, secret as `pulumi config set --secret` makes it."""
    values = {**stack_values, "https": "provided", "domain": NAME, "certificate": chain, "certificateKey": key}
    return rendered(values)


def test_a_given_certificate_and_its_key_become_swarm_secrets_by_standard_input(stack_values: dict[str, str]) -> None:
    graph = provided(stack_values)
    for name, text in (("proxy-certificate", PAIR.chain), ("proxy-certificate-key", PAIR.key)):
        assert is_secret(graph[name].inputs["stdin"])
        assert revealed(graph[name].inputs["stdin"]) == text
    for resource in graph.resources:
        assert not any(PAIR.key.splitlines()[1] in text for text in plain_texts(resource.inputs)), resource.name
    for command in graph.of_type(COMMAND):
        assert "PRIVATE KEY" not in str(revealed([command.inputs.get(line, "") for line in ("create", "delete")]))
    assert [secret["fileName"] for secret in container(graph)["secrets"]] == ["fullchain.pem", "privkey.pem"]


def test_a_given_certificate_is_tried_by_standard_input_before_the_service_changes(stack_values: dict[str, str]) -> None:
    graph = provided(stack_values)
    tried = graph["proxy-certificate-tried"]
    assert is_secret(tried.inputs["stdin"])
    assert PAIR.chain in revealed(tried.inputs["stdin"]) and PAIR.key in revealed(tried.inputs["stdin"])
    assert tried.inputs["create"].endswith(" -m door try")
    assert "proxy-certificate-tried" in graph["proxy-nginx"].depends_on


def test_another_certificate_is_another_secret_and_so_another_task(stack_values: dict[str, str]) -> None:
    other = made()
    graphs = provided(stack_values), provided(stack_values), provided(stack_values, other.chain, other.key)
    one, same, new = (plain_names(graph) for graph in graphs)
    assert one == same
    assert not set(one) & set(new)
    assert graphs[0]["proxy-certificate"].inputs["triggers"] != graphs[2]["proxy-certificate"].inputs["triggers"]


def plain_names(graph: Graph) -> list[str]:
    """The names of the front door's secrets, which are no secrets themselves."""
    names = [secret["secretName"] for secret in container(graph)["secrets"]]
    assert all(isinstance(name, str) and name.startswith("jupyterhub-certificate") for name in names)
    return names


def test_an_account_at_a_ca_becomes_two_swarm_secrets_and_is_in_nothing_plain(stack_values: dict[str, str]) -> None:
    account = {"acmeEabKeyId": "kid-of-hub", "acmeEabHmacKey": "-_8B-_8BAgMEBQYHCAkKCw"}
    graph = rendered({**stack_values, "https": "letsencrypt", "domain": NAME, **account})
    assert [secret["fileName"] for secret in container(graph)["secrets"]] == ["acme-eab-key-id", "acme-eab-hmac-key"]
    assert json.loads(files(graph)["/etc/door/settings.json"])["acme_eab"] is True
    for name, text in zip(("proxy-acme-eab-key-id", "proxy-acme-eab-hmac-key"), account.values(), strict=True):
        assert is_secret(graph[name].inputs["stdin"])
        assert revealed(graph[name].inputs["stdin"]) == text
        assert not any(text in plain for resource in graph.resources for plain in plain_texts(resource.inputs))
