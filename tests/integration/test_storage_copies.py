"""storage/prepare-volume.sh on real disks with XFS: a copy of the volume beside it, what was mounted, a folder beneath it.

The disks are loop devices, under the names that the cloud's have. fstab is a file of the test, mounts are in a namespace of it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.workspace import ROOT
from tests.integration.xfs_disk import SIZE

VOLUME, COPY = "0a7d6b3c-1f2e-4d5c-8b9a-001122334455", "55555555-1f2e-4d5c-8b9a-001122334455"
# By the test's fstab; this machine's kernel need not count quotas.
MOUNT = """#!/bin/sh
sed 's/,pquota//' "$FSTAB" >"$FSTAB.seen"
exec {mount} -T "$FSTAB.seen" "$@"
"""


class Node:
    """A node with disks in `devices`; its commands have mounts of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._loops = folder, list[str]()
        self.mount, self.fstab, self.devices = folder / "homes", folder / "fstab", folder / "by-id"
        (folder / "bin").mkdir()
        self.devices.mkdir()
        self.fstab.touch()
        programs = {"mount": MOUNT.format(mount="/usr/bin/mount"), "systemctl": "#!/bin/sh\n"}
        for name, text in programs.items():
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)
        self._alone = subprocess.Popen(["unshare", "--mount", "sh", "-c", "echo there; exec sleep 3600"], stdout=subprocess.PIPE)
        assert self._alone.stdout and self._alone.stdout.readline() == b"there\n"

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        path = f"{self._folder / 'bin'}:{os.environ['PATH']}"
        settings = {"PATH": path, "FSTAB": str(self.fstab), "DEVICES": str(self.devices), "PATIENCE": "2"}
        inside = ["nsenter", f"--mount=/proc/{self._alone.pid}/ns/mnt", "--wd=/", *command]
        return subprocess.run(inside, env={**os.environ, **settings}, capture_output=True, text=True, check=False)

    def attach(self, volume: str, content: Path) -> str:
        """A disk with this content; its device."""
        done = subprocess.run(["losetup", "--find", "--show", str(content)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip("this machine has no loop devices")
        self._loops.append(done.stdout.strip())
        (self.devices / f"virtio-{volume[:20]}").symlink_to(self._loops[-1])
        return self._loops[-1]

    def prepare(self) -> subprocess.CompletedProcess[str]:
        return self.run("bash", str(ROOT / "storage" / "prepare-volume.sh"), VOLUME, "jh-homes", str(self.mount), "0")

    def source(self) -> str:
        """What is mounted in the volume's place."""
        return self.run("findmnt", "--noheadings", "--output", "SOURCE", str(self.mount)).stdout.strip()

    def end(self) -> None:
        self.run("umount", str(self.mount))
        self._alone.kill()
        self._alone.wait()
        for loop in self._loops:
            subprocess.run(["losetup", "--detach", loop], check=True)
        subprocess.run(["chattr", "-i", str(self.mount)], check=False, capture_output=True)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node without disks."""
    made = Node(tmp_path)
    yield made
    made.end()


@pytest.fixture
def blank(tmp_path: Path) -> Path:
    """What a new volume holds."""
    image = tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(SIZE)
    return image


def copy_of(image: Path) -> Path:
    copy = image.with_name("copy")
    subprocess.run(["cp", "--sparse=always", str(image), str(copy)], check=True)
    return copy


@pytest.fixture
def held(tmp_path: Path, blank: Path) -> Path:
    """A volume of this deployment, with a file system and nothing in it yet."""
    subprocess.run(["mkfs.xfs", "-q", "-L", "jh-homes", str(blank)], check=True)
    return blank


@pytest.mark.parametrize("first", ["copy", "volume"])
def test_the_volume_is_mounted_and_not_a_copy_of_it_whichever_came_first(node: Node, held: Path, first: str) -> None:
    copy = copy_of(held)
    if first == "copy":
        node.attach(COPY, copy)
    device = node.attach(VOLUME, held)
    if first == "volume":
        node.attach(COPY, copy)
    done = node.prepare()
    assert done.returncode == 0, done.stderr
    assert node.source() == device


def test_a_copy_that_is_mounted_in_its_place_is_told(node: Node, held: Path) -> None:
    copy = node.attach(COPY, copy_of(held))
    node.attach(VOLUME, held)
    node.mount.mkdir()
    assert node.run("/usr/bin/mount", copy, str(node.mount)).returncode == 0
    done = node.prepare()
    assert done.returncode == 1
    assert f"another disk ({copy}, number " in done.stderr
    assert f"virtio-{VOLUME[:20]} {node.mount} xfs" in node.fstab.read_text()


def test_what_an_earlier_version_has_mounted_stays_mounted_and_nothing_can_be_written_beneath(node: Node, held: Path) -> None:
    device = node.attach(VOLUME, held)
    node.mount.mkdir()
    (node.mount / "beneath").touch()
    assert node.run("/usr/bin/mount", device, str(node.mount)).returncode == 0
    before = node.run("findmnt", "--noheadings", "--output", "ID", str(node.mount)).stdout
    assert node.run("touch", str(node.mount / "on-the-volume")).returncode == 0
    done = node.prepare()
    assert done.returncode == 0, done.stderr
    assert node.run("findmnt", "--noheadings", "--output", "ID", str(node.mount)).stdout == before
    assert node.run("ls", str(node.mount)).stdout == "on-the-volume\n"
    (beside,) = node.mount.parent.glob("homes.found-under-the-mount.*")
    assert [path.name for path in beside.iterdir()] == ["beneath"]
    assert node.run("umount", str(node.mount)).returncode == 0
    assert "not permitted" in node.run("touch", str(node.mount / "stray")).stderr


def test_a_blank_volume_is_formatted_mounted_and_found_again(node: Node, blank: Path) -> None:
    device = node.attach(VOLUME, blank)
    for _ in range(2):
        done = node.prepare()
        assert done.returncode == 0, done.stderr
        assert node.source() == device
    assert len(node.fstab.read_text().splitlines()) == 1
