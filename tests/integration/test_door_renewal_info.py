"""The front door and a CA that wants a certificate back before its time (ARI, RFC 9773)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from images.proxy.door.settings import Settings
from tests.integration import pebble
from tests.integration.docker_engine import DockerEngine
from tests.integration.door_site import ADDRESS, NAME, Site, wait_until
from tests.integration.pebble import Pebble

pytest_plugins = ["tests.integration.docker_fixtures", "tests.integration.door_fixtures"]

VALID_S = 240  # by its dates, renewal is due after 160; the CA is heeded after 12, and asked for another after 80


@pytest.fixture
def ca(docker_engine: DockerEngine, network: str, tmp_path: Path) -> Iterator[Pebble]:
    """A CA, and a name server that knows the site."""
    with pebble.running(docker_engine, tmp_path, network, VALID_S) as authority:
        authority.resolve_soon(NAME, ADDRESS)
        yield authority


def test_a_certificate_that_the_ca_will_revoke_is_replaced_long_before_its_dates_ask_for_it(
    ca: Pebble, new_site: Callable[[Settings], Site]
) -> None:
    site = new_site(Settings(https="letsencrypt", domain=NAME, address=ADDRESS, acme_server=pebble.DIRECTORY, acme_ca=True))
    site.files["/etc/door/acme-ca.pem"] = ca.ca
    site.start("--dns", pebble.NAMES_ADDRESS)
    wait_until("https", lambda: site.get("/any", ca.trust())[0].status == 200, 60)
    before = site.certificate()
    ca.want_renewed(before)
    site.restart()  # else it hears of it some hours later: the CA says how often it may be asked
    wait_until("a new certificate", lambda: site.certificate() != before, 120)
    wait_until("all is well", lambda: not site.status().startswith("! "), 10)
