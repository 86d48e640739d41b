"""`make restore` with the real restic: what comes back, to where, whose it is; and that it goes on where one home fails."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from pathlib import Path

import pytest

from storage import restore_folder
from storage.staging import one_restore
from tests.integration.backup_site import Site, own
from tests.integration.xfs_disk import project_of

pytest_plugins = ("tests.integration.xfs_disk", "tests.integration.backup_site")


def content(folder: Path) -> dict[str, str]:
    """What is in a folder, by path: texts, and where links lead."""
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else path.read_text()
        for path in folder.rglob("*")
        if (path.is_symlink() or path.is_file()) and not str(path.relative_to(folder)).startswith("restored-")
    }


def side(home: Path) -> list[Path]:
    """The folders of restored files that a user sees."""
    return sorted(path for path in home.iterdir() if path.name.startswith("restored-") and not path.is_symlink())


def test_to_the_side_all_comes_back_and_is_the_users_own_and_counts_against_the_home(site: Site) -> None:
    home = site.home("ada")
    before = content(home)
    assert site.restore("ada") == 0
    (folder,) = side(home)
    assert content(folder) == content(home) == before
    everything = [folder, *folder.rglob("*")]
    assert {(path.lstat().st_uid, path.lstat().st_gid) for path in everything} == {(1000, 100)}
    assert {project_of(path) for path in everything if not path.is_symlink()} == {site.disk.project("ada")}
    # A user moves what is missing to where it was, links too, without a copy.
    for name in ("link", "precious", "work"):
        (folder / name).rename(home / f"back-{name}")
    site.untouched()


def test_a_second_restore_of_the_same_snapshot_is_put_beside_the_first(site: Site) -> None:
    assert [site.restore("ada"), site.restore("ada")] == [0, 0]
    first, second = side(site.home("ada"))
    assert second.name == f"{first.name}-2"
    assert content(first) == content(second)


def test_in_place_older_files_are_replaced_and_others_stay(site: Site) -> None:
    home = site.home("ada")
    before = content(home)
    (home / "work" / "notes.txt").write_text("worse")
    os.utime(home / "work" / "notes.txt", (0, 0))
    (home / "work" / "new.txt").write_text("new")
    subprocess.run(["rm", "-r", str(home / "work" / "deep"), str(home / "link")], check=True)
    (home / "work").chmod(0o700)
    assert site.restore_in_place("ada") == 0
    assert content(home) == {**before, "work/new.txt": "new"}
    assert (home / "work").stat().st_mode & 0o777 == 0o755
    assert side(home) == []
    assert {project_of(path) for path in home.rglob("*") if not path.is_symlink()} == {site.disk.project("ada")}
    site.untouched()


def test_in_place_a_tree_may_be_deeper_than_a_program_may_open_at_first(site: Site) -> None:
    top = site.home("ada") / "deep"
    bottom = top.joinpath(*["d"] * 200)
    bottom.mkdir(parents=True)
    (bottom / "file").write_text("old")
    own(top)
    site.back_up()
    (bottom / "file").write_text("new")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        assert site.restore_in_place("ada", "--newer") == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert (bottom / "file").read_text() == "old"


def test_a_home_that_is_gone_comes_back_with_its_limit(site: Site) -> None:
    home = site.home("ada")
    before = content(home)
    subprocess.run(["rm", "-r", str(home)], check=True)
    assert site.restore_in_place("ada") == 0
    assert content(home) == before
    assert site.disk.limits("ada") == site.disk.limits("bob")
    assert project_of(home / "work" / "notes.txt") == site.disk.project("ada")


def test_a_folder_with_an_odd_name_comes_back_and_no_other(site: Site) -> None:
    odd = site.home("a[b]*?")
    (odd / "work").mkdir(parents=True)
    (odd / "work" / "file").write_text("odd")
    site.back_up()
    assert site.restore("a[b]*?") == 0
    (folder,) = side(odd)
    assert content(folder) == {"work/file": "odd"}
    assert side(site.home("ada")) == []


def test_all_homes_are_restored_though_one_fails_and_the_end_says_which_and_why(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    root = site.disk.places.root
    shared, owners = root / "shared" / "data.csv", root / "hub" / "owners"
    known = content(owners)
    subprocess.run(["rm", "-r", str(site.home("ada")), str(shared), str(owners)], check=True)
    site.home("ada").write_text("a file in the place of a home")
    assert site.restore_in_place("all") == 1
    said = capsys.readouterr()
    assert "ada: NOT restored" in said.out
    assert "bob: restored from" in said.out
    assert "1 not restored:\nada: " in said.err
    assert "is not a folder that files could go to" in said.err
    assert shared.read_text() == "1,2"
    assert content(owners) == known != {}
    assert {path.stat().st_uid for path in owners.iterdir()} == {0}  # the test's hub is root


def test_all_that_is_well_ends_well(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.restore("all") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["ada", "bob", "(shared)", "(owners)"]
    (folder,) = side(site.disk.places.root / "shared")
    assert content(folder) == {"data.csv": "1,2"}
    assert all(len(side(site.home(home))) == 1 for home in ("ada", "bob"))


def test_the_shared_folder_comes_back_alone_and_where_a_home_is_called_so_one_says_which(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site.restore("shared") == 0
    assert len(side(site.disk.places.root / "shared")) == 1
    assert side(site.home("ada")) == []
    (site.home("shared")).mkdir()
    site.back_up()
    assert site.restore("shared") == 1
    assert "'shared' is also the name of a home: HOME=users/shared" in capsys.readouterr().err
    assert site.restore("users/shared") == 0
    assert len(side(site.home("shared"))) == 1
    assert site.restore("shared/") == 0
    assert len(side(site.disk.places.root / "shared")) == 2


def test_a_snapshot_without_homes_restores_nothing_and_says_so(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run(["rm", "-r", str(site.home("ada")), str(site.home("bob"))], check=True)
    site.back_up()
    assert site.restore("all") == 1
    assert "holds no homes" in capsys.readouterr().err


def owner(name: str, email: str = "") -> str:
    """What stands in the file of a home."""
    return json.dumps({"name": name, "email": email, "first_seen": "2026-01-02"})


def owner_files(site: Site, **texts: str) -> Path:
    """A hub that has a file for each owner, with these texts."""
    folder = site.disk.places.root / "hub" / "owners"
    folder.mkdir(exist_ok=True)
    for home, text in texts.items():
        (folder / f"{home}.json").write_text(text)
    own(folder)
    return folder


@pytest.mark.parametrize("damage", ['{"name": ', "", "{}", "[]", '{"name": 7, "email": "", "first_seen": ""}'])
def test_owners_that_are_missing_or_damaged_come_back_and_newer_ones_stay(site: Site, damage: str) -> None:
    """Damaged is what the hub calls so, which then sends the admin here."""
    folder = owner_files(site, ada=owner("ada"), bob=owner("bob"), eve=owner("eve"))
    site.back_up()
    owner_files(site, ada=owner("ada", "new"), bob=damage)
    (folder / "eve.json").unlink()
    assert site.restore("owners") == 0
    assert content(folder) == {"ada.json": owner("ada", "new"), "bob.json": owner("bob"), "eve.json": owner("eve")}
    assert {path.stat().st_uid for path in folder.iterdir()} == {1000}
    assert site.restore_in_place("owners") == 0
    assert (folder / "ada.json").read_text() == owner("ada")


@pytest.mark.parametrize("damage", ["", "{}", "[]", '{"ada": {"name": "ada"}}'])
def test_the_one_file_of_an_earlier_hub_comes_back_when_it_is_damaged(site: Site, damage: str) -> None:
    file = site.disk.places.root / "hub" / "owners.json"
    text = f'{{"ada": {owner("ada")}}}'
    file.write_text(text)
    site.back_up()
    file.write_text(damage)
    assert site.restore("owners") == 0
    assert file.read_text() == (damage if damage == "{}" else text)  # nobody's owner is a good file


def test_owners_come_back_where_all_of_them_are_gone(site: Site) -> None:
    folder = owner_files(site)
    known = content(folder)
    old = folder.with_name("owners.json")
    old.write_text("{}")
    site.back_up()
    subprocess.run(["rm", "-r", str(folder), str(old)], check=True)
    assert site.restore("owners") == 0
    assert content(folder) == known != {}
    assert folder.stat().st_uid == 1000
    assert old.is_file()


def test_a_restore_for_which_there_is_no_room_leaves_nothing_behind(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, root = site.home("ada"), site.disk.places.root
    (home / os.fsdecode(b"larg\xe9\x1b[2J")).write_bytes(os.urandom(90 * 1024**2))
    own(home)
    site.back_up()
    with (root / "filler").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, os.statvfs(root).f_bavail * 4096 - 60 * 1024**2)
    assert site.restore("ada") == 1
    assert "no room on the volume: it takes 90.0M, and " in capsys.readouterr().err
    monkeypatch.setattr(restore_folder, "check_room", lambda *_: None)  # it was there a moment ago
    assert site.restore("ada") == 1
    said = capsys.readouterr().err
    assert "no room: make some" in said
    assert "larg\\xe9\\x1b[2J" in said
    assert side(home) == []
    site.untouched()


def test_what_a_restore_that_was_cut_off_has_left_goes_with_the_next(site: Site) -> None:
    left = site.disk.places.root / "restoring" / "tmpleft" / "work"
    left.mkdir(parents=True)
    assert site.restore("ada") == 0
    site.untouched()


def test_of_two_restores_at_once_the_second_is_refused(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    with one_restore(site.disk.places.root):
        assert site.restore("ada") == 1
    assert "another restore is running" in capsys.readouterr().err
