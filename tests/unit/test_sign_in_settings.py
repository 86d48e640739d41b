"""Who may sign in, and by what service: what the settings take, what they refuse, and what they say then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components import schema
from components.settings import Settings, SettingsError, load
from components.sign_in import ENTRIES, REGISTRATION, Auth, parse

CLIENT = {"clientId": "abc"}
# For every service what it needs and lets somebody in.
ENOUGH: dict[Auth, dict[str, Any]] = {
    Auth.GITHUB: {**CLIENT, "organizations": ["lab", "uni:staff"]},
    Auth.GOOGLE: {**CLIENT, "hostedDomains": "Example.org"},
    Auth.CILOGON: {**CLIENT, "identityProviders": ["urn:mace:incommon:example.edu"], "allowedDomains": ["@example.edu"]},
    Auth.GLOBUS: {**CLIENT, "identityProvider": "example.edu", "allowAnyone": "true"},
    Auth.GENERIC: {
        **CLIENT,
        "authorizeUrl": "https://login.example.org/authorize",
        "tokenUrl": "https://login.example.org/token",
        "userdataUrl": "https://login.example.org/userinfo",
        "allowedGroups": ["staff"],
    },
}


def refused(stack_values: dict[str, str], **changes: Any) -> list[str]:
    """The lines that refuse a stack with these changes."""
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in changes.items()}
    with pytest.raises(SettingsError) as error:
        load({**stack_values, **values}.get, schema.load())
    return [line.removeprefix("  - ") for line in str(error.value).splitlines()[1:]]


def loaded(stack_values: dict[str, str], **changes: Any) -> Settings:
    """The settings of a stack with these changes."""
    return load({**stack_values, **{key: json.dumps(value) for key, value in changes.items()}}.get, schema.load())


def fault(auth: Auth, values: dict[str, Any], *allowed: str) -> str:
    """What is wrong with the entries of a service."""
    with pytest.raises(ValueError) as error:
        parse(auth, ("ada",), allowed, values)
    return str(error.value)


def test_every_service_has_entries_a_place_of_registration_and_an_example_here() -> None:
    assert set(ENTRIES) == set(REGISTRATION) == set(ENOUGH) == set(Auth) - {Auth.NATIVE, Auth.DUMMY}


@pytest.mark.parametrize("auth", ENOUGH)
def test_a_service_takes_what_it_needs_and_nothing_else_is_asked(auth: Auth) -> None:
    oauth = parse(auth, (), (), ENOUGH[auth]).oauth
    assert set(oauth) == set(ENTRIES[auth])


@pytest.mark.parametrize("auth", ENOUGH)
def test_the_entries_of_the_description_are_those_of_the_program(auth: Auth) -> None:
    described = schema.load()["oauth"].description
    assert [name for name in ENTRIES[auth] if f"`{name}`" not in described] == []


def test_values_come_in_the_forms_that_the_hub_compares() -> None:
    assert parse(Auth.GOOGLE, (), (), ENOUGH[Auth.GOOGLE]).oauth["hostedDomains"] == ["example.org"]
    assert parse(Auth.CILOGON, (), (), ENOUGH[Auth.CILOGON]).oauth["allowedDomains"] == ["example.edu"]
    assert parse(Auth.GLOBUS, (), (), ENOUGH[Auth.GLOBUS]).oauth["allowAnyone"] is True


@pytest.mark.parametrize(
    ("auth", "values", "message"),
    [
        (Auth.GITHUB, {}, "oauth.clientId: must be set with auth github: the id that the sign-in service gave"),
        (
            Auth.GITHUB,
            {**CLIENT, "hostedDomains": ["x.org"]},
            "oauth.hostedDomains: ['x.org'] is no entry of auth github, which has",
        ),
        (Auth.GITHUB, {**CLIENT, "organizations": 7}, "oauth.organizations: 7 must be a list of texts"),
        (Auth.GITHUB, {**CLIENT, "allowAnyone": "yes"}, "oauth.allowAnyone: 'yes' must be true or false"),
        (Auth.GOOGLE, {**CLIENT, "hostedDomains": ["http://x"]}, "oauth.hostedDomains: ['http://x'] must be a host name"),
        (Auth.CILOGON, CLIENT, "oauth.identityProviders: must be set with auth cilogon: the EntityIDs of"),
        (Auth.CILOGON, {**CLIENT, "identityProviders": ["x.edu"]}, "oauth.identityProviders: ['x.edu'] must be EntityIDs"),
        (Auth.GLOBUS, CLIENT, "oauth.identityProvider: must be set with auth globus: the domain after the @"),
        (Auth.GENERIC, {**CLIENT, "authorizeUrl": "login"}, "oauth.authorizeUrl: 'login' must be an address such as"),
        (
            Auth.GENERIC,
            {**CLIENT, "authorizeUrl": "http://login.example.org/"},
            "oauth.authorizeUrl: 'http://login.example.org/' must begin with https://",
        ),
        (
            Auth.GITHUB,
            CLIENT,
            "auth: github would let in the admins alone; say who may sign in: allowedUsers, oauth.organizations",
        ),
        (Auth.DUMMY, CLIENT, "oauth: belongs to a sign-in service, but auth is dummy: remove one of them"),
    ],
)
def test_a_refusal_names_the_entry_the_rule_and_the_remedy(auth: Auth, values: dict[str, Any], message: str) -> None:
    assert fault(auth, values).startswith(message)


def test_a_client_secret_in_the_wrong_place_is_not_shown() -> None:
    said = fault(Auth.GITHUB, {**CLIENT, "clientSecret": "s3cr3t", "other": 1})
    assert said == "oauth.clientSecret: is a secret of its own: pulumi config set --secret clientSecret"


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/", "http://10.20.0.1/token", "http://localhost:8080/x"])
def test_a_provider_on_a_private_address_may_do_without_tls(address: str) -> None:
    assert parse(Auth.GENERIC, (), ("ada",), {**ENOUGH[Auth.GENERIC], "tokenUrl": address}).oauth["tokenUrl"] == address


def test_named_users_are_enough(stack_values: dict[str, str]) -> None:
    settings = loaded({**stack_values, "auth": "github", "domain": "hub.example.org"}, allowedUsers=["ben"], oauth=CLIENT)
    assert settings.allowed_users == ("ben",)
    assert settings.oauth == CLIENT


def test_a_sign_in_service_needs_a_host_name_to_send_people_back_to(stack_values: dict[str, str]) -> None:
    assert refused(stack_values, auth="github", oauth=ENOUGH[Auth.GITHUB]) == [
        "domain: empty, but auth github sends people back to a host name; set the one that users type"
    ]


def test_a_shared_password_on_a_public_address_must_be_wanted(stack_values: dict[str, str]) -> None:
    assert refused(stack_values, auth="dummy", allowDummyOnPublicAddress="false") == [
        "auth: dummy lets in whoever has one shared password, under any name, and the hub has a public address; "
        "choose another, or set allowDummyOnPublicAddress to true for a test or a workshop"
    ]


def test_native_does_not_pretend_to_have_a_list_of_users(stack_values: dict[str, str]) -> None:
    assert refused(stack_values, allowedUsers=["ben"]) == [
        "allowedUsers: does nothing with auth native, where admins admit people: leave it empty"
    ]


def test_a_file_that_is_no_python_is_refused_with_its_line(stack_values: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("a = 1\nb = = 2\n")
    assert refused(stack_values, hubExtraConfig=str(file)) == [
        f"hubExtraConfig: '{file}' is not Python: {file}:2: invalid syntax"
    ]
    file.write_text("c.Spawner.default_url = '/lab'\n")
    assert loaded({**stack_values, "hubExtraConfig": str(file)}).hub_extra_config == "c.Spawner.default_url = '/lab'\n"


def test_a_misspelt_key_is_refused_with_the_nearest_one(stack_values: dict[str, str]) -> None:
    names = [*stack_values, "worker", "clientSecrett", "colour", "clientSecret", "backupPassword"]
    with pytest.raises(SettingsError) as error:
        load(stack_values.get, schema.load(), names=names)
    assert str(error.value).splitlines()[1:] == [
        "  - clientSecrett: is no setting of this project; did you mean clientSecret? (pulumi config rm clientSecrett)",
        "  - colour: is no setting of this project; see docs/configuration.md (pulumi config rm colour)",
        "  - worker: is no setting of this project; did you mean workers? (pulumi config rm worker)",
    ]
