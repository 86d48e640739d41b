"""storage/registry_room.py and storage/volumes.py: the registry leaves room for the hub, and a full volume is named."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from components.registry import room
from storage import registry_room
from storage.limits import QuotaError, XfsQuota
from storage.registry_room import PROJECT, bound, images
from storage.volumes import volume
from tests.unit.fake_quota import FakeKernel, FakeXfs

GIB, MIB = 1024**3, 1024**2


@pytest.mark.parametrize(("state", "mib"), [(1, 716), (2, 1433), (10, 7168), (20, 17 * 1024), (1000, 997 * 1024)])
def test_the_hub_keeps_three_gibibytes_or_three_tenths_of_the_volume(state: int, mib: int) -> None:
    assert room(state) == mib


@pytest.fixture
def xfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeXfs:
    """The state volume's quotas."""
    made = FakeXfs(tmp_path, tmp_path)
    monkeypatch.setenv("PATH", str(made.bin))
    return made


def test_the_images_that_are_there_count_and_a_grown_volume_gives_more_room(tmp_path: Path, xfs: FakeXfs) -> None:
    folder, kernel = tmp_path / "registry", FakeKernel()
    (folder / "docker").mkdir(parents=True)
    bound(folder, 100, kernel, XfsQuota(tmp_path))
    assert kernel.project_of(folder) == kernel.project_of(folder / "docker") == PROJECT
    assert xfs.limits()[PROJECT] == (100 * 1024, 0)
    bound(folder, 200, kernel, XfsQuota(tmp_path))
    assert xfs.limits()[PROJECT] == (200 * 1024, 0)


def test_a_limit_that_is_not_taken_is_an_error(tmp_path: Path, xfs: FakeXfs) -> None:
    xfs["deaf"] = [str(PROJECT)]
    with pytest.raises(QuotaError, match="did not take the limit of 100 MiB"):
        bound(tmp_path, 100, FakeKernel(), XfsQuota(tmp_path))


def test_the_status_shows_a_registry_that_is_nearly_full(tmp_path: Path, xfs: FakeXfs) -> None:
    quota = XfsQuota(tmp_path)
    assert images(quota) == (True, "no registry here")
    quota.set({PROJECT: (1000, 0)})
    assert images(quota) == (True, "0K of 1000K used")
    xfs["used"] = {str(PROJECT): 950}
    assert images(quota) == (False, "950K of 1000K used: raise stateSize, or delete images that nobody uses")
    xfs["broken"] = True
    assert images(quota)[0] is False


@pytest.mark.parametrize(
    ("free", "good", "said"),
    [
        (50 * GIB, True, "50.0G of 100.0G used"),
        (4 * GIB, False, "nearly full: 96.0G of 100.0G used; enlarge it (pulumi config set homesSize GIB && pulumi up)"),
        (MIB, False, "FULL, nothing can be saved: 100.0G of 100.0G used; enlarge it (pulumi config set homesSize GIB"),
    ],
)
def test_a_full_volume_is_named_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, good: bool, said: str
) -> None:
    monkeypatch.setattr(Path, "is_mount", lambda _: True)
    found = SimpleNamespace(f_frsize=4096, f_blocks=100 * GIB // 4096, f_bavail=free // 4096)
    monkeypatch.setattr(os, "statvfs", lambda _: found)
    looked, text = volume(tmp_path, "homesSize")
    assert (looked, text.startswith(said)) == (good, True)


def test_without_the_volume_all_is_not_well(
    tmp_path: Path, xfs: FakeXfs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry_room, "STATE", tmp_path)
    assert registry_room.main(["status"]) == 1
    assert f"state volume         ! {tmp_path} is not mounted" in capsys.readouterr().out
