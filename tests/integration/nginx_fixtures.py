"""A front door with the rendered configuration of NGINX, in front of a stand-in for the user proxy; a test module takes them by
`pytest_plugins`, after those of door_fixtures."""

from collections.abc import Callable, Iterator

import pytest

from images.proxy.door.settings import Settings
from tests.integration.docker_engine import DockerEngine
from tests.integration.door_site import ADDRESS, NAME, UPSTREAM, Site, wait_until
from tests.integration.nginx_site import configs_of, trust
from tests.integration.upstream import Upstream


@pytest.fixture(scope="module")
def upstream(docker_engine: DockerEngine, network: str) -> Iterator[Upstream]:
    """What is behind the door."""
    running = Upstream(docker_engine.network.listen(UPSTREAM, 8002))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def site(upstream: Upstream, new_site: Callable[[Settings], Site]) -> Site:
    """A door with a certificate of its own CA."""
    door = new_site(Settings(https="selfsigned", domain=NAME, address=ADDRESS))
    door.files |= configs_of("https", f"{UPSTREAM}:8002")
    door.start()
    wait_until("https", lambda: door.get("/", trust(door))[0].status == 200, 30)
    return door
