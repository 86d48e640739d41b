"""services/hub/owners.py: the file that says whose home is which folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.hub.owners import Owner, OwnerFile, email_of

ADA = Owner(name="Ada L.", email="ada@example.org", first_seen="2026-01-02")


@pytest.fixture
def file(tmp_path: Path) -> OwnerFile:
    """An owner file that is not there yet."""
    return OwnerFile(tmp_path / "owners.json")


def test_before_the_first_user_there_are_no_owners(file: OwnerFile) -> None:
    assert file.read() == {}


def test_an_owner_is_recorded_with_name_address_and_first_day(file: OwnerFile) -> None:
    file.record("ada-l--1", "Ada L.", "ada@example.org", "2026-01-02")
    assert file.read() == {"ada-l--1": ADA}


def test_a_later_start_keeps_the_first_day_and_takes_a_new_address(file: OwnerFile) -> None:
    file.record("ada", "ada", "", "2026-01-02")
    file.record("ada", "ada", "new@example.org", "2026-05-05")
    file.record("ada", "ada", "", "2026-06-06")
    assert file.read() == {"ada": Owner(name="ada", email="new@example.org", first_seen="2026-01-02")}


def test_a_start_that_tells_nothing_new_writes_nothing_so_that_a_full_disk_keeps_nobody_out(
    file: OwnerFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.record("ada", "ada", "", "2026-01-02")
    monkeypatch.setattr(OwnerFile, "_write", lambda *_: pytest.fail("it wrote"))
    file.record("ada", "ada", "", "2026-05-05")


def test_a_home_never_changes_its_owner(file: OwnerFile) -> None:
    file.record("ada", "ada", "", "2026-01-02")
    with pytest.raises(ValueError, match="the home ada belongs to ada"):
        file.record("ada", "Ada", "", "2026-01-03")


def test_the_file_is_replaced_at_once(file: OwnerFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.record("ada", "ada", "", "2026-01-02")

    def power_cut(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", power_cut)
    with pytest.raises(KeyboardInterrupt):
        file.record("bob", "bob", "", "2026-01-02")
    assert list(file.read()) == ["ada"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ada": 1}', '{"ada": {"name": "ada"}}'])
def test_a_damaged_file_is_named_with_a_remedy(file: OwnerFile, tmp_path: Path, text: str) -> None:
    (tmp_path / "owners.json").write_text(text)
    with pytest.raises(ValueError, match=r"owners\.json is damaged .* restore it from a backup"):
        file.read()


@pytest.mark.parametrize(
    ("name", "state", "email"),
    [
        ("ada", None, ""),
        ("ada", {"email": "a@b.c"}, "a@b.c"),
        ("ada", {"oauth_user": {"email": "a@b.c"}, "scope": ["x"]}, "a@b.c"),
        ("ada", {"google_user": {"email": None}, "access_token": "t"}, ""),
        ("ada@example.org", None, "ada@example.org"),
        ("ada@example.org", {"email": "other@example.org"}, "other@example.org"),
        ("@ada", None, ""),
    ],
)
def test_an_address_is_what_the_sign_in_service_told_or_the_name(name: str, state: Any, email: str) -> None:
    assert email_of(name, state) == email
