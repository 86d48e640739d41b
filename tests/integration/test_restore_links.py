"""Users who put links in the way of a restore, which root runs: at each step, and in the moment between look and use."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from storage import placing
from storage.tree import FOLDER
from tests.integration.backup_site import Site
from tests.integration.test_restore import content, side

pytest_plugins = ("tests.integration.xfs_disk", "tests.integration.backup_site")


def as_user(folder: Path, do: Callable[[], object]) -> int:
    """A process of the user who owns the homes, in a folder of one; its id."""
    pid = os.fork()
    if pid == 0:
        try:
            os.chdir(folder)  # the way here is closed to others than root
            os.setgroups([])
            os.setgid(100)
            os.setuid(1000)
            do()
            os._exit(0)
        finally:
            os._exit(1)
    return pid


def user_does(folder: Path, do: Callable[[], object]) -> None:
    """Something that the user does, and can do."""
    assert os.waitstatus_to_exitcode(os.waitpid(as_user(folder, do), 0)[1]) == 0


def links_to(target: Path, name: str) -> Callable[[], None]:
    """The user puts a link in the place of whatever has this name."""

    def do() -> None:
        path = Path(name)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    return do


@contextmanager
def swapping(folder: Path, name: str, victim: Path) -> Iterator[None]:
    """While a user swaps what has this name as fast as it goes: a link to the victim, a folder, a file, nothing."""

    def swap() -> None:
        path = Path(name)
        while True:
            for put in (links_to(victim, name), path.mkdir, path.touch):
                for do in (path.unlink, path.rmdir, put):
                    with suppress(OSError):
                        do()

    pid = as_user(folder, swap)
    try:
        yield
        assert os.waitpid(pid, os.WNOHANG) == (0, 0)  # at work until now
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.mark.parametrize("numbered", [False, True])
def test_a_link_under_the_name_of_the_folder_to_the_side_is_not_followed(site: Site, numbered: bool) -> None:
    name = f"restored-{site.back_up()}"
    user_does(site.home("ada"), links_to(site.victim, name))
    if numbered:
        user_does(site.home("ada"), links_to(site.victim, f"{name}-2"))
    assert site.restore("ada") == 0
    (folder,) = side(site.home("ada"))
    assert folder.name == f"{name}-{3 if numbered else 2}"
    assert "work/notes.txt" in content(folder)
    site.untouched()


@pytest.mark.parametrize("link", ["work", "work/deep", "precious", "link"])
def test_a_link_in_the_way_of_a_restore_in_place_is_not_followed(
    site: Site, link: str, capsys: pytest.CaptureFixture[str]
) -> None:
    home = site.home("ada")
    was_folder = (home / link).is_dir()
    target = site.victim if was_folder else site.victim / "precious"
    user_does(home, links_to(target, link))
    assert site.restore_in_place("ada", "--newer") == int(was_folder)
    if was_folder:  # a folder cannot take the place of what the user has put there
        assert "1 entries could not be put there; the first is " in capsys.readouterr().err
        assert (home / link).is_symlink()
    else:
        assert content(home)["precious"] == "the user's own"
        assert content(home)["link"] == "work/notes.txt"
    site.untouched()


def test_a_link_that_comes_and_goes_while_files_are_restored_to_the_side_is_never_followed(site: Site) -> None:
    home = site.home("ada")
    name = f"restored-{site.back_up()}"
    with swapping(home, name, site.victim):
        for _ in range(3):
            assert site.restore("ada") == 0
    site.untouched()


def test_a_link_that_comes_and_goes_while_files_are_moved_into_place_is_never_followed(site: Site) -> None:
    home, root = site.home("ada"), site.disk.places.root
    project, target = site.disk.project("ada"), os.open(home, FOLDER)
    try:
        with swapping(home, "folder", site.victim):
            for number in range(200):
                source = root / f"source-{number}"
                (source / "folder").mkdir(parents=True)
                (source / "folder" / "precious").write_text("of the snapshot")
                placing.Merge(project).into(source, target)
                subprocess.run(["rm", "-r", str(source)], check=True)
    finally:
        os.close(target)
    site.untouched()


@pytest.mark.parametrize("what", ["link", "folder", "file"])
def test_what_is_put_there_between_look_and_use_is_never_followed(site: Site, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """The worst moment of each step: what stands under the name is another thing as soon as it was looked at or opened."""
    home, root = site.home("ada"), site.disk.places.root
    source = root / "source"
    (source / "work").mkdir(parents=True)
    (source / "work" / "precious").write_text("of the snapshot")
    (source / "precious").write_text("of the snapshot")
    (source / "link").symlink_to("anywhere")
    put: Callable[[Path], object] = {
        "link": lambda path: path.symlink_to(site.victim),
        "folder": lambda path: path.mkdir(),
        "file": lambda path: path.touch(),
    }[what]

    def after(call: Callable[..., Any]) -> Callable[..., Any]:
        def step(name: Any, *arguments: Any, **options: Any) -> Any:
            result = call(name, *arguments, **options)
            for path in (home / str(name), home / "work" / str(name)):
                if path.parent == home or not path.parent.is_symlink():
                    subprocess.run(["rm", "-rf", str(path)], check=True)
                    if path.parent.is_dir():
                        put(path)
            return result

        return step

    calls = {name: after(getattr(os, name)) for name in ("open", "stat", "symlink", "chown", "utime", "readlink")}
    monkeypatch.setattr(placing, "os", SimpleNamespace(**{**vars(os), **calls}))
    target = os.open(home, FOLDER)
    try:
        placing.Merge(site.disk.project("ada")).into(source, target)
    finally:
        os.close(target)
    subprocess.run(["rm", "-r", str(source)], check=True)
    site.untouched()


def test_a_link_in_the_place_of_a_home_or_a_request_for_one_is_not_followed(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["rm", "-r", str(site.home("ada"))], check=True)
    user_does(site.disk.places.new, links_to(site.victim, "ada"))
    assert site.restore("ada") == 1
    assert "is not a folder; remove it" in capsys.readouterr().err
    site.untouched()
    site.home("ada").symlink_to(site.victim)
    assert site.restore_in_place("ada") == 1
    site.untouched()


@pytest.mark.parametrize("name", ["owners", "owners.json", "owners/ada.json"])
def test_a_link_in_the_place_of_the_owners_is_not_followed(site: Site, name: str) -> None:
    hub = site.disk.places.root / "hub"
    (hub / "owners.json").write_text("{}")
    site.back_up()
    target = site.victim if name == "owners" else site.victim / "precious"
    subprocess.run(["rm", "-r", str(hub / name)], check=True)
    (hub / name).symlink_to(target)
    assert site.restore_in_place("owners") == int(name == "owners")
    site.untouched()


def test_what_a_snapshot_says_of_owners_is_not_followed_either(site: Site) -> None:
    hub = site.disk.places.root / "hub"
    subprocess.run(["rm", "-r", str(hub / "owners")], check=True)
    (hub / "owners.json").write_text("{}")
    (hub / "owners").symlink_to(site.victim)
    site.back_up()
    (hub / "owners").unlink()
    (hub / "owners").mkdir()
    assert site.restore_in_place("owners") == 0
    assert list((hub / "owners").iterdir()) == []
    site.untouched()
