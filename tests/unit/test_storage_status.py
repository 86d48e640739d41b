"""`jupyterhub-storage status` of a node on which one thing after the other is wrong: each is bad, with what looks closer."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from storage import exports, quotas, status, volumes
from storage.reconciler import Run
from tests.unit.fake_host import FakeHost
from tests.unit.fake_quota import Volume

UNITS = ("nfs-server", "jupyterhub-quotas.path", "jupyterhub-quotas.timer")
OPTIONS = "(sync,wdelay,hide,no_subtree_check,mountpoint,anonuid=1000,sec=sys,rw,secure,root_squash,all_squash)"


class Served(FakeHost):
    """A node that serves the homes to manager-0 and worker-0; all is well until a test says otherwise."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.program("systemctl", f"cd {folder}; if [ -e active/$2 ]; then echo active; else echo inactive; fi")
        self.program("exportfs", f"cat {folder}/exported")
        for name in ("active", "exports.d", "homes"):
            (folder / name).mkdir()
        for unit in UNITS:
            (folder / "active" / unit).touch()
        self.exports = folder / "exports.d"
        exported = []
        for node, address in {"manager-0": "10.20.0.10", "worker-0": "10.20.0.11"}.items():
            self.file(node).write_text(f"/srv/homes {address}(rw,sync,all_squash,mountpoint)\n")
            exported.append(f"/srv/homes  {address}{OPTIONS}")
        (folder / "exported").write_text("\n".join(exported))
        self.told = folder / "homes" / "status.json"
        self.tell(0)

    def file(self, node: str) -> Path:
        return self.exports / f"jupyterhub-{node}.exports"

    def tell(self, age_s: float, *problems: str) -> None:
        """What the reconciler's last run said, and how long ago."""
        self.told.write_text(json.dumps({"time": int(time.time() - age_s), "problems": problems}))

    def stop(self, unit: str) -> None:
        (self.folder / "active" / unit).unlink()

    def served(self, *nodes: str) -> tuple[bool, str]:
        return exports.served(nodes or ("manager-0", "worker-0"), status.systemctl, self.exports)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    """A node that is well."""
    made = Served(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return made


def test_all_is_well(node: Served) -> None:
    assert node.served() == (True, "active, exported to 2 nodes")
    assert status.quotas(node.told) == (True, "all set (0 min ago)")


def test_a_server_that_does_not_run_is_bad(node: Served) -> None:
    node.stop("nfs-server")
    good, said = node.served()
    assert not good
    assert "inactive: no notebook reaches its home; sudo systemctl start nfs-server" in said


def test_a_node_without_an_export_is_bad_and_the_reader_learns_how_to_make_it_again(node: Served) -> None:
    node.file("worker-0").unlink()
    good, said = node.served()
    assert not good
    assert "no export for worker-0, where homes cannot be mounted: pulumi up --replace" in said


def test_an_export_that_the_kernel_does_not_know_is_bad(node: Served) -> None:
    (node.folder / "exported").write_text(f"/srv/homes  10.20.0.10{OPTIONS}\n/srv/other  10.20.0.11{OPTIONS}\n")
    assert node.served()[1].startswith("not exported to worker-0, where homes cannot be mounted: sudo exportfs -ra")
    assert not node.served()[0]


def test_an_export_that_a_power_cut_has_emptied_is_bad(node: Served) -> None:
    node.file("worker-0").write_text("")
    assert not node.served()[0]


@pytest.mark.parametrize("unit", UNITS[1:])
def test_what_starts_the_reconciler_and_is_stopped_is_bad(node: Served, unit: str) -> None:
    node.stop(unit)
    assert status.quotas(node.told) == (False, f"not set, new users wait: sudo systemctl start {unit}")


def test_a_reconciler_that_has_not_run_for_a_quarter_of_an_hour_is_bad(node: Served) -> None:
    node.tell(14 * 60)
    assert status.quotas(node.told)[0]
    node.tell(40 * 86400)
    good, said = status.quotas(node.told)
    assert not good
    assert said == "LATE, new users wait: see journalctl -u jupyterhub-quotas; the last time: all set (960 h ago)"


def test_what_was_wrong_at_the_last_run_is_bad(node: Served) -> None:
    node.tell(0, "xfs_quota: no such device")
    assert status.quotas(node.told) == (False, "xfs_quota: no such device (0 min ago)")


@pytest.mark.parametrize("text", ["", None])
def test_a_reconciler_that_has_said_nothing_is_bad(node: Served, text: str | None) -> None:
    node.told.unlink() if text is None else node.told.write_text(text)
    assert status.quotas(node.told) == (False, "never set: see journalctl -u jupyterhub-quotas")


def test_a_run_that_takes_hours_is_not_late(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts the files of a home that was copied here, and tells meanwhile that it lives."""
    monkeypatch.setattr(quotas, "EVERY_S", 0)
    monkeypatch.setattr(Path, "is_mount", lambda path: path == volume.places.root)
    volume.run()
    (volume.places.users / "copied").mkdir()
    told: list[bool] = []
    count = Run.count

    def counting(run: Run, path: Path, between: Callable[[], None] = lambda: None) -> bool:
        between()
        told.append(volume.places.status.exists())
        return count(run, path, between)

    monkeypatch.setattr(Run, "count", counting)
    volume.places.status.unlink(missing_ok=True)
    assert quotas.main(volume.places, volume.kernel, volume.quota) == 0
    assert told == [True]


@pytest.fixture
def mount(tmp_path: Path) -> Path:
    """A folder that is a mount point, as far as Python sees it; /dev/null is in the place of its disk in `fstab`."""
    root = tmp_path / "srv"
    root.mkdir()
    (tmp_path / "fstab").write_text(f"# a comment\nLABEL=root / ext4 defaults 0 1\n/dev/null {root} xfs defaults 0 0\n")
    return root


def told(root: Path) -> str:
    good, said = volumes.volume(root, "homesSize", root.with_name("fstab"))
    assert not good
    return said


def test_a_volume_that_is_not_mounted_is_bad_and_the_reader_learns_what_looks_closer(mount: Path) -> None:
    assert f"{mount} is not mounted, though its disk is there: sudo mount {mount}, and see journalctl -b -u" in told(mount)
    mount.with_name("fstab").write_text(f"/dev/gone {mount} xfs defaults 0 0\n")
    assert f"{mount} is not mounted: its disk /dev/gone is not attached" in told(mount)
    mount.with_name("fstab").write_text("")
    assert "not in /etc/fstab: run pulumi up" in told(mount)


def test_another_disk_in_its_place_is_bad(mount: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_mount", lambda path: path == mount)
    assert f"another disk is mounted on {mount}, perhaps a copy of the volume: detach that one, then reboot" in told(mount)


def test_a_disk_that_was_taken_away_is_bad(mount: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_mount", lambda path: path == mount)
    mount.with_name("fstab").write_text(f"/dev/gone {mount} xfs defaults 0 0\n")
    assert "its disk /dev/gone is gone" in told(mount)


def test_a_line_of_an_earlier_version_names_no_disk_and_is_no_fault(mount: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_mount", lambda path: path == mount)
    mount.with_name("fstab").write_text(f"UUID=1-2-3 {mount} xfs defaults 0 0\n")
    assert "another disk" not in volumes.volume(mount, "homesSize", mount.with_name("fstab"))[1]
