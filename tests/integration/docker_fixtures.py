"""Fixtures of the docker plugin's tests; a test module takes them by `pytest_plugins`."""

import shutil
from collections.abc import Iterator

import pytest

from tests.integration.docker_engine import DockerEngine
from tests.integration.docker_programs import Swarm
from tests.integration.workspace import Workspace


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    """The engine, for all tests of a run."""
    missing = [name for name in ("dockerd", "docker", "unshare", "ip") if shutil.which(name) is None]
    assert not missing, f"{', '.join(missing)} not found: install the packages docker.io, util-linux and iproute2"
    engine = DockerEngine(tmp_path_factory.mktemp("engine"))
    try:
        engine.start()
        yield engine
    finally:
        engine.stop()


@pytest.fixture
def swarm(pulumi_workspace: Workspace, docker_engine: DockerEngine, plugin_kind: str) -> Iterator[Swarm]:
    """A stack on the engine, which is empty before and after."""
    yield Swarm(pulumi_workspace, docker_engine, plugin_kind)
    docker_engine.clear()
