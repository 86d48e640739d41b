"""storage/prepare-volume.sh and release-volume.sh on a host whose disk is a few files: only what is blank is formatted."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.unit.fake_host import FakeHost
from tools.graph import ROOT

VOLUME = "0a7d6b3c-1f2e-4d5c-8b9a-001122334455"
FOLDER = "/srv/homes"
LINE = "defaults,pquota,nofail,x-systemd.device-timeout=90 0 0"

# A disk by files of its properties; what a program changes of it, it changes there.
PROGRAMS = {
    "blkid": """for tag in TYPE LABEL UUID PTTYPE; do
  case "$*" in *"--match-tag $tag "*) [ -e "$tag" ] && cat "$tag" ;; esac
done; [ -e TYPE ]""",
    "wipefs": "[ ! -e signature ] || cat signature",
    "cmp": "[ ! -e written ]",
    "blockdev": "cat size",
    "mkfs.xfs": "[ -e broken ] && exit 1; echo xfs >TYPE; echo jh-new >LABEL; echo 1-2-3 >UUID; [ ! -e cut ]",
    "xfs_admin": 'echo "$2" >LABEL',
    "mountpoint": "[ -e mounted ]",
    "mount": "cp UUID mounted",
    "umount": "[ ! -e busy ] && rm mounted",
    "findmnt": 'case "$*" in *"--output UUID "*) cat mounted ;; *) echo mounted as it should be ;; esac',
    "xfs_growfs": "",
    "fuser": "echo 4711 user",
    "systemctl": "",
}


class Disk(FakeHost):
    """A node with an attached volume of 4 GiB and an fstab."""

    def __init__(self, folder: Path, device: str = f"virtio-{VOLUME[:20]}") -> None:
        super().__init__(folder)
        for name, body in PROGRAMS.items():
            self.program(name, body)
        (folder / "devices").mkdir()
        (folder / "devices" / device).touch()
        (folder / "size").write_text(str(4 * 1024**3))
        self.fstab = folder / "fstab"
        self.fstab.write_text("LABEL=root / ext4 defaults 0 1\n")

    def has(self, **properties: str) -> None:
        """Let the disk have these properties."""
        for name, value in properties.items():
            (self.folder / name).write_text(value)

    def prepare(self, gib: int = 4, patience: int = 2) -> subprocess.CompletedProcess[str]:
        script = ROOT / "storage" / "prepare-volume.sh"
        where = f"DEVICES='{self.folder}/devices' FSTAB='{self.fstab}' PATIENCE={patience}"
        return self.run(f"{where} /bin/bash '{script}' {VOLUME} jh-homes {FOLDER} {gib}")

    def formatted(self) -> bool:
        return bool(self.calls("mkfs.xfs"))


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """A blank volume."""
    tmp_path.joinpath("made").mkdir()
    made = Disk(tmp_path)
    made.program("mkdir")
    return made


def test_a_blank_volume_is_formatted_labelled_and_mounted_by_uuid(disk: Disk) -> None:
    done = disk.prepare()
    assert (done.returncode, done.stdout) == (0, "mounted as it should be\n"), done.stderr
    device = f"{disk.folder}/devices/virtio-{VOLUME[:20]}"
    assert disk.calls("mkfs.xfs") == [f"mkfs.xfs -q -f -L jh-new {device}"]
    assert disk.calls("xfs_admin") == [f"xfs_admin -L jh-homes {device}"]
    assert disk.fstab.read_text() == f"LABEL=root / ext4 defaults 0 1\nUUID=1-2-3 {FOLDER} xfs {LINE}\n"
    assert disk.calls("mount ") == [f"mount {FOLDER}"]


def test_a_second_run_formats_nothing_and_mounts_nothing(disk: Disk) -> None:
    disk.prepare()
    before = disk.fstab.read_text()
    assert disk.prepare().returncode == 0
    assert len(disk.calls("mkfs.xfs")) == len(disk.calls("mount ")) == len(disk.calls("systemctl")) == 1
    assert disk.fstab.read_text() == before


def test_a_volume_of_an_earlier_deployment_is_mounted_as_it_is(disk: Disk) -> None:
    disk.has(TYPE="xfs", LABEL="jh-homes", UUID="7-8-9", written="", signature="xfs")
    assert disk.prepare().returncode == 0
    assert not disk.formatted()
    assert f"UUID=7-8-9 {FOLDER} xfs {LINE}\n" in disk.fstab.read_text()


@pytest.mark.parametrize(
    "properties",
    [
        {"TYPE": "ext4", "LABEL": "data", "signature": "ext4", "written": ""},
        {"TYPE": "xfs", "LABEL": "", "signature": "xfs", "written": ""},
        {"TYPE": "xfs", "LABEL": "jh-state", "signature": "xfs", "written": ""},
        {"PTTYPE": "gpt", "signature": "gpt", "written": ""},
        {"signature": "LUKS", "written": ""},
        {"signature": "a signature that blkid does not know"},
        {"written": "no signature at all, but not zeros"},
    ],
)
def test_a_volume_that_holds_anything_is_never_formatted_and_the_reader_learns_what_to_do(
    disk: Disk, properties: dict[str, str]
) -> None:
    disk.has(**properties)
    done = disk.prepare()
    assert done.returncode == 1
    assert not disk.formatted()
    assert disk.calls("mount ") == disk.calls("xfs_admin") == []
    assert disk.fstab.read_text() == "LABEL=root / ext4 defaults 0 1\n"
    for part in (VOLUME, "not blank", "never formatted", "xfs_admin -L jh-homes", "wipefs --all"):
        assert part in done.stderr


def test_a_format_that_was_cut_off_is_done_again(disk: Disk) -> None:
    disk.has(cut="")
    assert disk.prepare().returncode != 0
    assert (disk.folder / "LABEL").read_text() == "jh-new\n"
    (disk.folder / "cut").unlink()
    disk.has(written="", signature="xfs")
    assert disk.prepare().returncode == 0
    assert (disk.folder / "LABEL").read_text() == "jh-homes\n"


@pytest.mark.parametrize("name", [f"virtio-{VOLUME[:20]}", f"scsi-0QEMU_QEMU_HARDDISK_{VOLUME}", f"scsi-0QEMU_{VOLUME[:20]}"])
def test_the_disk_is_found_by_the_volumes_id_on_either_bus(tmp_path: Path, name: str) -> None:
    disk = Disk(tmp_path, name)
    disk.program("mkdir")
    (tmp_path / "devices" / f"{name}-part1").touch()
    assert disk.prepare().returncode == 0
    assert disk.calls("mkfs.xfs")[0].endswith(f"/devices/{name}")


def test_a_disk_that_does_not_come_is_waited_for_and_then_named(tmp_path: Path) -> None:
    disk = Disk(tmp_path, "virtio-of-another")
    done = disk.prepare()
    assert done.returncode == 1
    assert f"volume {VOLUME} for {FOLDER}: no disk with this id appeared within 2 s" in done.stderr
    assert len(disk.calls("sleep")) == 2


def test_a_larger_volume_grows_the_file_system(disk: Disk) -> None:
    disk.prepare()
    disk.has(size=str(8 * 1024**3))
    assert disk.prepare(gib=8).returncode == 0
    assert disk.calls("xfs_growfs") == [f"xfs_growfs {FOLDER}"] * 2


def test_a_node_that_does_not_see_the_new_size_is_told_to_reboot(disk: Disk) -> None:
    disk.prepare()
    done = disk.prepare(gib=8)
    assert done.returncode == 1
    assert "has 4294967296 bytes, but 8 GiB are wanted; if the cloud shows 8 GiB, reboot this node" in done.stderr


def test_another_volume_takes_the_place_of_the_old_one_in_fstab(disk: Disk) -> None:
    disk.fstab.write_text(f"UUID=old {FOLDER} xfs defaults 0 0\nUUID=other /srv/other xfs defaults 0 0\n")
    assert disk.prepare().returncode == 0
    assert disk.fstab.read_text() == f"UUID=other /srv/other xfs defaults 0 0\nUUID=1-2-3 {FOLDER} xfs {LINE}\n"


def test_two_volumes_that_are_prepared_side_by_side_are_both_in_fstab(disk: Disk) -> None:
    script = ROOT / "storage" / "prepare-volume.sh"
    disk.program("awk", '/usr/bin/awk "$@"; /bin/sleep 0.3')
    disk.has(TYPE="xfs", LABEL="jh-homes", UUID="1-2-3")
    where = f"DEVICES='{disk.folder}/devices' FSTAB='{disk.fstab}'"
    both = " & ".join(f"{where} /bin/bash '{script}' {VOLUME} jh-homes {folder} 4" for folder in ("/srv/one", "/srv/two"))
    assert disk.run(f"{both} & wait").returncode == 0
    assert sorted(line.split()[1] for line in disk.fstab.read_text().splitlines()) == ["/", "/srv/one", "/srv/two"]


def test_a_folder_where_something_else_is_mounted_is_named(disk: Disk) -> None:
    disk.has(mounted="something else\n")
    done = disk.prepare()
    assert done.returncode == 1
    assert "another file system (UUID something else) is mounted there" in done.stderr


def release(disk: Disk) -> subprocess.CompletedProcess[str]:
    """Let the volume go."""
    return disk.run(f"FSTAB='{disk.fstab}' /bin/bash '{ROOT / 'storage' / 'release-volume.sh'}' {FOLDER}")


def test_a_volume_that_goes_is_served_no_more_unmounted_and_forgotten(disk: Disk) -> None:
    disk.prepare()
    assert release(disk).returncode == 0
    assert disk.calls("systemctl disable")[0].endswith("nfs-server")
    assert disk.calls("umount") == [f"umount {FOLDER}"]
    assert FOLDER not in disk.fstab.read_text()
    assert release(disk).returncode == 0


def test_a_volume_in_use_stays_and_the_reader_learns_who_uses_it(disk: Disk) -> None:
    disk.prepare()
    disk.has(busy="")
    done = release(disk)
    assert done.returncode == 1
    assert "is in use, so its volume cannot go to another node" in done.stderr
    assert "4711 user" in done.stderr
    assert FOLDER in disk.fstab.read_text()
