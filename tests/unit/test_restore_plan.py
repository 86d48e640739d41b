"""What a restore is asked for, what it would do, and whether there is room for it."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.hub.home_names import home_of
from services.hub.owners import Owners
from storage.limits import Usage
from storage.restic import BackupError
from storage.restore_names import asked_for
from storage.restore_plan import Plan, check_room

ADA = "ada@example.org"
GIB, KIB = 1024**3, 1024


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A homes volume with Ada's home."""
    for name in ("users", "new", "hub"):
        (tmp_path / name).mkdir()
    (tmp_path / "users" / home_of(ADA)).mkdir()
    Owners(tmp_path / "hub").record(home_of(ADA), ADA, "mail@example.org", "2026-01-02")
    return tmp_path


def test_homes_are_named_by_user_address_folder_or_all(root: Path) -> None:
    homes = [home_of(ADA), "bob"]
    for name in (ADA, "mail@example.org", "Mail@Example.org", home_of(ADA), f"users/{home_of(ADA)}"):
        assert asked_for(name, homes, root) == ("", [home_of(ADA)])
    assert asked_for("bob", homes, root) == asked_for("Bob", homes, root) == ("", ["bob"])
    assert asked_for("all", homes, root) == ("all", homes)
    assert asked_for("shared", homes, root) == ("shared", [])
    with pytest.raises(BackupError, match="no single home for 'eve': the name is not in it; it holds"):
        asked_for("eve", homes, root)


@pytest.mark.parametrize("word", ["all", "shared", "owners"])
def test_a_user_may_be_called_like_a_word_and_then_one_says_which(root: Path, word: str) -> None:
    homes = [word, "bob"]
    with pytest.raises(BackupError, match=f"HOME=users/{word} for that home, HOME={word}/ for the other"):
        asked_for(word, homes, root)
    assert asked_for(f"users/{word}", homes, root) == ("", [word])
    assert asked_for(f"{word}/", homes, root) == (word, homes if word == "all" else [])


def test_all_of_no_homes_is_refused(root: Path) -> None:
    with pytest.raises(BackupError, match="the snapshot holds no homes; name an older one"):
        asked_for("all", [], root)


def test_a_home_is_found_by_its_name_though_the_owners_are_damaged_and_else_they_are_named(root: Path) -> None:
    (root / "hub" / "owners.json").write_text("{")
    assert asked_for("bob", ["bob"], root) == ("", ["bob"])
    with pytest.raises(BackupError, match=r"owners\.json is damaged .* restore it from a backup"):
        asked_for("bob@example.org", ["bob"], root)


def planned(folder: Path, newer: bool) -> Plan:
    """Of three files: one that was changed since, one that is older, one that is the same, and one that is gone."""
    plan, at = Plan(), "2026-01-02T03:04:05.123456789Z"
    for name, mtime in (("changed", 2 * 10**18), ("older", 10**18), ("same", 1767323045123456789)):
        (folder / name).write_text("12345")
        os.utime(folder / name, ns=(mtime, mtime))
    for name in ("changed", "older", "same", "gone"):
        plan.add(str(folder / name), kind="file", mtime=at, size=5, newer=newer)
    return plan


def test_what_is_replaced_in_place_is_told_before(tmp_path: Path) -> None:
    plan = planned(tmp_path, newer=False)
    told = "1 files and folders come back, 1 files are replaced (older), 1 were changed since and stay"
    assert plan.in_place() == told
    assert (plan.size, plan.grows, plan.entries) == (4 * 4096, 4096, 4)
    assert (
        planned(tmp_path, newer=True).in_place() == "1 files and folders come back, 3 files are replaced (changed, older, same)"
    )


def usage(used_kib: int, used_files: int = 1) -> dict[int, Usage]:
    return {1001: Usage(used_kib, 1000 * KIB, used_files, 1000)}


@pytest.mark.parametrize(
    ("used_kib", "used_files", "in_place", "fits"),
    [
        (500 * KIB, 1, False, True),
        (800 * KIB, 1, False, True),
        (801 * KIB, 1, False, False),  # less than a tenth would be left
        (500 * KIB, 801, False, False),
        (990 * KIB, 1, True, True),
        (990 * KIB + 1, 1, True, False),
        (500 * KIB, 991, True, False),
    ],
)
def test_a_home_has_room_to_save_afterwards(tmp_path: Path, used_kib: int, used_files: int, in_place: bool, fits: bool) -> None:
    plan = Plan(size=100 * 1024**2, grows=10 * 1024**2, entries=100, back=10)

    def check() -> None:
        check_room(plan, tmp_path, 1001, in_place, lambda: usage(used_kib, used_files))

    if fits:
        check()
    else:
        with pytest.raises(BackupError, match=r"no room in the home: .* enlarge it \(homeQuotas\)"):
            check()


def test_a_volume_keeps_a_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.statvfs", lambda _: SimpleNamespace(f_blocks=100 * GIB, f_frsize=1, f_bavail=15 * GIB))
    check_room(Plan(size=10 * GIB), tmp_path, 0, in_place=False)
    with pytest.raises(BackupError, match=r"it takes 10\.0G, and 10\.0G are free beside a reserve of 5 %"):
        check_room(Plan(size=10 * GIB + 1), tmp_path, 0, in_place=False)


def test_a_home_without_a_limit_is_bounded_by_the_volume_alone(tmp_path: Path) -> None:
    check_room(Plan(size=4096), tmp_path, 7, in_place=False, report=lambda: {7: Usage(5, 0, 1, 0)})
