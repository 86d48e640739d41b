"""storage/prepare-volume.sh and release-volume.sh on a host whose disk is a few files: only what is blank is formatted."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.unit.storage_host import LINK, OTHER, OURS, VOLUME, StorageHost
from tools.graph import ROOT


@pytest.fixture
def disk(tmp_path: Path) -> StorageHost:
    """A blank volume."""
    return StorageHost(tmp_path)


def test_a_blank_volume_is_formatted_labelled_and_mounted_by_its_serial_number(disk: StorageHost) -> None:
    done = disk.prepare()
    assert (done.returncode, done.stdout) == (0, "mounted as it should be\n"), done.stderr
    assert disk.calls("mkfs.xfs") == [f"mkfs.xfs -q -f -L jh-new {disk.device}"]
    assert disk.calls("xfs_admin") == [f"xfs_admin -L jh-homes {disk.device}"]
    assert disk.fstab.read_text() == f"LABEL=root / ext4 defaults 0 1\n{disk.line()}"
    assert disk.calls("mount ") == [f"mount {disk.mount}"]


def test_a_second_run_formats_nothing_and_mounts_nothing(disk: StorageHost) -> None:
    disk.prepare()
    before = disk.fstab.read_text()
    assert disk.prepare().returncode == 0
    assert len(disk.calls("mkfs.xfs")) == len(disk.calls("mount ")) == 1
    assert disk.fstab.read_text() == before


def test_a_volume_of_an_earlier_deployment_is_mounted_as_it_is(disk: StorageHost) -> None:
    disk.has(TYPE="xfs", LABEL="jh-homes", UUID="7-8-9", written="", signature="xfs")
    assert disk.prepare().returncode == 0
    assert not disk.formatted()
    assert disk.line() in disk.fstab.read_text()


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
    disk: StorageHost, properties: dict[str, str]
) -> None:
    disk.has(**properties)
    done = disk.prepare()
    assert done.returncode == 1
    assert not disk.formatted()
    assert disk.calls("mount ") == disk.calls("xfs_admin") == []
    assert disk.fstab.read_text() == "LABEL=root / ext4 defaults 0 1\n"
    for part in (VOLUME, "not blank", "never formatted", "xfs_admin -L jh-homes", "wipefs --all"):
        assert part in done.stderr


def test_a_format_that_was_cut_off_is_done_again(disk: StorageHost) -> None:
    disk.has(cut="")
    assert disk.prepare().returncode != 0
    assert (disk.folder / "LABEL").read_text() == "jh-new\n"
    (disk.folder / "cut").unlink()
    disk.has(written="", signature="xfs")
    assert disk.prepare().returncode == 0
    assert (disk.folder / "LABEL").read_text() == "jh-homes\n"


@pytest.mark.parametrize("name", [LINK, f"scsi-0QEMU_QEMU_HARDDISK_{VOLUME}", f"scsi-0QEMU_{VOLUME[:20]}"])
def test_the_disk_is_found_by_the_volumes_id_on_either_bus(tmp_path: Path, name: str) -> None:
    disk = StorageHost(tmp_path, name)
    (tmp_path / "devices" / f"{name}-part1").touch()
    assert disk.prepare().returncode == 0
    assert disk.calls("mkfs.xfs")[0].endswith(f"/devices/{name}")


def test_a_disk_that_does_not_come_is_waited_for_and_then_named(tmp_path: Path) -> None:
    disk = StorageHost(tmp_path, "virtio-of-another")
    done = disk.prepare()
    assert done.returncode == 1
    assert f"volume {VOLUME} for {disk.mount}: no disk with this id appeared within 2 s" in done.stderr
    assert len(disk.calls("sleep")) == 2


def test_a_larger_volume_grows_the_file_system(disk: StorageHost) -> None:
    disk.prepare()
    disk.has(size=str(8 * 1024**3))
    assert disk.prepare(gib=8).returncode == 0
    assert disk.calls("xfs_growfs") == [f"xfs_growfs {disk.mount}"] * 2


def test_a_node_that_does_not_see_the_new_size_is_told_to_reboot(disk: StorageHost) -> None:
    disk.prepare()
    done = disk.prepare(gib=8)
    assert done.returncode == 1
    assert "has 4294967296 bytes, but 8 GiB are wanted; if the cloud shows 8 GiB, reboot this node" in done.stderr


def test_the_size_in_the_message_is_that_after_the_wait(disk: StorageHost) -> None:
    disk.program("sleep", "echo 5368709120 >size")
    done = disk.prepare(gib=8)
    assert "has 5368709120 bytes, but 8 GiB are wanted" in done.stderr


def test_another_volume_takes_the_place_of_the_old_one_in_fstab(disk: StorageHost) -> None:
    disk.fstab.write_text(f"UUID=old {disk.mount} xfs defaults 0 0\nUUID=other /srv/other xfs defaults 0 0\n")
    assert disk.prepare().returncode == 0
    assert disk.fstab.read_text() == f"UUID=other /srv/other xfs defaults 0 0\n{disk.line()}"


def test_a_line_of_an_earlier_version_is_replaced_and_what_is_mounted_stays_so(disk: StorageHost) -> None:
    disk.has(TYPE="xfs", LABEL="jh-homes", UUID="1-2-3", written="", mounted=OURS)
    disk.fstab.write_text(f"UUID=1-2-3 {disk.mount} xfs defaults,pquota,nofail,x-systemd.device-timeout=90 0 0\n")
    assert disk.prepare().returncode == 0
    assert disk.fstab.read_text() == disk.line()
    assert disk.calls("mount ") == []
    assert disk.calls("umount") == [f"umount --lazy {disk.mount}"]  # as the next line has it: for that command alone
    assert disk.calls("unshare")[0].startswith("unshare --mount ")
    assert disk.calls("chattr") == [f"chattr +i {disk.mount}"]
    assert (disk.folder / "mounted").read_text() == OURS


def test_two_volumes_that_are_prepared_side_by_side_are_both_in_fstab(disk: StorageHost) -> None:
    script = ROOT / "storage" / "prepare-volume.sh"
    disk.program("awk", '/usr/bin/awk "$@"; /bin/sleep 0.3')
    disk.has(TYPE="xfs", LABEL="jh-homes", UUID="1-2-3")
    where = f"DEVICES='{disk.devices}' FSTAB='{disk.fstab}'"
    folders = [shlex.quote(str(disk.folder / name)) for name in ("one", "two")]
    both = " & ".join(f"{where} /bin/bash '{script}' {VOLUME} jh-homes {folder} 4" for folder in folders)
    assert disk.run(f"{both} & wait").returncode == 0
    mounts = [line.split()[1].rpartition("/")[2] for line in disk.fstab.read_text().splitlines()]
    assert sorted(mounts) == ["", "one", "two"]


def test_a_copy_of_the_volume_in_its_place_is_told_and_the_next_boot_mounts_the_volume(disk: StorageHost) -> None:
    disk.has(TYPE="xfs", LABEL="jh-homes", UUID="1-2-3", written="", mounted=OTHER)
    disk.fstab.write_text(f"UUID=1-2-3 {disk.mount} xfs defaults 0 0\n")
    done = disk.prepare()
    assert done.returncode == 1
    assert "another disk (/dev/other, number 254:32) is mounted there, which may be a copy of it" in done.stderr
    assert "Detach that disk in the cloud, then reboot this node" in done.stderr
    assert disk.fstab.read_text() == disk.line()


def test_nothing_can_be_written_where_the_volume_is_not_mounted(disk: StorageHost) -> None:
    assert disk.prepare().returncode == 0
    calls = disk.calls()
    assert calls.index(f"chattr +i {disk.mount}") < calls.index(f"mount {disk.mount}")


def test_what_was_written_there_before_is_put_beside_it(disk: StorageHost) -> None:
    disk.mount.mkdir(parents=True)
    (disk.mount / "jupyterhub").mkdir()
    (disk.mount / ".hidden").touch()
    done = disk.prepare()
    assert done.returncode == 0, done.stderr
    (beside,) = (path for path in disk.mount.parent.iterdir() if path != disk.mount)
    assert sorted(path.name for path in beside.iterdir()) == [".hidden", "jupyterhub"]
    assert f"what was in {disk.mount} while its volume was not mounted is in {beside} now" in done.stderr


def test_fstab_is_on_the_disk_before_it_takes_the_place_of_the_old_one(disk: StorageHost) -> None:
    disk.program("mv")
    disk.prepare()
    calls = disk.calls()
    assert calls.index(f"sync {disk.fstab}.new") < calls.index(f"mv {disk.fstab}.new {disk.fstab}")


SERVED = {"jupyterhub-quotas.path", "jupyterhub-quotas.timer", "jupyterhub-backup.timer", "nfs-server"}
STARTED = {"jupyterhub-homes", "jupyterhub-backup.timer"}


@pytest.fixture
def served(disk: StorageHost) -> StorageHost:
    """A node that serves the homes."""
    disk.has(mounted=OURS)
    disk.fstab.write_text("LABEL=root / ext4 defaults 0 1\n/dev/disk/by-id/virtio-1 /srv/homes xfs defaults 0 0\n")
    disk.units("active", *SERVED)
    disk.units("enabled", *STARTED)
    return disk


def test_a_volume_that_goes_is_served_no_more_unmounted_and_forgotten(served: StorageHost) -> None:
    assert served.release().returncode == 0
    assert served.calls("umount") == ["umount /srv/homes"]
    assert served.fstab.read_text() == "LABEL=root / ext4 defaults 0 1\n"
    assert served.units("active") == served.units("enabled") == set()
    assert served.release().returncode == 0


def test_a_volume_in_use_stays_is_served_as_before_and_the_reader_learns_who_uses_it(served: StorageHost) -> None:
    served.units("active", "jupyterhub-backup")
    served.has(busy="")
    before = served.fstab.read_text()
    done = served.release()
    assert done.returncode == 1
    assert "is in use, so its volume cannot go to another node; it is served here as before" in done.stderr
    assert "run pulumi up again, which goes on from here, or take the setting back" in done.stderr
    assert served.fstab.read_text() == before
    assert served.units("active") == {*SERVED, "jupyterhub-backup"}
    assert served.units("enabled") == STARTED
    (served.folder / "busy").unlink()
    assert served.release().returncode == 0
    assert served.units("active") == served.units("enabled") == set()


def test_the_processes_that_keep_a_volume_from_going_are_named(disk: StorageHost) -> None:
    disk.mount.mkdir(parents=True)
    disk.has(mounted=OURS, busy="")
    with subprocess.Popen(["sleep", "300"], cwd=disk.mount) as user:
        done = disk.release(str(disk.mount))
        user.kill()
    assert f"process {user.pid}: sleep 300" in done.stderr


def test_another_volume_that_goes_ends_no_service_of_the_homes(served: StorageHost) -> None:
    assert served.release("/srv/state").returncode == 0
    assert served.units("active") == SERVED
    assert served.units("enabled") == STARTED
