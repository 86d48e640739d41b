"""storage/quotas.py against a fake xfs_quota: what one run makes of a volume, and that any number of broken runs end well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.hub.homes import _reason
from storage.limits import limits_of
from storage.projects import FIRST_ID, Registry
from storage.quotas import main
from tests.unit.fake_quota import DEFAULT, MIB, Volume


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
    before = written(volume.places.etc)
    volume.xfs["calls"] = []
    assert volume.run() == []
    assert volume.xfs["calls"] == [["-c", "report -p -n -N -b -i"]]
    assert written(volume.places.etc) == before


def written(folder: Path) -> dict[Path, tuple[int, int]]:
    """Which files are there, and when each was last written. Not when it was read: that a run may do."""
    return {path: ((stat := path.stat()).st_ino, stat.st_mtime_ns) for path in folder.rglob("*")}


def test_a_folder_that_somebody_made_by_hand_is_caught_up_with_all_in_it(volume: Volume) -> None:
    (volume.places.users / "old" / "deep").mkdir(parents=True)
    (volume.places.users / "old" / "deep" / "file").touch()
    assert volume.run() == []
    volume.check("old")
    assert volume.kernel.project_of(volume.places.users / "old" / "deep" / "file") == volume.project("old")


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


def test_two_faults_of_one_name_are_nobody_elses_business(mounted: Volume) -> None:
    mounted.run()
    mounted.request("ben")
    (mounted.places.users / "ben").touch()
    assert main(mounted.places, mounted.kernel, mounted.quota) == 3
    assert _reason(mounted.places.status, "ben") == "is not a folder; remove it"
    assert "ben" not in _reason(mounted.places.status, "eve")


def test_on_a_full_volume_the_limits_are_set_and_an_up_goes_on(
    mounted: Volume, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("storage.quotas.replace", full)
    mounted.run()
    mounted.request("ada")
    assert main(mounted.places, mounted.kernel, mounted.quota) == 3  # what serve-homes.sh takes for no reason to stop
    assert mounted.limits("ada") == DEFAULT
    assert "status.json cannot be written: No space left on device" in capsys.readouterr().err


def test_homes_without_a_number_are_looked_up_in_one_reading_of_the_list(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands may be copied here at once, and new users wait meanwhile."""
    volume.run()
    for number in range(20):
        (volume.places.users / f"copied-{number}").mkdir()
    ours, read = Registry.ours, []

    def reading(registry: Registry) -> dict[str, int]:
        read.append(registry)
        return ours(registry)

    monkeypatch.setattr(Registry, "ours", reading)
    volume.run()
    assert len(read) == 1


def test_without_the_volume_nothing_is_touched(volume: Volume, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(volume.places.root.rglob("*"))
    volume.xfs["calls"] = []
    assert main(volume.places, volume.kernel, volume.quota) == 1
    assert "is not mounted" in capsys.readouterr().err
    assert sorted(volume.places.root.rglob("*")) == before
    assert volume.xfs["calls"] == []
