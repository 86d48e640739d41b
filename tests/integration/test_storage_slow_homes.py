"""Homes on a real XFS that cannot be counted, or not soon: bad files, files that vanish, and a great many of them."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from storage import projects
from storage.projects import Kernel
from tests.integration.xfs_disk import Mounted, copied, project_of

pytest_plugins = ("tests.integration.xfs_disk",)


class Failing(Kernel):
    """Files on a bad part of the disk."""

    def tag(self, path: Path, project: int, between: Callable[[], None] = lambda: None) -> None:
        if path.name == "whole":
            raise OSError(5, "Input/output error")
        super().tag(path, project, between)

    def project_of(self, path: Path) -> int:
        if path.name == "unread":
            raise OSError(5, "Input/output error")
        return super().project_of(path)


def test_a_file_that_cannot_be_counted_is_told_with_its_name_and_the_home_is_tried_again(
    disk: Mounted, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = copied(disk)
    give = projects.give

    def failing(descriptor: int, project: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name == "notes.txt":
            raise OSError(5, "Input/output error")
        give(descriptor, project)

    monkeypatch.setattr(projects, "give", failing)
    disk.request("ada")
    assert disk.run() == [f"{home} has 1 files that cannot be counted; the first is notes.txt: Input/output error"]
    assert disk.homes() == ["ada", "copied"]
    assert (project_of(home / "work") > 0, disk.project("copied")) == (True, 0)
    number = project_of(home / "work")
    monkeypatch.setattr(projects, "give", give)
    assert disk.run() == []
    assert {project_of(path) for path in (home, home / "work", home / "work" / "notes.txt")} == {number}


@pytest.mark.parametrize(
    ("name", "said"), [("whole", "cannot be counted: Input/output error"), ("unread", "cannot be looked at: Input/output error")]
)
def test_an_error_of_the_disk_in_one_home_holds_back_that_one_only(disk: Mounted, name: str, said: str) -> None:
    home = copied(disk, name)
    disk.kernel = Failing()
    disk.request("ada")
    assert disk.run() == [f"{home} {said}"]
    assert disk.homes() == sorted(["ada", name])


def test_a_file_that_a_notebook_has_open_is_counted_when_its_node_has_given_it_back(disk: Mounted) -> None:
    """The server of the homes lends a file to the node that writes to it (a delegation), which is a lease to the kernel."""
    notes = copied(disk) / "work" / "notes.txt"
    lent = os.open(notes, os.O_RDWR)
    asked = []

    def give_back(*_: object) -> None:
        asked.append(lent)
        fcntl.fcntl(lent, fcntl.F_SETLEASE, fcntl.F_UNLCK)

    before = signal.signal(signal.SIGIO, give_back)
    try:
        fcntl.fcntl(lent, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        assert disk.run() == []
    finally:
        signal.signal(signal.SIGIO, before)
        os.close(lent)
    assert asked
    assert project_of(notes) == disk.project("copied") > 0


def test_files_that_vanish_during_the_walk_are_nobodys_fault(disk: Mounted, monkeypatch: pytest.MonkeyPatch) -> None:
    home = copied(disk)
    for number in range(20):
        (home / f"{number}").touch()
    listdir = os.listdir

    def vanishing(folder: int) -> list[str]:
        names = listdir(folder)
        for name in names:
            if name.isdigit() and int(name) % 2:
                (home / name).unlink(missing_ok=True)
        return names

    monkeypatch.setattr(os, "listdir", vanishing)
    assert disk.run() == []
    assert disk.project("copied") > 0


def test_while_a_large_home_is_counted_new_homes_come_and_nobody_waits(disk: Mounted, monkeypatch: pytest.MonkeyPatch) -> None:
    home = copied(disk, "large")
    for number in range(40):
        (home / f"{number}").touch()
    monkeypatch.setattr(projects, "PAUSE", 10)
    give = projects.give
    seen: list[list[str]] = []

    def counting(descriptor: int, project: int) -> None:
        give(descriptor, project)
        if disk.project("large") == 0:
            name = f"new-{len(seen)}"
            seen.append(sorted(set(disk.homes()) - {"large"}))
            if len(seen) % 10 == 1:
                disk.request(name)

    monkeypatch.setattr(projects, "give", counting)
    assert disk.run() == []
    during = [homes for homes in seen if homes]
    assert len(during[-1]) >= 3  # they came in while the large one was not done
    assert len({disk.project(name) for name in disk.homes()}) == len(disk.homes())
    assert project_of(home / "7") == disk.project("large")


def test_a_count_that_was_cut_off_goes_on_with_the_same_number(disk: Mounted, monkeypatch: pytest.MonkeyPatch) -> None:
    home = copied(disk)

    give, left = projects.give, [1]

    def cut(descriptor: int, project: int) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        give(descriptor, project)

    monkeypatch.setattr(projects, "give", cut)
    with pytest.raises(KeyboardInterrupt):
        disk.run()
    monkeypatch.setattr(projects, "give", give)
    (number,) = {project_of(path) for path in (home / "work", home / "work" / "notes.txt")} - {0}
    disk.request("ada")
    assert disk.run() == []
    assert disk.project("copied") == number
    assert disk.project("ada") != number
