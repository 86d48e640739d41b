"""The tests' own Docker engine as a fixture; a test module takes it by `pytest_plugins`."""

import shutil
from collections.abc import Iterator

import pytest

from tests.integration.docker_engine import DockerEngine


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
