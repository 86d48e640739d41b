"""The front door and a real CA: from the waiting page to a certificate, to the next one, and through an outage of the CA."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import websocket

from images.proxy.door.settings import Settings
from tests.integration import pebble
from tests.integration.docker_engine import DockerEngine
from tests.integration.door_site import ADDRESS, NAME, Site, wait_until
from tests.integration.pebble import Pebble

pytest_plugins = ["tests.integration.docker_fixtures", "tests.integration.door_fixtures"]

VALID_S = 36  # renewal is due after 24 at the latest; by what this CA says, at any moment before


@pytest.fixture(scope="module")
def ca(docker_engine: DockerEngine, network: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    """A CA, and a name server that does not know the site."""
    with pebble.running(docker_engine, Path(tmp_path_factory.mktemp("pebble")), network, VALID_S) as authority:
        yield authority


@pytest.fixture(scope="module")
def site(ca: Pebble, new_site: Callable[[Settings], Site]) -> Site:
    """A door without a certificate, begun before its name resolves. The tests take it from there, in their order."""
    settings = Settings(https="letsencrypt", domain=NAME, address=ADDRESS, acme_server=pebble.DIRECTORY, acme_ca=True)
    door = new_site(settings)
    door.files["/etc/door/acme-ca.pem"] = ca.ca
    door.start("--dns", pebble.NAMES_ADDRESS)
    return door


def test_without_a_dns_entry_the_site_says_what_it_waits_for(site: Site) -> None:
    wait_until("the waiting page names the address", lambda: f"must be the address {ADDRESS}" in site.get()[1], 20)
    answer, page = site.get("/hub/login")
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert f"{NAME} cannot be looked up" in page or f"{NAME} does not resolve yet" in page
    assert site.status().startswith(f"! letsencrypt, {NAME}; {NAME} ")


def test_once_the_name_resolves_the_site_goes_on_by_itself(site: Site, ca: Pebble) -> None:
    ca.resolve(NAME, ADDRESS)
    wait_until("https", lambda: site.get("/any", ca.trust())[0].status == 200, 40)
    answer, _ = site.get("/hub/login?next=%2Fhub")
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/hub/login?next=%2Fhub")
    assert site.status().startswith(f"letsencrypt, {NAME}; 0 minutes left; renewal ")


def test_a_websocket_stays_open_while_the_certificate_is_renewed_before_it_ends(site: Site, ca: Pebble) -> None:
    before = site.certificate()
    connection = site.connect(ca.trust())
    opened = websocket.create_connection(f"wss://{NAME}/echo", socket=connection)
    opened.send("before")
    assert opened.recv() == "before"
    # `trust` verifies dates too: at no moment is a certificate served that has ended.
    wait_until("a new certificate", lambda: site.get("/any", ca.trust())[0].status == 200 and site.certificate() != before, 60)
    opened.send("after")
    assert opened.recv() == "after"
    opened.close()


def test_an_outage_of_the_ca_is_survived_and_the_renewal_tried_again(site: Site, ca: Pebble) -> None:
    ca.cut_off()
    before = site.certificate()
    wait_until("the outage is told", lambda: "does not answer" in site.status(), 60)
    assert site.certificate() == before
    assert site.status().startswith("! ")
    ca.reconnect()
    wait_until("a new certificate", lambda: site.certificate() != before, 40)
    wait_until("all is well", lambda: not site.status().startswith("! "), 10)
