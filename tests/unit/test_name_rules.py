"""services/hub/name_rules.py: what sign-in services send is taken, and what ends or begins something elsewhere is not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyterhub.auth import Authenticator

from components import sign_in
from components.sign_in import Auth
from services.hub.name_rules import USERNAME_PATTERN, server_refusal, user_refusal

SENT = [
    "ada",
    "Ada.Lovelace+lab@example.org",
    "o'brien@example.org",
    "EXAMPLE\\ada",
    "José Núñez",
    "李雷",
    "نگار\u200cی",
    "x" * 255,
]
HARMFUL = ["{{x}}", "a{b", "a}b", "a\nb", "a\n", "a\x00", "a\x7f", "a\u0085", "ada\u202egnp.exe", "\ud800", "a/b"]


@pytest.mark.parametrize("name", SENT)
def test_a_name_that_a_sign_in_service_sends_is_taken(name: str) -> None:
    assert Authenticator(username_pattern=USERNAME_PATTERN).validate_username(name)
    assert user_refusal(name) == ""


@pytest.mark.parametrize("name", [*HARMFUL, "", "x" * 256])
def test_a_name_that_does_harm_elsewhere_is_refused_with_the_rule(name: str) -> None:
    assert not Authenticator(username_pattern=USERNAME_PATTERN).validate_username(name)
    assert "1 to 255 characters, no brace, no slash" in user_refusal(name)


@pytest.mark.parametrize("name", ["", "gpu", "My server", "a.b", "..a", "日本語", "x" * 100])
def test_a_server_may_be_called_what_people_write(name: str) -> None:
    assert server_refusal(name) == ""


@pytest.mark.parametrize("name", [*HARMFUL, ".", "..", "...", " a", "a ", "x" * 101])
def test_a_server_may_not_be_called_what_leads_elsewhere(name: str) -> None:
    assert "Choose a name of 1 to 100 characters" in server_refusal(name)


@given(st.text(max_size=300))
def test_a_refusal_is_short_and_prints_nothing_that_controls_a_terminal(name: str) -> None:
    assert re.fullmatch(r"[^\x00-\x1f\x7f-\x9f\u202a-\u202e]{0,1500}", server_refusal(name))


@pytest.mark.parametrize("key", ["admins", "allowedUsers"])
def test_settings_that_the_hub_would_not_start_with_are_refused(key: str) -> None:
    people = {"admins": ("ada",), "allowedUsers": ("ben",)} | {key: ("x{{y",)}
    found = sign_in.contradictions(
        Auth.DUMMY, people["admins"], people["allowedUsers"], {}, domain="hub.example.org", dummy_refused=False
    )
    (line,) = found
    assert line.startswith(f"{key}: 'x{{{{y' cannot sign in, since a user's name has 1 to 255 characters, no brace")
