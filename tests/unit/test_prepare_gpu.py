"""cloud-init/prepare-gpu.sh, with a driver that is not there: what it writes for Docker and for NVIDIA's runtime."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from components.cloud_init import SOURCE, cloud_config
from tests.unit.fake_host import FakeHost
from tests.unit.graphs import INSTANCE, Graph

SMI = 'echo "GPU-1111"; echo "GPU-2222"'


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """The node's /etc, with the daemon's settings of this project."""
    folder = tmp_path / "etc"
    (folder / "docker").mkdir(parents=True)
    shutil.copy(SOURCE / "daemon.json", folder / "docker" / "daemon.json")
    return folder


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    """A node with two GPUs."""
    (tmp_path / "host").mkdir()
    made = FakeHost(tmp_path / "host")
    made.program("systemctl")
    made.program("nvidia-smi", SMI)
    made.program("nvidia-container-runtime")
    return made


def line(etc: Path) -> str:
    """How the script is called here."""
    return f"/bin/bash '{SOURCE / 'prepare-gpu.sh'}' '{etc}'"


def test_docker_offers_each_gpu_and_runs_containers_with_nvidias_runtime(host: FakeHost, etc: Path) -> None:
    before = json.loads((etc / "docker" / "daemon.json").read_text())
    assert host.run(line(etc)).returncode == 0
    after = json.loads((etc / "docker" / "daemon.json").read_text())
    assert after["node-generic-resources"] == ["NVIDIA-GPU=GPU-1111", "NVIDIA-GPU=GPU-2222"]
    assert after["default-runtime"] == "nvidia"
    assert before.items() <= after.items()
    assert host.calls("systemctl") == ["systemctl restart docker"]


def test_the_runtime_looks_at_what_swarm_gave_and_nothing_else_changes(host: FakeHost, etc: Path) -> None:
    config = etc / "nvidia-container-runtime" / "config.toml"
    config.parent.mkdir()
    config.write_text('#swarm-resource = "DOCKER_RESOURCE_GPU"\n\n[nvidia-container-cli]\nload-kmods = true\n')
    for _ in range(2):
        assert host.run(line(etc)).returncode == 0
    assert config.read_text() == ('swarm-resource = "DOCKER_RESOURCE_NVIDIA-GPU"\n\n[nvidia-container-cli]\nload-kmods = true\n')


def test_a_runtime_without_settings_gets_some(host: FakeHost, etc: Path) -> None:
    assert host.run(line(etc)).returncode == 0
    written = (etc / "nvidia-container-runtime" / "config.toml").read_text()
    assert written == 'swarm-resource = "DOCKER_RESOURCE_NVIDIA-GPU"\n'


def test_an_image_without_a_driver_offers_no_gpu_and_says_so(tmp_path: Path, etc: Path) -> None:
    (tmp_path / "bare").mkdir()
    bare = FakeHost(tmp_path / "bare", bare=True)
    done = bare.run(line(etc))
    assert done.returncode == 0
    assert "the image has no nvidia-smi: this node offers no GPU" in done.stderr
    assert "node-generic-resources" not in (etc / "docker" / "daemon.json").read_text()


def test_the_script_is_sent_to_nodes_with_gpus_alone(graph_of: Callable[..., Graph]) -> None:
    graph = graph_of(workerFlavor="g3.small", managerFlavor="m3.small", workers="1")
    sent = {node.name: "prepare-gpu" in node.inputs["userData"] for node in graph.of_type(INSTANCE)}
    assert sent == {"machines-manager-0": False, "machines-worker-0": True}


def test_gpus_are_offered_once_docker_is_there() -> None:
    assert cloud_config("worker-0", "ubuntu", gpu=True)["runcmd"][-2:] == [
        ["/usr/local/sbin/prepare-node", "ubuntu"],
        ["/usr/local/sbin/prepare-gpu"],
    ]
