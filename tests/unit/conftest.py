"""What the tests of the program share: the config of a stack that is right, and its graph for changes to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from components import schema, settings
from components.settings import Settings
from tests.unit.fake_host import DOCKER, FakeHost
from tests.unit.fake_quota import Volume
from tests.unit.graphs import Graph, rendered

# The same examples on every machine, and no failure because one is slow.
hypothesis.settings.register_profile("project", deadline=None, derandomize=True)
hypothesis.settings.load_profile("project")

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample test\n"
PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nZXhhbXBsZQ==\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.fixture(scope="session")
def stack_values(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings that the program takes, by their short keys; whatever is not named has its default."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "id.pub").write_text(PUBLIC_KEY)
    (folder / "id").write_text(PRIVATE_KEY)
    return {
        "image": "debian-13",
        "sshUser": "ubuntu",
        "sshPublicKeyFile": str(folder / "id.pub"),
        "sshPrivateKeyFile": str(folder / "id"),
        "admins": '["ada"]',
        "allowDummyOnPublicAddress": "true",
        "https": "selfsigned",
    }


@pytest.fixture
def load_stack(stack_values: dict[str, str]) -> Callable[..., Settings]:
    """Loads the right settings with the secrets and the changes that a test names: `load_stack(workers="3")`."""

    def load_changed(secrets: dict[str, str] | None = None, **changes: str) -> Settings:
        return settings.load({**stack_values, **changes}.get, schema.load(), (secrets or {}).get)

    return load_changed


@pytest.fixture(scope="session")
def graph_of(stack_values: dict[str, str]) -> Callable[..., Graph]:
    """Renders the program with the right settings and the changes that a test names: `graph_of(workers="3")`."""
    known: dict[str, Graph] = {}

    def render(**changes: str) -> Graph:
        key = repr(sorted(changes.items()))
        if key not in known:
            known[key] = rendered({**stack_values, **changes})
        return known[key]

    return render


@pytest.fixture(scope="session")
def graph(graph_of: Callable[..., Graph]) -> Graph:
    """The graph of a manager with three workers, signing in with a password."""
    return graph_of(workers="3", auth="dummy")


@pytest.fixture
def example_folder(tmp_path: Path) -> Path:
    """A small build folder with a script in a sub-folder."""
    folder = tmp_path / "example"
    (folder / "bin").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY bin /bin\n")
    (folder / "bin" / "run").write_text("#!/bin/sh\nexit 0\n")
    (folder / "bin" / "run").chmod(0o755)
    return folder


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    """A node with a fresh docker."""
    node = FakeHost(tmp_path)
    node.program("docker", DOCKER)
    return node


@pytest.fixture
def volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Volume:
    """A volume after the reconciler's first run."""
    made = Volume(tmp_path)
    monkeypatch.setenv("PATH", str(made.xfs.bin))
    monkeypatch.setattr("os.chown", lambda *_: None)
    assert made.run() == []
    return made
