"""services/hub/owners.py: the files that say whose home is which folder."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from services.hub.owners import Owner, Owners, email_of

ADA = Owner(name="Ada L.", email="ada@example.org", first_seen="2026-01-02")


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """The hub's folder on the storage, before the first user."""
    return tmp_path


@pytest.fixture
def owners(hub: Path) -> Owners:
    """The owners there."""
    return Owners(hub)


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def in_one_file(hub: Path, **found: Owner) -> Path:
    """What an earlier version of the hub left."""
    file = hub / "owners.json"
    file.write_text(json.dumps({home: asdict(owner) for home, owner in found.items()}))
    return file


def test_before_the_first_user_there_are_no_owners(owners: Owners) -> None:
    assert owners.read() == {}


def test_an_owner_is_recorded_with_name_address_and_first_day(owners: Owners) -> None:
    owners.record("ada-l--1", "Ada L.", "ada@example.org", "2026-01-02")
    assert owners.read() == {"ada-l--1": ADA}


def test_a_person_reads_a_homes_file_without_any_tool(owners: Owners, hub: Path) -> None:
    owners.record("ada-l--1", "Ada Łoś", "ada@example.org", "2026-01-02")
    text = (hub / "owners" / "ada-l--1.json").read_text(encoding="utf-8")
    assert text == '{\n "name": "Ada Łoś",\n "email": "ada@example.org",\n "first_seen": "2026-01-02"\n}\n'


def test_a_later_start_keeps_the_first_day_and_takes_a_new_address(owners: Owners) -> None:
    owners.record("ada", "ada", "", "2026-01-02")
    owners.record("ada", "ada", "new@example.org", "2026-05-05")
    owners.record("ada", "ada", "", "2026-06-06")
    assert owners.read() == {"ada": Owner(name="ada", email="new@example.org", first_seen="2026-01-02")}


def test_a_start_that_tells_nothing_new_writes_nothing_so_that_a_full_disk_keeps_nobody_out(
    owners: Owners, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners.record("ada", "ada", "", "2026-01-02")
    monkeypatch.setattr(Owners, "_write", lambda *_: pytest.fail("it wrote"))
    owners.record("ada", "ada", "", "2026-05-05")


def test_a_home_never_changes_its_owner(owners: Owners, hub: Path) -> None:
    owners.record("ada", "ada", "", "2026-01-02")
    with pytest.raises(ValueError, match=r"the home ada belongs to ada by .*owners/ada\.json"):
        owners.record("ada", "Ada", "", "2026-01-03")


def bytes_touched(home: str, owners: Owners, hub: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """What a new user's first start reads and writes, with as many owners as there are."""
    touched = []
    read, write = Path.read_text, Owners._write

    def reading(path: Path, *arguments: Any, **options: Any) -> str:
        text = read(path, *arguments, **options)
        touched.append(len(text))
        return text

    def writing(of: Owners, path: Path, owner: Owner) -> None:
        write(of, path, owner)
        touched.append(path.stat().st_size)

    with monkeypatch.context() as watched:
        watched.setattr(Path, "read_text", reading)
        watched.setattr(Owners, "_write", writing)
        owners.record(home, home, f"{home}@example.org", "2026-01-02")
    return sum(touched)


@pytest.mark.parametrize("old", [False, True])
def test_what_a_start_reads_and_writes_does_not_grow_with_the_number_of_homes(
    owners: Owners, hub: Path, monkeypatch: pytest.MonkeyPatch, old: bool
) -> None:
    if old:
        in_one_file(hub, **{f"old-{number}": ADA for number in range(2000)})
        owners.record("old-1", ADA.name, "", "2026-05-05")  # the first start after an upgrade reads the old file, once
    first = bytes_touched("user-1000", owners, hub, monkeypatch)
    for number in range(200):
        owners.record(f"other-{number}", f"other-{number}", "", "2026-01-02")
    assert bytes_touched("user-2000", owners, hub, monkeypatch) == first < 200


def test_owners_of_an_earlier_version_are_known_and_its_file_stays_as_it_is(owners: Owners, hub: Path) -> None:
    bob = Owner(name="bob", email="", first_seen="2025-01-01")
    file = in_one_file(hub, **{"ada-l--1": ADA, "bob": bob})
    before = file.read_bytes()
    owners.record("ada-l--1", "Ada L.", "", "2026-05-05")
    owners.record("bob", "bob", "bob@example.org", "2026-05-05")
    owners.record("eve", "eve", "", "2026-05-05")
    assert names(hub / "owners") == ["bob.json", "eve.json"]
    assert owners.read() == {
        "ada-l--1": ADA,
        "bob": Owner(name="bob", email="bob@example.org", first_seen="2025-01-01"),
        "eve": Owner(name="eve", email="", first_seen="2026-05-05"),
    }
    assert file.read_bytes() == before
    with pytest.raises(ValueError, match=r"belongs to Ada L\. by .*owners\.json"):
        owners.record("ada-l--1", "ada-l--1", "", "2026-05-05")


def test_an_old_file_that_comes_back_from_a_backup_is_read_again(owners: Owners, hub: Path) -> None:
    in_one_file(hub, bob=Owner(name="bob", email="", first_seen="2025-01-01"))
    assert set(owners.read()) == {"bob"}
    in_one_file(hub, **{"ada-l--1": ADA})
    assert owners.read() == {"ada-l--1": ADA}


def test_a_file_is_replaced_at_once_and_a_cut_start_leaves_nothing(
    owners: Owners, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners.record("ada", "ada", "", "2026-01-02")
    before = owners.read()

    def power_cut(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", power_cut)
    with pytest.raises(KeyboardInterrupt):
        owners.record("ada", "ada", "ada@example.org", "2026-01-02")
    assert owners.read() == before
    assert names(hub / "owners") == ["ada.json"]


def test_hubs_that_write_at_the_same_moment_never_leave_half_a_file(hub: Path) -> None:
    def start(number: int) -> None:
        Owners(hub).record("ada", "ada", f"{'a' * (number % 40)}@example.org", "2026-01-02")
        assert Owners(hub).read()["ada"].name == "ada"

    with ThreadPoolExecutor(8) as hubs:
        list(hubs.map(start, range(200)))
    assert names(hub / "owners") == ["ada.json"]


DAMAGES = ["", "{", "[]", '{"ada": 1}', '{"name": "ada"}', "7", '{"name": 7, "email": "", "first_seen": ""}']


@pytest.mark.parametrize("text", DAMAGES)
def test_a_damaged_file_holds_back_its_own_home_and_no_other(owners: Owners, hub: Path, text: str) -> None:
    owners.record("ada", "ada", "", "2026-01-02")
    (hub / "owners" / "ada.json").write_text(text)
    owners.record("bob", "bob", "", "2026-01-02")
    with pytest.raises(ValueError, match=r"ada\.json is damaged .* restore it from a backup"):
        owners.record("ada", "ada", "", "2026-01-02")
    assert "is damaged" in owners.read()["ada"].name
    assert owners.read()["bob"].name == "bob"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ada": 1}', '{"ada": {"name": "ada"}}'])
def test_a_damaged_old_file_is_named_with_a_remedy(owners: Owners, hub: Path, text: str) -> None:
    (hub / "owners.json").write_text(text)
    with pytest.raises(ValueError, match=r"owners\.json is damaged .* restore it from a backup"):
        owners.read()


def test_where_the_storage_is_not_mounted_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Owners(tmp_path / "homes" / "hub").record("ada", "ada", "", "2026-01-02")
    assert names(tmp_path) == []


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
