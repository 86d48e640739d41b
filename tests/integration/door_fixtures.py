"""Fixtures of the front door's tests; a test module takes them by `pytest_plugins`, after those of docker_fixtures."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from images.proxy.door.settings import Settings
from tests.integration.docker_engine import DockerEngine
from tests.integration.door_image import door_image
from tests.integration.door_site import NETWORK, SUBNET, UPSTREAM, Site
from tests.integration.echo import Echo


@pytest.fixture(scope="session")
def image(docker_engine: DockerEngine) -> str:
    """The front door's image, on the tests' engine."""
    return door_image(docker_engine)


@pytest.fixture(scope="module")
def network(docker_engine: DockerEngine) -> Iterator[str]:
    """A network with a stand-in for the user proxy at its engine's address."""
    docker_engine.docker("network", "create", "--subnet", SUBNET, NETWORK)
    echo = Echo(docker_engine.network.listen(UPSTREAM, 8000))
    yield NETWORK
    echo.stop()
    docker_engine.docker("network", "rm", NETWORK)


@pytest.fixture(scope="module")
def new_site(
    docker_engine: DockerEngine, network: str, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Settings], Site]]:
    """Makes doors, which a test starts; they all have the same address, so the one before is stopped."""
    made: list[Site] = []

    def make(settings: Settings) -> Site:
        for other in made:
            other.stop()
        made.append(Site(docker_engine, Path(tmp_path_factory.mktemp("door")), image, settings))
        return made[-1]

    yield make
    for site in made:
        site.stop()
