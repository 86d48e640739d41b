"""The lines that bring images and secrets to a node, run for real on a host whose docker only keeps a log."""

from __future__ import annotations

import base64
import re

import pytest

from components import commands
from tests.unit.fake_host import FakeHost, having


def build_input(certificate: str, context: bytes) -> str:
    """What `build_image` reads, as components/images.py writes it."""
    return f"{base64.b64encode(certificate.encode()).decode() or '-'}\n{base64.b64encode(context).decode()}\n"


def test_an_image_is_built_from_the_archive_on_standard_input(host: FakeHost) -> None:
    context = bytes(range(256)) * 300
    done = host.run(commands.build_image("x/hub:1"), stdin=build_input("", context))
    assert (done.returncode, done.stdout) == (0, "sha256:1\n")
    assert (host.folder / "context").read_bytes() == context
    assert host.calls("docker build") == ["docker build --network host --tag x/hub:1 -"]


def test_an_extra_certificate_reaches_the_build_whole(host: FakeHost) -> None:
    certificate = "-----BEGIN CERTIFICATE-----\nMIIB $(x) 'y'\n-----END CERTIFICATE-----"
    assert host.run(commands.build_image("x/hub:1"), stdin=build_input(certificate, b"tar")).returncode == 0
    assert host.calls("docker build") == [f"docker build --network host --tag x/hub:1 --build-arg EXTRA_CA={certificate} -"]


@pytest.mark.parametrize("line", [commands.build_image("x/hub:1"), commands.pull_image("x/hub:1")], ids=["build", "pull"])
def test_an_image_that_the_node_has_is_neither_built_nor_pulled(host: FakeHost, line: str) -> None:
    done = having(host, "image").run(line, stdin=build_input("", b"tar"))
    assert (done.returncode, done.stdout) == (0, "sha256:1\n")
    assert host.calls("docker build") == host.calls("docker pull") == []


def test_an_image_that_the_node_does_not_have_is_pulled(host: FakeHost) -> None:
    done = host.run(commands.pull_image("x/hub:1"))
    assert (done.returncode, done.stdout) == (0, "sha256:1\n")
    assert host.calls("docker pull") == ["docker pull --quiet x/hub:1"]


@pytest.mark.parametrize("line", [commands.build_image("x/hub:1"), commands.pull_image("x/hub:1")], ids=["build", "pull"])
def test_an_image_that_cannot_be_had_is_a_failure(host: FakeHost, line: str) -> None:
    done = having(host, "broken").run(line, stdin=build_input("", b"tar"))
    assert (done.returncode, done.stdout) == (1, "")


def test_a_made_secret_is_random_hex_digits_that_only_the_swarm_has(host: FakeHost) -> None:
    done = host.run(commands.make_secret("cookie"))
    value = (host.folder / "secret").read_text()
    assert (done.returncode, done.stdout) == (0, "secret-id\n")
    assert re.fullmatch(r"[0-9a-f]{64}", value)
    assert not any(value in call for call in host.calls())


def test_two_made_secrets_differ(host: FakeHost) -> None:
    values = set()
    for _ in range(2):
        host.run(commands.make_secret("cookie"))
        values.add((host.folder / "secret").read_text())
        (host.folder / "secret").unlink()
    assert len(values) == 2


def test_a_stored_secret_is_what_was_on_standard_input_and_in_no_argument(host: FakeHost) -> None:
    done = host.run(commands.store_secret("password"), stdin="k9-swordfish")
    assert (done.returncode, done.stdout) == (0, "secret-id\n")
    assert (host.folder / "secret").read_text() == "k9-swordfish"
    assert not any("k9-swordfish" in call for call in host.calls())


@pytest.mark.parametrize("line", [commands.make_secret("s"), commands.store_secret("s")], ids=["make", "store"])
def test_a_secret_that_exists_is_not_made_again(host: FakeHost, line: str) -> None:
    done = having(host, "secret").run(line, stdin="new")
    assert (done.returncode, done.stdout) == (0, "secret-id\n")
    assert host.calls("docker secret create") == []
    assert (host.folder / "secret").read_text() == ""


@pytest.mark.parametrize("line", [commands.make_secret("s"), commands.store_secret("s")], ids=["make", "store"])
def test_a_secret_that_cannot_be_made_is_a_failure(host: FakeHost, line: str) -> None:
    done = having(host, "broken").run(line, stdin="new")
    assert (done.returncode, done.stdout) == (1, "")


def test_a_private_image_is_pulled_signed_in_and_the_password_is_nowhere_else(host: FakeHost) -> None:
    done = host.run(commands.pull_image("ghcr.io/team/lab:1", "ghcr.io", "me"), stdin="the password")
    assert (done.returncode, done.stdout) == (0, "sha256:1\n")
    assert host.calls("docker login") == ["docker login --username me --password-stdin ghcr.io"]
    assert host.calls("docker pull") == ["docker pull --quiet ghcr.io/team/lab:1"]
    assert not any("the password" in call for call in host.calls())
