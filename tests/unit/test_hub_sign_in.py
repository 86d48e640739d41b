"""From the stack's settings to an authenticator: every service's real class takes what it is given, and lets in who is meant."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.authenticators.shared import SharedPasswordAuthenticator
from tornado.web import HTTPError
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from components import sign_in
from components.sign_in import Auth
from tests.unit.hub_files import SECRETS, SETTINGS, hub_config
from tests.unit.test_sign_in_settings import ENOUGH


def configured(folder: Path, monkeypatch: pytest.MonkeyPatch, people: sign_in.SignIn) -> Config:
    """The hub's configuration for a way of signing in."""
    settings = dataclasses.replace(SETTINGS, sign_in=people.rendered("hub.example.org"))
    return hub_config(folder, monkeypatch, settings)


def authenticator(folder: Path, monkeypatch: pytest.MonkeyPatch, auth: Auth, *allowed: str, **entries: Any) -> Any:
    """The authenticator of a service, made from the hub's configuration."""
    values = {**ENOUGH[auth], **entries}
    people = sign_in.parse(auth, ("Ada",), allowed, {name: value for name, value in values.items() if value is not None})
    config = configured(folder, monkeypatch, people)
    return import_item(config.JupyterHub.authenticator_class)(config=config)


@pytest.mark.parametrize("auth", ENOUGH)
def test_the_class_of_a_service_takes_all_that_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, auth: Auth) -> None:
    people = sign_in.parse(auth, ("Ada",), (), ENOUGH[auth])
    config = configured(tmp_path, monkeypatch, people)
    made = import_item(config.JupyterHub.authenticator_class)
    section = made.__name__
    assert [name for name in config[section] if name not in made.class_traits(config=True)] == []
    instance = made(config=config)
    for name, value in config[section].items():
        assert getattr(instance, name) == value, name
    assert instance.client_secret == SECRETS["client-secret"]
    assert instance.oauth_callback_url == "https://hub.example.org/hub/oauth_callback"
    assert instance.admin_users == {"Ada"}
    assert config.CryptKeeper["keys"] == [SECRETS["crypt-key"]]


@pytest.mark.parametrize("auth", ENOUGH)
def test_a_service_lets_nobody_in_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, auth: Auth) -> None:
    ways = {name: None for name, entry in sign_in.ENTRIES[auth].items() if entry.admits}
    made = authenticator(tmp_path, monkeypatch, auth, "ben", **ways)
    assert made.allow_all is False
    assert made.allowed_users == {"ben"}


def test_who_was_taken_off_the_list_does_not_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert authenticator(tmp_path, monkeypatch, Auth.GITHUB, "ben").allow_existing_users is False


def test_github_asks_for_memberships_only_where_they_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert authenticator(tmp_path, monkeypatch, Auth.GITHUB).scope == ["user:email", "read:org"]
    assert authenticator(tmp_path, monkeypatch, Auth.GITHUB, "ben", organizations=None).scope == ["user:email"]


def test_a_google_domain_admits_its_people_unless_some_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert authenticator(tmp_path, monkeypatch, Auth.GOOGLE).allow_all is True
    assert authenticator(tmp_path, monkeypatch, Auth.GOOGLE, "ben@example.org").allow_all is False


def test_a_google_name_does_not_change_with_the_number_of_domains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for domains in (["example.org"], ["example.org", "example.edu"]):
        made = authenticator(tmp_path, monkeypatch, Auth.GOOGLE, hostedDomains=domains)
        assert made.user_info_to_username({"email": "ben@example.org"}) == "ben@example.org"


def test_cilogon_admits_the_domains_of_its_providers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = authenticator(tmp_path, monkeypatch, Auth.CILOGON)
    info = {"idp": "urn:mace:incommon:example.edu", "email": "ben@example.edu"}
    model = {"name": "ben@example.edu", "admin": None, "auth_state": {"cilogon_user": info}}
    assert made.user_info_to_username(info) == "ben@example.edu"
    assert asyncio.run(made.check_allowed("ben@example.edu", model)) is True
    info["email"] = "ben@elsewhere.org"
    assert asyncio.run(made.check_allowed("ben@elsewhere.org", model)) is False


def test_globus_takes_names_of_one_domain_since_it_cuts_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = authenticator(tmp_path, monkeypatch, Auth.GLOBUS)
    state = {"globus_user": {"preferred_username": "ben@elsewhere.org"}}
    with pytest.raises(HTTPError, match=r"restricted to example\.edu"):
        asyncio.run(made.check_blocked_users("ben", {"name": "ben", "auth_state": state}))


def test_named_users_bound_a_shared_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for allowed in ((), ("ben",)):
        config = configured(tmp_path, monkeypatch, sign_in.parse(Auth.DUMMY, ("ada",), allowed, {}))
        made = SharedPasswordAuthenticator(config=config)
        assert (made.allow_all, made.allowed_users) == (not allowed, set(allowed))


def signed_in(made: Any, name: str, **told: Any) -> dict[str, Any]:
    """What is kept of a sign-in in which the service told this of a person. Raises HTTPError where it is refused."""
    state = {"access_token": "t", "token_response": {"id_token": "t", "email": "t@example.org"}, made.user_auth_state_key: told}
    return dict(asyncio.run(made.run_post_auth_hook(None, {"name": name, "admin": None, "auth_state": state})))


def test_of_a_sign_in_only_the_address_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = authenticator(tmp_path, monkeypatch, Auth.GITHUB)
    kept = signed_in(made, "ben", login="Ben", email="ben@example.org")
    assert kept == {"name": "ben", "admin": None, "auth_state": {"email": "ben@example.org"}}


@pytest.mark.parametrize("claim", ["email_verified", "verified_email"])
@pytest.mark.parametrize("value", [False, "false", "no", 1])
def test_an_unverified_address_is_neither_kept_nor_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, claim: str, value: Any
) -> None:
    made = authenticator(tmp_path, monkeypatch, Auth.GENERIC)
    told = {"email": "Ben@example.org", claim: value}
    assert signed_in(made, "ben", preferred_username="ben", **told)["auth_state"] == {"email": ""}
    with pytest.raises(HTTPError, match="is not verified"):
        signed_in(made, "ben@example.org", preferred_username="ben@example.org", **told)


@pytest.mark.parametrize(
    ("auth", "entries", "told", "kept"),
    [
        (Auth.GENERIC, {"usernameClaim": "email"}, {"email_verified": True}, True),
        (Auth.GENERIC, {"usernameClaim": "email"}, {"email_verified": "true"}, True),
        (Auth.GENERIC, {"usernameClaim": "email"}, {}, None),
        (Auth.GENERIC, {"usernameClaim": "email"}, {"email_verified": None}, None),
        (Auth.GENERIC, {"usernameClaim": "email"}, {"email_verified": True, "verified_email": False}, None),
        (Auth.GENERIC, {"usernameClaim": "email", "trustUnverifiedEmail": True}, {}, True),
        (Auth.GENERIC, {"usernameClaim": "email", "trustUnverifiedEmail": True}, {"email_verified": False}, True),
        # A name that the provider gives, which happens to be an address too.
        (Auth.GENERIC, {}, {"preferred_username": "ben@example.edu"}, False),
        # A domain admits without any further question of the class.
        (Auth.GOOGLE, {}, {"hd": "example.org"}, None),
        (Auth.GOOGLE, {}, {"hd": "example.org", "verified_email": False}, None),
        (Auth.GOOGLE, {}, {"hd": "example.org", "verified_email": True}, True),
        (Auth.CILOGON, {}, {"idp": "urn:mace:incommon:example.edu"}, True),
        (Auth.CILOGON, {}, {"idp": "urn:mace:incommon:example.edu", "email_verified": False}, None),
        (Auth.GLOBUS, {}, {"preferred_username": "ben@example.edu"}, True),
    ],
)
def test_an_address_is_a_name_where_the_service_vouches_for_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    auth: Auth,
    entries: dict[str, Any],
    told: dict[str, Any],
    kept: bool | None,
) -> None:
    made = authenticator(tmp_path, monkeypatch, auth, **entries)
    info = {"email": "ben@example.edu", **told}
    name = made.normalize_username(made.user_info_to_username(info))
    if kept is None:
        with pytest.raises(HTTPError, match="verified"):
            signed_in(made, name, **info)
    else:
        assert signed_in(made, name, **info)["auth_state"] == {"email": "ben@example.edu" if kept else ""}


@pytest.mark.parametrize(
    "told", ["\N{KELVIN SIGN}ay", "\N{ANGSTROM SIGN}ke", "\N{OHM SIGN}ris", "\N{GREEK CAPITAL THETA SYMBOL}eo"]
)
def test_a_name_that_only_becomes_plain_in_lower_case_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    made = authenticator(tmp_path, monkeypatch, Auth.GENERIC)
    with pytest.raises(HTTPError, match="a letter that this hub cannot tell from another"):
        signed_in(made, told.lower(), preferred_username=told)


@pytest.mark.parametrize(
    "told", ["JÜRGEN", "Åke", "A\N{COMBINING RING ABOVE}ke", "İnci", "\u0131\u015f\u0131k", "Weiß", "ΟΔΟΣ", "\uff21\uff44\uff41"]
)
def test_capital_letters_of_any_script_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    made = authenticator(tmp_path, monkeypatch, Auth.GENERIC)
    assert signed_in(made, told.lower(), preferred_username=told)["name"] == told.lower()


@pytest.mark.parametrize(
    ("claim", "told", "name"),
    [
        (lambda info: info["email"].partition("@")[0], {}, "ben"),
        (lambda info: info["email"].partition("@")[0], {"email_verified": True}, "ben"),
        (lambda info: info.get("nickname") or info.get("email"), {}, "ben@example.edu"),
        (lambda info: info.get("nickname") or info.get("email"), {"nickname": "benny"}, "benny"),
        (lambda info: info["sub"], {"sub": "0123"}, "0123"),
    ],
)
def test_a_function_of_the_owners_that_makes_names_of_addresses_needs_verified_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, claim: Any, told: dict[str, Any], name: str
) -> None:
    made = authenticator(tmp_path, monkeypatch, Auth.GENERIC)
    made.username_claim = claim
    info = {"email": "ben@example.edu", **told}
    assert made.user_info_to_username(info) == name
    if not told:
        with pytest.raises(HTTPError, match="is verified"):
            signed_in(made, name, **info)
    else:
        assert signed_in(made, name, **info)["name"] == name
