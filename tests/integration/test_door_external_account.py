"""The front door and a CA that issues to its customers alone (EAB), as those do that universities have."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from images.proxy.door.settings import Settings
from tests.integration import pebble
from tests.integration.docker_engine import DockerEngine
from tests.integration.door_site import ADDRESS, NAME, Site, wait_until
from tests.integration.pebble import Pebble

pytest_plugins = ["tests.integration.docker_fixtures", "tests.integration.door_fixtures"]

KEY_ID, HMAC_KEY = "kid-of-the-campus", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"


@pytest.fixture
def ca(docker_engine: DockerEngine, network: str, tmp_path: Path) -> Iterator[Pebble]:
    """A CA with one customer, and a name server that knows the site."""
    with pebble.running(docker_engine, tmp_path, network, 3600, customers={KEY_ID: HMAC_KEY}) as authority:
        authority.resolve_soon(NAME, ADDRESS)
        yield authority


def door(ca: Pebble, new_site: Callable[[Settings], Site], **secrets: str) -> Site:
    """A door that asks that CA."""
    settings = Settings(
        https="letsencrypt",
        domain=NAME,
        address=ADDRESS,
        acme_server=pebble.DIRECTORY,
        acme_ca=True,
        acme_eab=bool(secrets),
    )
    site = new_site(settings)
    site.files["/etc/door/acme-ca.pem"] = ca.ca
    site.files |= {f"/run/secrets/{name.replace('_', '-')}": text for name, text in secrets.items()}
    site.start("--dns", pebble.NAMES_ADDRESS)
    return site


def test_a_site_gets_its_certificate_with_the_account_of_its_campus_and_is_told_when_that_is_missing(
    ca: Pebble, new_site: Callable[[Settings], Site]
) -> None:
    site = door(ca, new_site)
    wait_until("the remedy is told", lambda: "pulumi config set --secret acmeEabKeyId" in site.get()[1], 40)
    site = door(ca, new_site, acme_eab_key_id=KEY_ID, acme_eab_hmac_key=HMAC_KEY)
    wait_until("https", lambda: site.get("/any", ca.trust())[0].status == 200, 60)
    assert HMAC_KEY not in site.log
    assert not any(HMAC_KEY in file.read_text() for file in site.state.rglob("*") if file.is_file())
