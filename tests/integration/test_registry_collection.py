"""The swarm's own registry collects its garbage: what a tag reaches, by an index too, stays; what was pushed over goes."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.docker_engine import DockerEngine
from tests.integration.door_site import wait_until
from tests.integration.pushed_images import INDEX, digest_of, manifest_status, push_image, push_index
from tests.integration.registry_process import RegistryProcess

pytest_plugins = ["tests.integration.docker_fixtures"]

OWN = "127.0.0.1:5000"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RegistryProcess]:
    """It collects as soon as nothing was pushed for 3 s, and every few seconds."""
    made = RegistryProcess(tmp_path, 160, COLLECT_SECONDS="4", QUIET_SECONDS="3", GRACE_SECONDS="0")
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def another_engine(
    docker_engine: DockerEngine, registry: RegistryProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DockerEngine]:
    """An engine that has none of the images, reaches the registry as nodes do, and is signed in."""
    listening = docker_engine.network.listen(*_address(OWN))
    threading.Thread(target=_relay, args=(listening, registry.port), daemon=True).start()
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    docker_engine.docker("login", "--username", "jupyterhub", "--password-stdin", OWN, stdin=b"secret")
    yield docker_engine
    listening.close()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    return host, int(port)


def _relay(listening: socket.socket, port: int) -> None:
    """Pass each connection on to a port of this machine, until the socket is closed."""
    while True:
        try:
            near, _ = listening.accept()
        except OSError:
            return
        far = socket.create_connection(("127.0.0.1", port))
        for source, target in ((near, far), (far, near)):
            threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    while piece := source.recv(65536):
        target.sendall(piece)
    target.shutdown(socket.SHUT_WR)


def test_an_index_that_a_tag_names_is_pulled_whole_after_what_was_pushed_over_is_gone(
    registry: RegistryProcess, another_engine: DockerEngine
) -> None:
    over = push_image(registry, "moved")
    push_image(registry, "moved")
    index, image, attestation = push_index(registry, "indexed", "from an index")
    plain = push_image(registry, "plain")
    lone = push_image(registry)
    wait_until("what no tag names is deleted", lambda: manifest_status(registry, over.digest) == 404, 60)
    wait_until("it answers", lambda: registry.ask("GET", "/v2/")[0] == 200, 30)
    assert manifest_status(registry, lone.digest) == 404
    for gone in (over, lone):
        assert not [file for file in registry.images.rglob("data") if file.read_bytes() == gone.layer]
    assert manifest_status(registry, "indexed", INDEX) == 200
    assert [manifest_status(registry, kept.digest) for kept in (image, attestation, plain)] == [200, 200, 200]
    another_engine.docker("pull", f"{OWN}/team/lab:indexed")
    made = another_engine.docker("create", f"{OWN}/team/lab:indexed", "any")
    assert "from an index" in another_engine.docker("cp", f"{made}:/content", "-")
    assert index.digest in another_engine.docker("image", "inspect", "--format", "{{.RepoDigests}}", f"{OWN}/team/lab:indexed")


def test_what_the_settings_name_by_its_digest_stays_though_its_tag_was_pushed_over(registry: RegistryProcess) -> None:
    index, image, _ = push_index(registry, "moved", "wanted")
    (registry.images / "kept").write_text(f"{index.digest}\n")
    over = push_image(registry, "moved")
    push_image(registry, "moved")
    wait_until("what nobody names is deleted", lambda: manifest_status(registry, over.digest) == 404, 60)
    assert manifest_status(registry, index.digest, INDEX) == 200
    assert registry.pull(image.layer) == image.layer


def test_while_a_push_is_under_way_nothing_is_collected(registry: RegistryProcess) -> None:
    over = push_image(registry, "moved")
    push_image(registry, "moved")
    pushed = []
    for _ in range(20):  # one layer after the other, longer than the registry waits between two collections
        layer = os.urandom(1024)
        assert registry.push(layer)[0] == 201
        pushed.append(layer)
        threading.Event().wait(0.5)
    assert [digest_of(registry.pull(layer)) for layer in pushed] == [digest_of(layer) for layer in pushed]
    wait_until("then it is", lambda: manifest_status(registry, over.digest) == 404, 60)
