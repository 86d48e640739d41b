"""A front door with the rendered configuration of NGINX, in front of a stand-in for the user proxy; a test module takes them by
`pytest_plugins`, after those of door_fixtures."""

import ssl
from collections.abc import Callable, Iterator

import pytest

from components.proxy import nginx_configs
from images.proxy.door.settings import Settings
from tests.integration.docker_engine import DockerEngine
from tests.integration.door_site import ADDRESS, NAME, UPSTREAM, Site, wait_until
from tests.integration.upstream import Upstream

MIB = 1024**2


def configs_of(scheme: str, userproxy: str, server_name: str = NAME) -> dict[str, str]:
    """The files of /etc/nginx, by their paths in the container."""
    texts = nginx_configs(
        scheme=scheme, server_name=server_name, title="Physics 101", userproxy=userproxy, upload_limit=512 * MIB, hsts=100
    )
    return {f"/etc/nginx/{file}": text for file, text in texts.items()}


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


def trust(site: Site, *protocols: str) -> ssl.SSLContext:
    """TLS as a browser does it that trusts the site's CA and speaks the protocols."""
    context = ssl.create_default_context(cafile=str(site.state / "selfsigned" / NAME / "ca.pem"))
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context
