"""services/hub/home_names.py: every user name has a folder of its own, and that folder's name is safe everywhere."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from services.hub.home_names import home_of

ANY_NAME = st.text(min_size=1, max_size=200)
# Names that are likely to meet: few letters, both cases, and everything the mapping gives a meaning to.
CLOSE_NAMES = st.text(alphabet="abAB01-._@ é", min_size=1, max_size=6)


@pytest.mark.parametrize("name", ["ada", "a.b-c_d", "42", "grace.hopper", "x" * 63, "a-", "a."])
def test_a_plain_name_is_its_own_folder(name: str) -> None:
    assert home_of(name) == name


@pytest.mark.parametrize(
    ("name", "readable"),
    [
        ("Ada", "ada"),
        ("ada@example.org", "ada-example-org"),
        ("José Núñez", "jose-nunez"),
        ("李雷", "user"),
        ("..", "user"),
        ("-rf", "rf"),
        (".hidden", "hidden"),
        ("../../etc/passwd", "etc-passwd"),
        ("a--b", "a-b"),
        ("x" * 200, "x" * 40),
    ],
)
def test_any_other_name_keeps_a_readable_part_before_its_hash(name: str, readable: str) -> None:
    assert re.fullmatch(re.escape(readable) + "--[0-9a-f]{24}", home_of(name))


@given(ANY_NAME)
@example("\x00")
@example("\ud800")
@example("a/../b")
def test_every_folder_name_is_safe_in_paths_mount_options_volume_names_and_shells(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,65}", home_of(name))


@given(ANY_NAME, ANY_NAME)
def test_two_names_never_share_a_folder(one: str, other: str) -> None:
    assume(one != other)
    assert home_of(one) != home_of(other)


@given(CLOSE_NAMES, CLOSE_NAMES)
@example("Ada", "ada")
@example("a.b", "a@b")
@example("é", "e\u0301")
def test_names_that_look_alike_do_not_share_a_folder_either(one: str, other: str) -> None:
    assume(one != other)
    assert home_of(one) != home_of(other)


@given(ANY_NAME)
def test_a_user_who_is_named_like_the_folder_of_another_gets_another_folder(name: str) -> None:
    folder = home_of(name)
    assume(folder != name)
    assert home_of(folder) != folder


def test_the_mapping_never_changes_since_the_folders_are_there() -> None:
    assert home_of("ada@example.org") == "ada-example-org--cfe00dde46ef942601ffafb9"


def test_no_name_has_no_home() -> None:
    with pytest.raises(ValueError, match="without a name"):
        home_of("")
