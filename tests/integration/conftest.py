"""Fixtures for tests against real programs: the Pulumi engine with stand-in or vendor's plugins, and ssh servers.

The tests of a stand-in run twice: with the stand-in, and with the vendor's plugin when STANDIN_VENDOR_DIR names a
folder that holds it (pulumi-resource-command, pulumi-resource-docker). Both must give the same states and diffs.
A test module says which plugins it needs: `PLUGINS = ("command",)`.
"""

import importlib.metadata
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.sshd import Bastion, Server, lonely_network, new_key
from tests.integration.workspace import ROOT, Workspace, toolchain_path, write_plugin


@dataclass(frozen=True)
class SshHosts:
    """Two hosts of a cloud: `target` is reached only through `bastion`. Each has a key of its own."""

    bastion: Bastion
    target: Server
    bastion_key: Path
    target_key: Path
    wrong_key: Path


@pytest.fixture(params=["stand-in", "vendor"])
def plugin_kind(request: pytest.FixtureRequest) -> str:
    """Whose plugins the test runs with."""
    kind = str(request.param)
    if kind == "vendor":
        skip_without_vendor(request.module.PLUGINS)
    return kind


@pytest.fixture
def pulumi_workspace(request: pytest.FixtureRequest, tmp_path: Path, plugin_kind: str) -> Workspace:
    """A project with its own state, whose plugins are the stand-ins or the vendor's."""
    path = toolchain_path()
    if shutil.which("pulumi", path=path) is None:
        pytest.fail("no pulumi in .build/toolchain/bin or on PATH: run `make toolchain` first")
    folder = tmp_path / "project"
    folder.mkdir()
    return Workspace(folder, plugin_home(tmp_path, plugin_kind, request.module.PLUGINS), path)


def plugin_home(folder: Path, kind: str, names: Sequence[str]) -> Path:
    """A PULUMI_HOME of its own with the named plugins of that kind."""
    home = folder / f"pulumi-home-{kind}"
    for name in names:
        version = importlib.metadata.version(f"pulumi-{name}")
        if kind == "vendor":
            write_plugin(home, name, version, _vendor_folder() / f"pulumi-resource-{name}")
        else:
            python = ROOT / ".venv" / "bin" / "python"
            command = ["env", f"PYTHONPATH={ROOT / 'lab' / 'plugins'}", str(python), "-m", f"standin.{name}"]
            write_plugin(home, name, version, command)
    return home


def skip_without_vendor(names: Sequence[str]) -> None:
    """Skips the test where the vendor's plugins cannot be had."""
    for name in names:
        if not (_vendor_folder() / f"pulumi-resource-{name}").exists():
            pytest.skip(f"no vendor's {name} plugin: STANDIN_VENDOR_DIR names no folder that holds it")


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


def _vendor_folder() -> Path:
    return Path(os.environ.get("STANDIN_VENDOR_DIR") or os.devnull)
