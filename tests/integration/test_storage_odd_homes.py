"""Homes on a real XFS with all that people copy into them: a fault of one is nothing to the others, and `status` names it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import pytest

from storage import status
from storage.quotas import main
from tests.integration.xfs_disk import Mounted, copied, project_of

pytest_plugins = ("tests.integration.xfs_disk",)


def pipe(home: Path) -> None:
    os.mkfifo(home / "pipe")


def device(home: Path) -> None:
    os.mknod(home / "device", 0o020666, os.makedev(4, 250))


def sockets(home: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(home / "socket"))


def links(home: Path) -> None:
    for name, target in {"out": "/etc", "loop": "loop", "gone": "nowhere", "up": ".."}.items():
        (home / name).symlink_to(target)


def immutable(home: Path) -> None:
    (home / "fixed").write_text("x")
    subprocess.run(["chattr", "+i", str(home / "fixed")], check=True)


def no_utf8(home: Path) -> None:
    folder = home / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "a\nb").touch()


def deep(home: Path) -> None:
    with chdir(home):
        for _ in range(3000):  # far deeper than a path may be long, and than Python calls itself
            Path("d" * 10).mkdir()
            os.chdir("d" * 10)


def closed(home: Path) -> None:
    (home / "closed").mkdir(mode=0)
    (home / "closed").joinpath("file").touch(mode=0)


@pytest.mark.parametrize("fill", [pipe, device, sockets, links, immutable, no_utf8, deep, closed])
def test_whatever_is_in_a_home_that_was_copied_here_it_is_counted_and_new_homes_come(
    disk: Mounted, fill: Callable[[Path], None]
) -> None:
    home = copied(disk)
    fill(home)
    disk.request("ada")
    assert disk.run() == []
    assert disk.homes() == ["ada", "copied"]
    numbers = {project_of(path) for path in (home, home / "work", home / "work" / "notes.txt")}
    assert len(numbers) == 1
    assert numbers != {project_of(disk.places.users / "ada")}
    assert 0 not in numbers
    if fill is immutable:
        subprocess.run(["chattr", "-i", str(home / "fixed")], check=True)


def test_a_disk_that_is_mounted_in_a_home_is_left_alone(disk: Mounted) -> None:
    home = copied(disk)
    (home / "data").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", str(home / "data")], check=True)
    try:
        (home / "data" / "file").touch()
        disk.request("ada")
        assert disk.run() == []
        assert disk.homes() == ["ada", "copied"]
    finally:
        subprocess.run(["umount", str(home / "data")], check=True)


def test_a_disk_in_the_place_of_a_home_is_named_and_keeps_nobody_out(disk: Mounted) -> None:
    home = copied(disk)
    subprocess.run(["mount", "-t", "tmpfs", "none", str(home)], check=True)
    try:
        disk.request("ada")
        assert disk.run() == [f"{home} is another disk, whose files no quota counts; mount it elsewhere"]
        assert disk.homes() == ["ada", "copied"]
    finally:
        subprocess.run(["umount", str(home)], check=True)


@pytest.mark.parametrize("name", [b"caf\xe9", b"two\nlines", b"a:b", b"tab\there"])
def test_a_folder_whose_name_cannot_be_listed_is_named_and_keeps_nobody_out(disk: Mounted, name: bytes) -> None:
    disk.request("ada", "bob")
    disk.run()
    bobs = disk.project("bob")
    # Somebody renames a home: it keeps its number, which nobody else must get.
    (disk.places.users / "bob").rename(disk.places.users / os.fsdecode(name))
    disk.request("eve")
    (problem,) = disk.run()
    assert "cannot stand in /etc/projects; rename it" in problem
    assert disk.project("eve") not in (bobs, 0)
    assert "eve" in disk.homes()


def test_what_is_said_of_odd_names_can_be_printed_and_read_again(
    disk: Mounted, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (disk.places.users / os.fsdecode(b"caf\xe9\nbar")).mkdir()
    assert main(disk.places, disk.kernel, disk.quota) == 3
    told = json.loads(disk.places.status.read_text(encoding="utf-8"))
    (problem,) = told["problems"]
    assert "\\udce9\\nbar" in problem
    problem.encode("utf-8")
    assert capsys.readouterr().err == f"{problem}\n"
    monkeypatch.setattr(status, "systemctl", lambda *_: "active")
    assert status.quotas(disk.places.status)[0] is False
    assert problem in status.quotas(disk.places.status)[1]


def test_lines_of_others_may_be_in_any_encoding_and_say_anything(disk: Mounted) -> None:
    disk.request("ada")
    disk.run()
    line = b"d\xe9p\xf4t:4294967295\n\nno number:\xb2\n"
    (disk.places.etc / "projid").write_bytes(line + (disk.places.etc / "projid").read_bytes())
    disk.request("bob")
    assert disk.run() == []
    assert disk.homes() == ["ada", "bob"]
    assert (disk.places.etc / "projid").read_bytes().startswith(line)


def test_a_link_or_a_file_among_the_homes_is_named_and_keeps_nobody_out(disk: Mounted) -> None:
    users, new = disk.places.users, disk.places.new
    (users / "ada").symlink_to("/etc")
    (users / "README").touch()
    (new / "link").symlink_to(users)
    disk.request("ada", "bob")
    problems = disk.run()
    assert sorted(problems) == sorted(
        [
            f"{new}/ada cannot become a home: {users}/ada is there",
            f"{users}/ada is not a folder; remove it",
            f"{users}/README is not a folder; remove it",
            f"{new}/link is not a folder; remove it",
        ]
    )
    assert disk.project("bob") > 0
