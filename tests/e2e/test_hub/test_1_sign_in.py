"""Sign-in on the lab: by an OpenID provider on this machine, and back; sessions outlive the hub."""

from __future__ import annotations

import logging
import socket
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from oidc_provider_mock import User, app
from werkzeug.serving import make_server

from tests.e2e.deployment import ADMIN, HUB_LIMIT, PREFIX, Deployment
from tests.e2e.hub_client import SignInRefusedError, sign_in
from tests.e2e.running_up import StackError
from tests.e2e.stack import BUILD
from tests.integration.browser_session import BrowserSession

log = logging.getLogger("e2e")

ALLOWED, STRANGER = f"{PREFIX}ada", f"{PREFIX}mallory"
SECRET = uuid.uuid4().hex


@pytest.fixture(scope="module")
def provider(deployment: Deployment) -> Iterator[str]:
    """The address of an OpenID provider on this machine, as the lab's machines reach it."""
    host = urlsplit(deployment.url).hostname
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, 9))
        address = probe.getsockname()[0]
    names = (ALLOWED, STRANGER, ADMIN)
    people = [User(sub=name, claims={"preferred_username": name, "email": f"{name}@example.org"}) for name in names]
    server = make_server(address, 0, app(user_claims=people), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as environment:
        # Without a certificate, the provider answers its own machine alone.
        environment.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        yield f"http://{address}:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def through_provider(deployment: Deployment, provider: str) -> Iterator[None]:
    """The stack signs in through the provider, while the tests of this module last."""
    oauth = {
        "clientId": "lab",
        "authorizeUrl": f"{provider}/oauth2/authorize",
        "tokenUrl": f"{provider}/oauth2/token",
        "userdataUrl": f"{provider}/userinfo",
    }
    extra = BUILD / "e2e" / "extra_config.py"
    # A line of the owner's own that changes nothing.
    extra.write_text(f'c.GenericOAuthenticator.oauth_callback_url = "{deployment.url}hub/oauth_callback"\n')
    with deployment.own_settings() as stack:
        stack.set("auth", "generic")
        stack.set("domain", urlsplit(deployment.url).hostname or "")
        for key, value in oauth.items():
            stack.set_entry(f"oauth.{key}", value)
        stack.set_entry("allowedUsers[0]", ALLOWED)
        stack.set("hubExtraConfig", str(extra))
        stack.set_secret("clientSecret", SECRET)
        log.info("signing in by %s: %s", provider, stack.up())
        deployment.wait_for_hub()
        yield


def test_an_admins_name_does_not_open_with_the_password_of_all(deployment: Deployment) -> None:
    with pytest.raises(SignInRefusedError, match="Invalid username or password"):
        sign_in(deployment.url, ADMIN, deployment.password, verify=deployment.verify)
    assert deployment.sign_in(ADMIN).model()["admin"] is True


@pytest.mark.usefixtures("through_provider")
def test_who_is_allowed_comes_in_others_do_not_and_sessions_outlive_the_hub(deployment: Deployment) -> None:
    ada, mallory, admin = (BrowserSession(deployment.url, deployment.verify) for _ in range(3))
    ada.through_provider(ALLOWED)
    admin.through_provider(ADMIN)
    assert mallory.through_provider(STRANGER).status_code == 403
    assert (ada.model()["name"], ada.model()["admin"]) == (ALLOWED, False)
    assert (admin.model()["name"], admin.model()["admin"]) == (ADMIN, True)
    assert mallory.model() == {}
    deployment.manager.run("docker", "service", "update", "--force", "--quiet", "hub", limit_s=HUB_LIMIT)
    deployment.wait_for_hub()
    assert ada.model()["name"] == ALLOWED


@pytest.mark.usefixtures("through_provider")
def test_the_stack_tells_where_the_callback_address_is_entered(deployment: Deployment) -> None:
    outputs = deployment.stack.outputs()
    assert outputs["oauthCallbackUrl"] == f"https://{urlsplit(deployment.url).hostname}/hub/oauth_callback"
    assert "redirect URI" in outputs["oauthCallbackHelp"]


@pytest.mark.usefixtures("through_provider")
def test_the_client_secret_is_neither_in_a_log_nor_in_the_definition_of_a_service(deployment: Deployment) -> None:
    shown = deployment.manager.run("sh", "-c", "docker service inspect hub; docker service logs hub 2>&1; docker config ls")
    assert "jupyterhub-client-secret-" in shown
    assert SECRET not in shown
    assert not any(SECRET in path.read_text(errors="replace") for path in Path(deployment.artefacts).glob("*.log"))


@pytest.mark.usefixtures("through_provider")
def test_a_refresh_finds_no_change(deployment: Deployment) -> None:
    changes = deployment.stack.up("--refresh")
    assert set(changes.counts) == {"same"}, str(changes)


@pytest.mark.usefixtures("through_provider")
def test_a_mistake_in_the_owners_own_file_stops_the_up_and_not_the_hub(deployment: Deployment) -> None:
    extra = BUILD / "e2e" / "extra_config.py"
    right = extra.read_text()
    extra.write_text(f"{right}c.Spawner.no_such = not_defined\n")
    try:
        with pytest.raises(StackError, match="hubExtraConfig, line 2") as failed:
            deployment.stack.up()
        assert "NameError" in str(failed.value)
        assert deployment.page_answers()
    finally:
        extra.write_text(right)
        deployment.stack.repair()
        deployment.stack.up()
