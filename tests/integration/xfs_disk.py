"""A real XFS in a file, with the homes volume on it. The kernel need not count quotas; it must know projects, and XFS does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage.limits import XfsQuota
from storage.places import Places
from storage.projects import Kernel
from tests.unit.fake_quota import FakeXfs, Volume

SIZE = 320 * 1024**2  # the least that mkfs.xfs makes is 300 MiB


class Mounted(Volume):
    """The reconciler's volume on a real XFS, with the real numbers of files; limits are set by a program that only plays."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.places = Places(root=root, etc=folder / "etc", run=folder)
        self.places.settings.parent.mkdir(parents=True)
        self.xfs = FakeXfs(folder, root)
        self.kernel: Kernel = Kernel()
        self.quota = XfsQuota(root)
        self.configure()


def project_of(path: Path) -> int:
    """By xfs_io, which is not the code under test."""
    said = subprocess.run(["xfs_io", "-r", "-c", "lsproj", str(path)], capture_output=True, text=True, check=True).stdout
    return int(said.rpartition("=")[2])


def copied(disk: Mounted, home: str = "copied") -> Path:
    """A home that an administrator has copied here."""
    path = disk.places.users / home
    (path / "work").mkdir(parents=True)
    (path / "work" / "notes.txt").write_text("notes")
    return path


@pytest.fixture
def xfs(tmp_path: Path) -> Iterator[Path]:
    """The mount point of an empty XFS."""
    image, root = tmp_path / "disk", tmp_path / "homes"
    with image.open("wb") as file:
        file.truncate(SIZE)
    subprocess.run(["mkfs.xfs", "-q", str(image)], check=True)
    root.mkdir()
    if subprocess.run(["mount", "-o", "loop", str(image), str(root)], check=False).returncode != 0:
        pytest.skip("this machine mounts no XFS: that needs root, and loop devices")
    yield root
    subprocess.run(["umount", "--lazy", str(root)], check=True)


@pytest.fixture
def disk(xfs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mounted:
    """A mounted volume after the reconciler's first run."""
    made = Mounted(tmp_path, xfs)
    monkeypatch.setenv("PATH", f"{made.xfs.bin}:{os.environ['PATH']}")
    assert made.run() == []
    return made


@pytest.fixture
def as_user() -> Callable[[str], None]:
    """Runs Python code as the notebook user, who owns the homes and nothing else."""

    def run(code: str) -> None:
        subprocess.run(["python3", "-S", "-c", code], check=True, user=1000, group=100, extra_groups=[])

    return run
