"""storage/quotas.py against a fake xfs_quota: what one run makes of a volume, and that any number of broken runs end well."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage.limits import XfsQuota, limits_of
from storage.projects import FIRST_ID
from storage.quotas import Places, main, reconcile
from tests.unit.fake_quota import FakeKernel, FakeXfs

MIB = 1024**2
DEFAULT = limits_of(200 * MIB)


class Volume:
    """A mounted volume with its settings; every call of the reconciler is one run."""

    def __init__(self, folder: Path) -> None:
        self.places = Places(root=folder / "homes", etc=folder / "etc", run=folder)
        self.places.settings.parent.mkdir(parents=True)
        self.places.root.mkdir()
        self.kernel, self.xfs = FakeKernel(), FakeXfs(folder, self.places.root)
        self.quota = XfsQuota(self.places.root)
        self.configure()

    def configure(self, default: int = 200 * MIB, **homes: int) -> None:
        self.places.settings.write_text(json.dumps({"default": default, "homes": homes}))

    def request(self, *homes: str) -> None:
        """What the hub does for a new user."""
        for home in homes:
            (self.places.new / home).mkdir()

    def run(self) -> list[str]:
        return reconcile(self.places, self.kernel, self.quota)

    def homes(self) -> list[str]:
        return sorted(path.name for path in self.places.users.iterdir())

    def project(self, home: str) -> int:
        return self.kernel.project_of(self.places.users / home)

    def limits(self, home: str) -> tuple[int, int]:
        return self.xfs.limits()[self.project(home)]

    def check(self, *homes: str) -> None:
        """Every one of these homes is there, with a project of its own that has the default limit."""
        assert self.homes() == sorted(homes)
        assert list(self.places.new.iterdir()) == []
        projects = [self.project(home) for home in homes]
        assert len(set(projects)) == len(homes)
        assert all(project >= FIRST_ID for project in projects)
        assert [self.limits(home) for home in homes] == [DEFAULT] * len(homes)
        assert (self.places.etc / "projid").read_text().splitlines() == sorted(
            (f"jupyterhub-{home}:{self.project(home)}" for home in homes), key=lambda line: int(line.rpartition(":")[2])
        )
        assert sorted((self.places.etc / "projects").read_text().splitlines()) == sorted(
            f"{self.project(home)}:{self.places.users}/{home}" for home in homes
        )


@pytest.fixture
def volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Volume:
    """A volume after the reconciler's first run."""
    made = Volume(tmp_path)
    monkeypatch.setenv("PATH", str(made.xfs.bin))
    monkeypatch.setattr("os.chown", lambda *_: None)
    assert made.run() == []
    return made


def test_the_first_run_makes_the_folders_and_the_default_limit(volume: Volume) -> None:
    assert sorted(path.name for path in volume.places.root.iterdir()) == ["hub", "new", "shared", "users"]
    assert volume.xfs.limits() == {0: DEFAULT}


def test_a_new_home_gets_its_own_project_with_the_default_limit_and_moves_in(volume: Volume) -> None:
    volume.request("ada")
    assert volume.run() == []
    volume.check("ada")


def test_thirty_homes_at_once_get_thirty_projects(volume: Volume) -> None:
    homes = [f"user-{number}" for number in range(30)]
    volume.request(*homes)
    assert volume.run() == []
    volume.check(*homes)


def test_a_home_that_comes_during_a_run_is_served_by_the_same_run(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    report = volume.quota.report

    def late() -> Any:
        if not (volume.places.new / "bob").exists() and "bob" not in volume.homes():
            volume.request("bob")
        return report()

    monkeypatch.setattr(volume.quota, "report", late)
    volume.request("ada")
    assert volume.run() == []
    volume.check("ada", "bob")


def test_homes_that_differ_get_their_own_limit(volume: Volume) -> None:
    volume.configure(grace=1024 * MIB)
    volume.request("ada", "grace")
    assert volume.run() == []
    assert volume.limits("ada") == DEFAULT
    assert volume.limits("grace") == limits_of(1024 * MIB)


def test_a_changed_setting_reaches_the_homes_that_are_there(volume: Volume) -> None:
    volume.request("ada", "grace")
    volume.run()
    volume.configure(300 * MIB, grace=100 * MIB)
    assert volume.run() == []
    assert (volume.limits("ada"), volume.limits("grace")) == (limits_of(300 * MIB), limits_of(100 * MIB))
    assert volume.xfs.limits()[0] == limits_of(300 * MIB)
    volume.configure()
    assert volume.run() == []
    assert volume.limits("grace") == DEFAULT


def test_a_run_that_finds_all_well_changes_nothing(volume: Volume) -> None:
    volume.request("ada")
    volume.run()
    before = {path: path.stat() for path in volume.places.etc.rglob("*")}
    volume.xfs["calls"] = []
    assert volume.run() == []
    assert volume.xfs["calls"] == [["-c", "report -p -n -N -b -i"]]
    assert {path: path.stat() for path in volume.places.etc.rglob("*")} == before


def test_a_folder_that_somebody_made_by_hand_is_caught_up_with_all_in_it(volume: Volume) -> None:
    (volume.places.users / "old" / "deep").mkdir(parents=True)
    (volume.places.users / "old" / "deep" / "file").touch()
    assert volume.run() == []
    volume.check("old")
    assert volume.kernel.project_of(volume.places.users / "old" / "deep" / "file") == volume.project("old")


def test_on_a_new_node_the_homes_keep_their_projects(volume: Volume) -> None:
    volume.request("ada", "grace")
    volume.run()
    projects = {home: volume.project(home) for home in volume.homes()}
    for name in ("projects", "projid"):
        (volume.places.etc / name).unlink()
    assert volume.run() == []
    assert {home: volume.project(home) for home in volume.homes()} == projects
    volume.check("ada", "grace")


def test_two_homes_with_one_project_are_parted(volume: Volume) -> None:
    volume.request("ada")
    volume.run()
    (volume.places.users / "copy").mkdir()
    volume.kernel.tag(volume.places.users / "copy", volume.project("ada"))
    assert volume.run() == []
    volume.check("ada", "copy")


def test_a_number_that_others_use_is_never_given_away(volume: Volume) -> None:
    (volume.places.etc / "projects").write_text("1001:/srv/other\n")
    (volume.places.etc / "projid").write_text("other:1001\nmore:1002\n")
    volume.request("ada")
    assert volume.run() == []
    assert volume.project("ada") == 1003
    assert (volume.places.etc / "projects").read_text().splitlines()[0] == "1001:/srv/other"
    assert (volume.places.etc / "projid").read_text().splitlines()[:2] == ["other:1001", "more:1002"]


def test_a_second_request_for_a_home_that_is_there_is_dropped(volume: Volume) -> None:
    volume.request("ada")
    volume.run()
    (volume.places.users / "ada" / "file").touch()
    volume.request("ada")
    assert volume.run() == []
    assert (volume.places.users / "ada" / "file").exists()
    volume.check("ada")


def refused(volume: Volume, problem: str) -> None:
    """Run, and find that a new home stays outside, with the reason."""
    volume.request("ada")
    assert [problem in line for line in volume.run()] == [True]
    assert volume.homes() == []


def test_a_home_without_its_limit_is_never_let_in(volume: Volume) -> None:
    volume.xfs["deaf"] = [str(FIRST_ID)]
    refused(volume, f"project {FIRST_ID}: the kernel did not take its limits of {DEFAULT[0]} KiB")


def test_something_that_is_no_folder_is_named_and_keeps_nobody_out(volume: Volume) -> None:
    (volume.places.new / "stray").touch()
    volume.request("ada")
    assert volume.run() == [f"{volume.places.new}/stray is not a folder; remove it"]
    assert volume.homes() == ["ada"]


def test_a_home_that_is_there_twice_with_files_is_named_and_keeps_nobody_else_out(volume: Volume) -> None:
    volume.request("ada")
    volume.run()
    volume.request("ada", "bob")
    (volume.places.new / "ada" / "file").touch()
    assert volume.run() == [f"{volume.places.new}/ada cannot become a home: {volume.places.users}/ada is there"]
    assert volume.homes() == ["ada", "bob"]


class PowerCut(BaseException):
    """Ends a run as `kill -9` does: no handler runs."""


def cut(volume: Volume, monkeypatch: pytest.MonkeyPatch, after: int) -> Callable[[], None]:
    """Let the power fail before the change number `after` (from 0) of the next run; returns how to restore it."""
    left = [after]

    def dying(do: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            if left[0] == 0:
                raise PowerCut
            left[0] -= 1
            return do(*arguments, **options)

        return step

    scope = pytest.MonkeyPatch()
    scope.setattr(volume.quota, "set", dying(volume.quota.set))
    scope.setattr(volume.kernel, "tag", dying(volume.kernel.tag))
    scope.setattr(Path, "rename", dying(Path.rename))
    return scope.undo


def test_a_run_that_is_killed_at_any_step_is_made_good_by_the_next(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    homes: list[str] = []
    for step in range(100):
        wanted = [f"user-{step}-{number}" for number in range(2)]
        volume.request(*wanted)
        homes += wanted
        restore = cut(volume, monkeypatch, step)
        try:
            volume.run()
        except PowerCut:
            restore()
            for home in volume.homes():  # whoever is in has a limit, also now
                assert volume.limits(home) == DEFAULT
            assert volume.run() == []
            volume.check(*homes)
        else:
            restore()
            volume.check(*homes)
            assert step >= 6  # two files, the limits, two numbers, two folders
            return
    pytest.fail("a run never ended")


@pytest.fixture
def mounted(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> Volume:
    """The volume, as far as Python sees it a mount point."""
    monkeypatch.setattr(Path, "is_mount", lambda path: path == volume.places.root)
    return volume


def test_the_hub_can_read_how_the_last_run_went(mounted: Volume, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(mounted.places, mounted.kernel, mounted.quota) == 0
    assert json.loads(mounted.places.status.read_text())["problems"] == []
    mounted.xfs["broken"] = True
    assert main(mounted.places, mounted.kernel, mounted.quota) == 1
    assert json.loads(mounted.places.status.read_text())["problems"] == ["xfs_quota: cannot set limits: Operation not permitted"]
    assert "Operation not permitted" in capsys.readouterr().err


def test_without_the_volume_nothing_is_touched(volume: Volume, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(volume.places.root.rglob("*"))
    volume.xfs["calls"] = []
    assert main(volume.places, volume.kernel, volume.quota) == 1
    assert "is not mounted" in capsys.readouterr().err
    assert sorted(volume.places.root.rglob("*")) == before
    assert volume.xfs["calls"] == []
