"""Sign-in with the real hub: a round trip through an OpenID provider, registration, and shared passwords."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from oidc_provider_mock import User, run_server_in_thread

from components import sign_in
from components.sign_in import Auth
from tests.integration.browser_session import BrowserSession
from tests.integration.hub_process import SECRETS, HubProcess, free_port
from tests.unit.hub_files import SETTINGS

# `hd` and `verified_email` are what Google adds.
PEOPLE = [
    User(
        sub=name,
        claims={
            "preferred_username": name.title(),
            "email": f"{name}@example.org",
            "email_verified": name != "eve",
            "verified_email": name != "eve",
            "hd": "elsewhere.org" if name == "mallory" else "example.org",
            "groups": ["staff"] if name == "grace" else [],
        },
    )
    for name in ("ada", "ben", "eve", "grace", "mallory")
] + [
    # A provider that has nothing to say of addresses, and one that says it as a text.
    User(sub="silent", claims={"preferred_username": "silent@example.org", "email": "silent@example.org"}),
    User(sub="texts", claims={"preferred_username": "texts", "email": "Texts@example.org", "email_verified": "true"}),
    User(sub="kelvin", claims={"preferred_username": "\N{KELVIN SIGN}ay", "email": "k@example.org", "email_verified": True}),
]


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of an OpenID provider that knows PEOPLE."""
    with run_server_in_thread(user_claims=PEOPLE) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def hubs(tmp_path: Path) -> Iterator[Any]:
    """Starts a hub for the settings of a sign-in: `hubs(people, extra="...")`."""
    with ExitStack() as stack:

        def start(people: sign_in.SignIn, extra: str = "", **oauth: Any) -> HubProcess:
            port = free_port()
            rendered = people.rendered("hub.example.org")
            if people.with_oauth:
                rendered["oauth"] |= {"callbackUrl": f"http://127.0.0.1:{port}/hub/oauth_callback", **oauth}
            settings = dataclasses.replace(SETTINGS, sign_in=rendered, lasting_homes=False, idle_timeout=0)
            hub = HubProcess(tmp_path, settings, port, extra)
            stack.callback(hub.stop)
            hub.start()
            return hub

        yield start


def generic(provider: str, **entries: Any) -> dict[str, Any]:
    """The setting `oauth` for the provider."""
    return {
        "clientId": "hub",
        "authorizeUrl": f"{provider}/oauth2/authorize",
        "tokenUrl": f"{provider}/oauth2/token",
        "userdataUrl": f"{provider}/userinfo",
        **entries,
    }


def database(hub: HubProcess) -> str:
    """All that the hub keeps, as text."""
    with sqlite3.connect(hub.state) as connection:
        return "\n".join(connection.iterdump())


def test_who_is_allowed_comes_in_and_stays_over_a_restart_and_others_are_refused(hubs: Any, provider: str) -> None:
    hub = hubs(sign_in.parse(Auth.GENERIC, ("Ada",), ("ben",), generic(provider)))
    ada, ben, mallory = (BrowserSession(hub.url) for _ in range(3))
    ada.through_provider("ada")
    ben.through_provider("ben")
    assert (ada.model()["name"], ada.model()["admin"]) == ("ada", True)
    assert (ben.model()["name"], ben.model()["admin"]) == ("ben", False)
    refused = mallory.through_provider("mallory")
    assert refused.status_code == 403
    assert mallory.model() == {}
    hub.restart()
    assert ada.model()["name"] == "ada"
    assert ben.get("hub/home").url.endswith("/hub/home")


def test_no_token_of_the_provider_is_kept_and_the_address_is_encrypted(hubs: Any, provider: str) -> None:
    hub = hubs(sign_in.parse(Auth.GENERIC, (), ("ada",), generic(provider)), extra=TELLS_STATE)
    BrowserSession(hub.url).through_provider("ada")
    assert "kept of ada: {'email': 'ada@example.org'}" in hub.log()
    assert "ada@example.org" not in database(hub)
    assert SECRETS["client-secret"] not in database(hub) + hub.log()


def test_a_group_of_the_provider_may_be_what_lets_people_in(hubs: Any, provider: str) -> None:
    hub = hubs(sign_in.parse(Auth.GENERIC, (), (), generic(provider, allowedGroups=["staff"])))
    grace, ben = BrowserSession(hub.url), BrowserSession(hub.url)
    grace.through_provider("grace")
    assert grace.model()["groups"] == ["staff"]
    assert ben.through_provider("ben").status_code == 403


def test_google_lets_in_its_domain_by_whole_addresses_and_nobody_else(hubs: Any, provider: str) -> None:
    people = sign_in.parse(Auth.GOOGLE, ("ada@example.org",), (), {"clientId": "hub", "hostedDomains": ["example.org"]})
    hub = hubs(people, extra=GOOGLE_ELSEWHERE.format(provider=provider))
    ada, mallory = BrowserSession(hub.url), BrowserSession(hub.url)
    ada.through_provider("ada")
    assert (ada.model()["name"], ada.model()["admin"]) == ("ada@example.org", True)
    assert mallory.through_provider("mallory").status_code == 403


def test_an_address_that_is_not_verified_is_nobodys_name(hubs: Any, provider: str) -> None:
    people = sign_in.parse(Auth.GENERIC, (), (), generic(provider, usernameClaim="email", allowAnyone=True))
    hub = hubs(people)
    eve, ben = BrowserSession(hub.url), BrowserSession(hub.url)
    refused = eve.through_provider("eve")
    assert refused.status_code == 403
    assert "eve@example.org is not verified" in refused.text
    ben.through_provider("ben")
    assert ben.model()["name"] == "ben@example.org"


def test_an_address_of_which_the_provider_says_nothing_is_nobodys_name_unless_the_settings_trust_it(
    hubs: Any, provider: str
) -> None:
    entries = generic(provider, usernameClaim="email")
    hub = hubs(sign_in.parse(Auth.GENERIC, ("Silent@example.org",), ("texts@example.org",), entries))
    silent, texts = BrowserSession(hub.url), BrowserSession(hub.url)
    refused = silent.through_provider("silent")
    assert (refused.status_code, silent.model()) == (403, {})
    assert "does not say that silent@example.org is verified" in refused.text
    assert "oauth.trustUnverifiedEmail" in hub.log()
    texts.through_provider("texts")
    assert texts.model()["name"] == "texts@example.org"
    hub.stop()
    entries |= {"allowAnyone": True, "trustUnverifiedEmail": True}
    trusting = sign_in.parse(Auth.GENERIC, ("silent@example.org",), (), entries)
    hub = hubs(trusting, extra=TELLS_STATE)
    for name, admin in (("silent", True), ("eve", False)):
        person = BrowserSession(hub.url)
        person.through_provider(name)
        assert (person.model()["name"], person.model()["admin"]) == (f"{name}@example.org", admin)
        assert f"kept of {name}@example.org: {{'email': '{name}@example.org'}}" in hub.log()


def test_an_unverified_address_gets_no_name_by_a_map_of_the_owners(hubs: Any, provider: str) -> None:
    people = sign_in.parse(Auth.GENERIC, ("ada",), (), generic(provider, usernameClaim="email", allowAnyone=True))
    hub = hubs(people, extra='c.GenericOAuthenticator.username_map = {"eve@example.org": "ada", "silent@example.org": "ada"}')
    for name in ("eve", "silent"):
        person = BrowserSession(hub.url)
        assert (person.through_provider(name).status_code, person.model()) == (403, {})


def test_a_name_that_is_not_an_address_needs_no_verified_one(hubs: Any, provider: str) -> None:
    hub = hubs(sign_in.parse(Auth.GENERIC, (), (), generic(provider, allowAnyone=True)), extra=TELLS_STATE)
    silent = BrowserSession(hub.url)
    silent.through_provider("silent")
    assert silent.model()["name"] == "silent@example.org"
    assert "kept of silent@example.org: {'email': ''}" in hub.log()


def test_a_letter_that_only_becomes_ascii_in_lower_case_opens_nobodys_account(hubs: Any, provider: str) -> None:
    hub = hubs(sign_in.parse(Auth.GENERIC, ("kay",), (), generic(provider, allowAnyone=True)))
    kelvin = BrowserSession(hub.url)
    refused = kelvin.through_provider("kelvin")
    assert (refused.status_code, kelvin.model()) == (403, {})


def test_with_native_a_stranger_gets_no_admins_name_and_waits_to_be_admitted(hubs: Any) -> None:
    hub = hubs(sign_in.parse(Auth.NATIVE, ("Ada",), (), {}))
    stranger, ada = BrowserSession(hub.url), BrowserSession(hub.url)
    password = "a password of the stranger"
    form = {"signup_password": password, "signup_password_confirmation": password}
    for name in ("ada", "ADA"):
        assert "already in use" in stranger.post("hub/signup", username=name, **form).text
        stranger.post("hub/login", username=name, password=password)
        assert stranger.model() == {}
    assert "has been sent to the admin" in stranger.post("hub/signup", username="ben", **form).text
    stranger.post("hub/login", username="ben", password=password)
    assert stranger.model() == {}
    ada.post("hub/login", username="ada", password=SECRETS["admin-password"])
    assert (ada.model()["name"], ada.model()["admin"]) == ("ada", True)
    ada.get("hub/authorize/ben")
    stranger.post("hub/login", username="ben", password=password)
    assert (stranger.model()["name"], stranger.model()["admin"]) == ("ben", False)


def test_with_native_an_admin_gets_in_by_the_password_of_a_new_swarm_and_by_the_own_one(hubs: Any) -> None:
    hub = hubs(sign_in.parse(Auth.NATIVE, ("ada",), (), {}))
    ada = BrowserSession(hub.url)
    ada.post("hub/login", username="ada", password=SECRETS["admin-password"])
    own = "a password of ada's own"
    form = {"old_password": SECRETS["admin-password"], "new_password": own, "new_password_confirmation": own}
    assert "successful" in ada.post("hub/change-password", **form).text
    hub.set_secret("admin-password", "the password that another swarm has made")
    hub.restart()
    for password, opens in ((own, True), ("the password that another swarm has made", True), (SECRETS["admin-password"], False)):
        again = BrowserSession(hub.url)
        again.post("hub/login", username="ada", password=password)
        assert (again.model() != {}) is opens, password


def test_with_dummy_the_shared_password_opens_no_admins_account(hubs: Any) -> None:
    hub = hubs(sign_in.parse(Auth.DUMMY, ("ada",), (), {}))
    ben, ada = BrowserSession(hub.url), BrowserSession(hub.url)
    ben.post("hub/login", username="ben", password=SECRETS["password"])
    assert (ben.model()["name"], ben.model()["admin"]) == ("ben", False)
    assert ada.post("hub/login", username="ada", password=SECRETS["password"]).status_code == 403
    ada.post("hub/login", username="ada", password=SECRETS["admin-password"])
    assert ada.model()["admin"] is True


GOOGLE_ELSEWHERE = """
c.GoogleOAuthenticator.authorize_url = "{provider}/oauth2/authorize"
c.GoogleOAuthenticator.token_url = "{provider}/oauth2/token"
c.GoogleOAuthenticator.userdata_url = "{provider}/userinfo"
"""
TELLS_STATE = """
keep = c.GenericOAuthenticator.post_auth_hook
async def tell(authenticator, handler, model):
    kept = await keep(authenticator, handler, model)
    authenticator.log.info("kept of %s: %s", kept["name"], kept["auth_state"])
    return kept
c.GenericOAuthenticator.post_auth_hook = tell
"""
