"""The storage node's backup and restore with the real restic and a local repository. systemd's sandbox alone is left out."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from inspect import unwrap
from pathlib import Path

import pytest

from services.hub.owners import Owners
from storage import backup, repository, restic, restore, snapshots, staging
from storage.backup import FOLDERS
from storage.places import GROUP, OWNER
from storage.restic import Restic
from tests.integration.xfs_disk import Mounted
from tools.graph import ROOT

PROGRAMS = {
    # Its options end where the tool begins.
    "systemd-run": 'while [ "$1" != jupyterhub-storage ]; do shift; done; exec "$@"',
    "jupyterhub-storage": """tool=$1; shift
case $tool in
  restic) exec {python} -c 'import sys; from pathlib import Path; from storage import restic
restic.CACHE = Path("{run}/cache/restic")
restic.Restic.__init__.__defaults__ = (Path("{config}"), 0.0); sys.exit(restic.main(*sys.argv[1:]))' "$@" ;;
  quotas) exec {python} -c 'import sys; from pathlib import Path; from storage.limits import XfsQuota
from storage.places import Places; from storage.projects import Kernel; from storage.quotas import main
here = Places(Path("{root}"), Path("{etc}"), Path("{run}")); sys.exit(main(here, Kernel(), XfsQuota(here.root), True))' ;;
esac""",
}


@dataclass(frozen=True, kw_only=True)
class Site:
    """The homes of Ada and Bob on a volume that was backed up once; `victim` is a folder of root's elsewhere on it."""

    disk: Mounted
    restic: Restic
    victim: Path
    lock: Path

    def home(self, name: str) -> Path:
        return self.disk.places.users / name

    def back_up(self) -> str:
        """Another snapshot; its id."""
        backup.back_up(self.restic, self.disk.places.root, self.lock, checked=int(time.time()))
        return str(snapshots.chosen(self.restic, snapshots.every(self.restic), "latest")["short_id"])

    def restore(self, *arguments: str) -> int:
        """What `jupyterhub-storage restore` does; its exit status."""
        return restore.main(list(arguments))

    def restore_in_place(self, *arguments: str) -> int:
        """The same, of somebody who is sure, while no server runs."""
        return self.restore(*arguments, "--in-place", "--sure", "--servers=[]")

    def untouched(self) -> None:
        """Nothing has come to the victim through a link, and it is root's still."""
        assert sorted(path.name for path in self.victim.iterdir()) == ["precious"]
        assert (self.victim / "precious").read_text() == "precious"
        for path in (self.victim, self.victim / "precious"):
            assert (path.stat().st_uid, path.stat().st_gid) == (0, 0)
        assert not any(self.disk.places.root.glob("restoring/*"))


def fill(home: Path) -> None:
    """What Ada has."""
    (home / "work" / "deep").mkdir(parents=True)
    (home / "work" / "notes.txt").write_text("notes")
    (home / "work" / "deep" / "b é.txt").write_text("deep")
    (home / "precious").write_text("the user's own")
    (home / "link").symlink_to("work/notes.txt")
    own(home)


def own(top: Path) -> None:
    subprocess.run(["chown", "-hR", f"{OWNER}:{GROUP}", str(top)], check=True)


@pytest.fixture
def site(disk: Mounted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The site, with its first snapshot."""
    config = tmp_path / "backup.json"
    where = {"repository": str(tmp_path / "repository"), "password": "very secret", "stack": "prod", "volume": "11111111-2222"}
    config.write_text(json.dumps({**where, "environment": {}, "keep": {"daily": 7}}))
    words = {"python": sys.executable, "config": config, "root": disk.places.root, "etc": disk.places.etc, "run": tmp_path}
    for name, body in PROGRAMS.items():
        for word, value in words.items():
            body = body.replace(f"{{{word}}}", str(value))
        (disk.xfs.bin / name).write_text(f"#!/bin/sh\n{body}\n")
        (disk.xfs.bin / name).chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(restore, "ROOT", disk.places.root)
    monkeypatch.setattr(restore, "Restic", lambda: Restic(config))
    monkeypatch.setattr(restic, "CACHE", tmp_path / "cache" / "restic")
    monkeypatch.setattr(unwrap(staging.one_restore), "__defaults__", (tmp_path / "restore.lock", tmp_path / "backup.lock"))
    disk.request("ada", "bob")
    assert disk.run() == []
    for home in ("ada", "bob"):
        fill(disk.places.users / home)
        Owners(disk.places.root / "hub").record(home, home, "", "2026-01-02")
    (disk.places.root / "shared" / "data.csv").write_text("1,2")
    victim = disk.places.root / "victim"
    victim.mkdir()
    (victim / "precious").write_text("precious")
    assert set(FOLDERS) == {"users", "shared", "hub"}
    made = Site(disk=disk, restic=Restic(config), victim=victim, lock=tmp_path / "backup.lock")
    repository.settle(made.restic, disk.places.root, used=False)
    made.back_up()
    return made
