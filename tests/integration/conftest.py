"""Fixtures for tests against real programs: the Pulumi engine with the plugins of `make toolchain`, and ssh servers.

A test module says which plugins it needs: `PLUGINS = ("command",)`. With LAB_PLUGINS_DIR at `make toolchain` they are the
vendor's, for which the same tests hold.
"""

import importlib.metadata
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.sshd import Bastion, Server, lonely_network, new_key
from tests.integration.workspace import Workspace, installed_plugin, toolchain_path, write_plugin


@dataclass(frozen=True)
class SshHosts:
    """Two hosts of a cloud: `target` is reached only through `bastion`. Each has a key of its own."""

    bastion: Bastion
    target: Server
    bastion_key: Path
    target_key: Path
    wrong_key: Path


@pytest.fixture
def pulumi_workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    """A project with its own state and the plugins that the test module names."""
    path = toolchain_path()
    if shutil.which("pulumi", path=path) is None:
        pytest.fail("no pulumi in .build/toolchain/bin or on PATH: run `make toolchain` first")
    folder = tmp_path / "project"
    folder.mkdir()
    home = tmp_path / "pulumi-home"
    for name in request.module.PLUGINS:
        write_plugin(home, name, importlib.metadata.version(f"pulumi-{name}"), installed_plugin(name))
    return Workspace(folder, home, path)


@pytest.fixture
def ssh_hosts(tmp_path: Path) -> Iterator[SshHosts]:
    """A running bastion and a target that is not started yet."""
    folder = tmp_path / "ssh"
    folder.mkdir()
    keys = {name: new_key(folder, f"{name}_key") for name in ("bastion", "target", "wrong")}
    with lonely_network() as net:
        bastion = Bastion(folder, "bastion", [keys["bastion"]], net=net)
        target = Server(folder, "target", [keys["target"]], options="AcceptEnv PULUMI_COMMAND_* GREETING", net=net)
        bastion.start()
        try:
            yield SshHosts(bastion, target, keys["bastion"], keys["target"], keys["wrong"])
        finally:
            target.stop()
            bastion.stop()
