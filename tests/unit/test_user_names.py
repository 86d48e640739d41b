"""Names of people in the settings: compared as the hub makes them, whatever they are written like."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyterhub.auth import Authenticator

from components.storage import quota_settings
from components.user_names import hub_name
from services.hub.home_names import home_of
from services.hub.native_admins import AdminsFirstAuthenticator
from storage.quota_names import unused
from tests.unit.refused_values import LoadStack, refusals

GIB = 1024**3
named = hub_name("a name")


@given(st.text())
def test_a_name_of_the_settings_is_the_hubs_own_or_is_refused(text: str) -> None:
    hub = Authenticator(allow_all=True)
    try:
        name = named(text)
    except ValueError:
        return
    assert name == hub.normalize_username(text.strip())
    assert hub.validate_username(name)
    assert named(name) == name


@pytest.mark.parametrize("text", ["Ada", " ada", "ADA\n", "\tAda "])
def test_capitals_and_blanks_around_do_not_count(load_stack: LoadStack, text: str) -> None:
    quotas, list_of = json.dumps({text: "50G"}), json.dumps([text])
    settings = load_stack(homeQuotas=quotas, admins=list_of, allowedUsers=list_of, auth="dummy", allowDummyOnPublicAddress="true")
    assert settings.home_quotas == {"ada": 50 * GIB}
    assert (settings.admins, settings.allowed_users) == (("ada",), ("ada",))
    assert json.loads(quota_settings(GIB, settings.home_quotas))["homes"] == {home_of("ada"): 50 * GIB}


@pytest.mark.parametrize(
    ("key", "value"),
    [("admins", '["Ada", "ben", "ada "]'), ("allowedUsers", '["Ada", "ada "]'), ("homeQuotas", '{"Ada": "50G", "ada ": "60G"}')],
)
def test_two_entries_for_one_person_are_refused(load_stack: LoadStack, key: str, value: str) -> None:
    written = "ada" if key != "homeQuotas" else "ada "  # lists come without blanks
    assert refusals(load_stack, **{key: value}) == [
        f"{key}: {written!r} is the same name as 'Ada': the hub knows both as ada; remove one of them"
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must be set: a name"),
        ("a/b", "has a /, which no name in the hub may have"),
        ("..", "has nothing but dots, which no name in the hub may have"),
        ("%2E", "has nothing but dots, which no name in the hub may have"),
        ("ada\u200b", "has a letter that nobody sees (U+200B); write the name by hand"),
        ("a\nb", "has a letter that nobody sees (U+000A); write the name by hand"),
    ],
)
def test_a_name_that_nobody_can_have_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as error:
        named(text)
    assert str(error.value) == reason


def test_names_that_differ_in_more_than_capitals_are_two_people(load_stack: LoadStack) -> None:
    composed, taken_apart = "jos\N{LATIN SMALL LETTER E WITH ACUTE}", "jose\N{COMBINING ACUTE ACCENT}"
    settings = load_stack(homeQuotas=json.dumps({composed: "1G", taken_apart: "2G"}))
    assert settings.home_quotas == {composed: GIB, taken_apart: 2 * GIB}


@pytest.mark.parametrize("name", ["ada lovelace", "ada,ben"])
def test_an_admin_whom_native_cannot_have_is_refused_before_the_hub_fails_to_start(load_stack: LoadStack, name: str) -> None:
    assert not AdminsFirstAuthenticator.validate_username(None, name)
    assert refusals(load_stack, admins=json.dumps([name])) == [
        f"admins: {name!r} has a comma or a blank, which no name has with auth native: the hub would not start"
    ]


def test_a_quota_of_a_name_that_nobody_has_had_is_told(tmp_path: Path) -> None:
    settings = tmp_path / "quotas.json"
    settings.write_text(quota_settings(GIB, {"ada": 2 * GIB, "adda@x.org": 3 * GIB}))
    assert unused({"ada", "ben"}, settings) == [
        "homeQuotas: nobody has come by the name adda@x.org yet; if it should be one of the above, write it as it stands there"
    ]
    assert unused({"ada", home_of("adda@x.org")}, settings) == []


def test_the_sizes_of_a_stack_of_before_have_no_names_to_tell_of(tmp_path: Path) -> None:
    settings = tmp_path / "quotas.json"
    settings.write_text('{"default": 1, "homes": {"ada": 2}}')
    assert unused([], settings) == []


def test_an_address_that_was_set_without_quotes_is_refused_with_the_command_that_has_them(load_stack: LoadStack) -> None:
    # What `pulumi config set --path homeQuotas.ada@example.org 50G` makes.
    assert refusals(load_stack, homeQuotas='{"ada@example": {"org": "50G"}}') == [
        "homeQuotas.ada@example: \"{'org': '50G'}\" must be one value; a name with dots stands in quotes: "
        "pulumi config set --path 'homeQuotas[\"NAME\"]' VALUE, after pulumi config rm --path 'homeQuotas[\"ada@example\"]'"
    ]
