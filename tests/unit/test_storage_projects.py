"""storage/projects.py and storage/limits.py: numbers of homes, the files that people read, and xfs_quota's words."""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import projects
from storage.limits import DEFAULT, XfsQuota, _usages, limits_of
from storage.projects import FIRST_ID, Kernel, Registry, assign
from tests.unit.fake_quota import FakeXfs

NUMBERS = st.integers(min_value=0, max_value=FIRST_ID + 8)


@given(st.dictionaries(st.text(min_size=1, max_size=3), NUMBERS, max_size=12), st.sets(NUMBERS, max_size=4))
def test_every_home_gets_a_number_of_its_own_and_keeps_a_good_one(found: dict[str, int], foreign: set[int]) -> None:
    given_out = assign(found, foreign)
    assert set(given_out) == set(found)
    assert len(set(given_out.values())) == len(found)
    assert all(number >= FIRST_ID and number not in foreign for number in given_out.values())
    numbers = list(found.values())
    for home, number in found.items():
        if number >= FIRST_ID and number not in foreign and numbers.count(number) == 1:
            assert given_out[home] == number
    assert assign(given_out, foreign) == given_out


def test_the_first_of_two_homes_keeps_the_number_that_both_have() -> None:
    assert assign({"moved-in": 1005, "copy": 1005}, set()) == {"moved-in": 1005, "copy": 1006}


def test_a_line_that_is_not_ours_is_kept_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "projects").write_text("7:/srv/other\n# a comment\n1001:/srv/homes/users/gone\n")
    (tmp_path / "projid").write_text("other:7\njupyterhub-gone:1001\n")
    registry = Registry(tmp_path, Path("/srv/homes/users"))
    assert registry.foreign() == {7}
    registry.write({"ada": 1002})
    assert (tmp_path / "projects").read_text() == "7:/srv/other\n# a comment\n1002:/srv/homes/users/ada\n"
    assert (tmp_path / "projid").read_text() == "other:7\njupyterhub-ada:1002\n"


class Files:
    """The two calls of a file system that knows projects, for the files of a folder."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.attributes: dict[int, bytes] = {}
        self.order: list[str] = []
        monkeypatch.setattr("fcntl.ioctl", self.ioctl)

    def ioctl(self, descriptor: int, call: int, value: Any) -> bytes:
        path = Path(f"/proc/self/fd/{descriptor}")
        inode = path.stat().st_ino
        if not (path.is_file() or path.is_dir()):  # as file systems have it, but newer XFS
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        if call == 0x401C5820:
            self.attributes[inode] = value
            self.order.append(path.readlink().name)
        else:
            assert call == 0x801C581F
        return self.attributes.get(inode, struct.pack("=IIIII8x", 0x80000000, 1, 2, 0, 3))

    def of(self, path: Path) -> tuple[int, ...]:
        return struct.unpack("=IIIII8x", self.attributes[path.lstat().st_ino])


def test_a_folder_and_all_in_it_are_given_to_a_project_the_folder_itself_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    (home / "deep").mkdir(parents=True)
    (home / "deep" / "file").touch()
    elsewhere.touch()
    (home / "link").symlink_to(elsewhere)
    files = Files(monkeypatch)
    Kernel().tag(home, 1001)
    assert files.order == ["deep", "file", "home"]
    assert files.of(home) == (0x80000200, 1, 2, 1001, 3)  # what is made in it inherits the project
    assert files.of(home / "deep" / "file") == (0x80000000, 1, 2, 1001, 3)
    assert elsewhere.stat().st_ino not in files.attributes
    assert Kernel().project_of(home) == 1001


@pytest.mark.parametrize("odd", [os.mkfifo, lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))])
def test_what_is_neither_file_nor_folder_is_never_opened_and_keeps_no_other_from_being_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: Callable[[Path], None]
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "file").touch()
    odd(home / "odd")
    opened: list[str] = []
    really = os.open

    def noted(name: Any, *arguments: Any, **options: Any) -> int:
        opened.append(str(name))
        return really(name, *arguments, **options)

    monkeypatch.setattr(os, "open", noted)
    files = Files(monkeypatch)
    Kernel().tag(home, 1001)
    assert files.order == ["file", "home"]
    assert "odd" not in opened


def test_one_that_is_put_in_the_place_of_a_file_between_look_and_use_is_passed_by_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, victim = tmp_path / "home", tmp_path / "victim"
    home.mkdir()
    victim.touch()
    for name in ("pipe", "link"):
        (home / name).touch()
    really = os.open

    def swapped(name: Any, *arguments: Any, **options: Any) -> int:
        if name in ("pipe", "link"):
            (home / name).unlink()
            os.mkfifo(home / name) if name == "pipe" else (home / name).symlink_to(victim)
        return really(name, *arguments, **options)

    monkeypatch.setattr(os, "open", swapped)
    files = Files(monkeypatch)
    Kernel().tag(home, 1001)
    assert files.order == ["home"]


def test_a_folder_whose_new_files_would_not_inherit_counts_as_without_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files(monkeypatch)
    files.attributes[tmp_path.stat().st_ino] = struct.pack("=IIIII8x", 0, 0, 0, 1001, 0)
    assert Kernel().project_of(tmp_path) == 0


def test_a_link_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "home").symlink_to(tmp_path)
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        Kernel().project_of(tmp_path / "home")


def test_the_calls_are_those_of_the_kernels_header() -> None:
    # _IOR('X', 31, struct fsxattr) and _IOW('X', 32, struct fsxattr), as linux/fs.h has them.
    def call(direction: int, number: int) -> int:
        return direction << 30 | projects._SIZE << 16 | ord("X") << 8 | number

    assert [call(2, 31), call(1, 32)] == [projects._GET, projects._SET]
    assert projects._SIZE == struct.calcsize(projects._LAYOUT) == 28


def test_the_report_of_xfs_quota_is_read_by_column() -> None:
    report = (
        "#0                   0          0     204800     00 [--------]          5          0      25600     00 [--------]\n"
        "#1001           204800        100     204800     02 [6 days]          17          0      25600     00 [-none-]\n"
        "\n"
    )
    usages = _usages(report)
    assert usages[DEFAULT].limits == (204800, 25600)
    ada = usages[1001]
    assert (ada.used_kib, ada.limit_kib, ada.used_files, ada.limit_files) == (204800, 204800, 17, 25600)


def test_limits_are_set_in_calls_that_an_argument_list_can_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    xfs = FakeXfs(tmp_path, tmp_path)
    monkeypatch.setenv("PATH", str(xfs.bin))
    monkeypatch.setattr("storage.limits.BATCH", 4)
    wanted = {number: limits_of(number * 1024**2) for number in range(FIRST_ID, FIRST_ID + 10)}
    assert XfsQuota(tmp_path).set(wanted) == ""
    usages = XfsQuota(tmp_path).report()
    assert {number: usages[number].limits for number in wanted} == wanted
    assert [len(call) // 2 for call in xfs["calls"]] == [4, 4, 2, 1]


def test_a_home_has_a_limit_of_files_too_since_empty_ones_take_everybodys_inodes() -> None:
    assert limits_of(10 * 1024**3) == (10 * 1024**2, 1310720)
    assert limits_of(1) == (1, 1000)
