"""The front door without a CA of the world's: with its own, with a certificate that it is given, and with none."""

import json
import os
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from components.proxy import try_certificate
from images.proxy.door.authority import Authority
from images.proxy.door.settings import Settings
from tests.integration.docker_engine import DockerEngine
from tests.integration.door_site import ADDRESS, NAME, Site, wait_until
from tests.unit.door_pairs import pair_of, root

pytest_plugins = ["tests.integration.docker_fixtures", "tests.integration.door_fixtures"]

NewSite = Callable[[Settings], Site]
WEAK = pair_of(root().issue(NAME, key=rsa.generate_private_key(65537, 1024)))


def environment(engine: DockerEngine) -> dict[str, str]:
    """That of a shell line for which the engine is the machine's."""
    return {**os.environ, "DOCKER_HOST": engine.host}


def ca_folder(site: Site) -> Path:
    """Where the door keeps the CA of its site."""
    return site.state / "selfsigned" / site.name


def own_ca(site: Site) -> ssl.SSLContext:
    """Trusts the door's own CA and no other."""
    return ssl.create_default_context(cafile=str(ca_folder(site) / "ca.pem"))


def is_up(site: Site, context: ssl.SSLContext | None = None) -> bool:
    """Whether what is behind the door answers through it."""
    return site.get("/any", context)[0].status == 200


@pytest.mark.parametrize("domain", [NAME, ""])
def test_a_self_signed_site_is_trusted_through_its_own_ca_by_name_or_address(new_site: NewSite, domain: str) -> None:
    site = new_site(Settings(https="selfsigned", domain=domain, address=ADDRESS))
    site.start()
    wait_until("https", lambda: is_up(site, own_ca(site)), 20)
    _, told = site.get("/any", own_ca(site), {"X-Forwarded-For": "203.0.113.9"})
    assert json.loads(told)["headers"]["X-Forwarded-Proto"] == "https"
    assert "203.0.113.9" not in told
    assert site.is_healthy()
    assert site.status().startswith(f"selfsigned, {site.name}; 89 days left; renewal ")
    assert (ca_folder(site) / "ca-key.pem").stat().st_mode & 0o777 == 0o600


def test_a_door_that_starts_again_goes_on_with_what_it_has_even_if_it_cannot_write(
    new_site: NewSite, docker_engine: DockerEngine
) -> None:
    site = new_site(Settings(https="selfsigned", domain=NAME, address=ADDRESS))
    site.start()
    wait_until("https", lambda: is_up(site, own_ca(site)), 20)
    before = site.certificate()
    site.stop()
    site.read_only = True
    site.start()
    wait_until("https", lambda: is_up(site, own_ca(site)), 20)
    assert site.certificate() == before


def test_a_state_folder_that_takes_nothing_is_told_on_the_waiting_page_and_the_log(new_site: NewSite) -> None:
    site = new_site(Settings(https="selfsigned", domain=NAME, address=ADDRESS))
    site.read_only = True
    site.start()
    wait_until("the reason", lambda: "the state folder does not work: [Errno 30] Read-only file system" in site.get()[1], 20)
    assert site.get()[0].status == 503
    assert "door: the state folder does not work" in site.log
    assert site.status().startswith("! selfsigned")
    assert site.is_healthy()


def test_a_certificate_that_the_site_is_given_is_the_one_that_it_serves(new_site: NewSite, tmp_path: Path) -> None:
    pair = Authority(NAME, tmp_path).issue()
    site = new_site(Settings(https="provided", domain=NAME, address=ADDRESS))
    site.files |= {"/run/secrets/fullchain.pem": pair.chain, "/run/secrets/privkey.pem": pair.key}
    site.start()
    wait_until(
        "https", lambda: is_up(site, ssl.create_default_context(cafile=str(tmp_path / "selfsigned" / NAME / "ca.pem"))), 20
    )
    assert site.status().startswith(f"provided, {NAME}; 89 days left; to be replaced by ")
    assert not any("PRIVATE" in file.read_text() for file in site.state.rglob("*") if file.is_file() and not file.is_symlink())


def test_a_certificate_that_nginx_does_not_take_is_told_on_the_waiting_page(new_site: NewSite) -> None:
    site = new_site(Settings(https="provided", domain=NAME, address=ADDRESS))
    site.files |= {"/run/secrets/fullchain.pem": WEAK.chain, "/run/secrets/privkey.pem": WEAK.key}
    site.start()
    wait_until("the reason", lambda: "NGINX does not take the certificate: " in site.get()[1], 20)
    assert "key too small" in site.get()[1]
    assert site.status().startswith(f"! provided, {NAME}")
    assert site.is_healthy()


@pytest.mark.parametrize("weak", [False, True])
def test_a_certificate_is_tried_before_the_one_that_serves_is_stopped(
    docker_engine: DockerEngine, image: str, tmp_path: Path, weak: bool
) -> None:
    pair = WEAK if weak else Authority(NAME, tmp_path).issue()
    line = f"{try_certificate(image)} 2>&1 || echo refused"
    with subprocess.Popen(["bash", "-c", line], stdin=PIPE, stdout=PIPE, text=True, env=environment(docker_engine)) as trial:
        said, _ = trial.communicate(f"{pair.chain}\n{pair.key}", timeout=60)
    assert said.endswith("refused\n") == weak
    assert ("key too small" in said) == weak
    assert "PRIVATE" not in said


def test_a_site_behind_another_proxy_answers_plainly_and_says_that_it_has_no_certificate(new_site: NewSite) -> None:
    site = new_site(Settings(https="none", domain=NAME, address=ADDRESS))
    site.start()
    wait_until("http", lambda: is_up(site), 20)
    assert site.status() == "no certificate: another proxy does TLS"
    assert site.is_healthy()
    assert ".alive" not in site.log
    with pytest.raises(OSError):
        site.certificate()


def test_a_door_that_is_told_to_stop_does_so_within_seconds(new_site: NewSite, docker_engine: DockerEngine) -> None:
    site = new_site(Settings(https="none", domain=NAME, address=ADDRESS))
    site.start()
    wait_until("http", lambda: is_up(site), 20)
    docker_engine.docker("stop", "--time", "9", "door")
    assert docker_engine.inspect("container", "door")["State"]["ExitCode"] == 0
