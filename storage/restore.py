"""`jupyterhub-storage restore USER|all [--snapshot ID] [--in-place]`: homes from the newest or a named snapshot.

To the side by default: into a folder `restored-…` of the home, where its user sees it and picks what is missing. In place,
files of the snapshot replace those of the same name, and newer ones stay.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from services.hub.home_names import home_of
from services.hub.owners import Owners
from storage.backup import ROOT
from storage.quotas import GROUP, OWNER
from storage.restic import BackupError, Restic, report, restore_inside


def wanted_homes(user: str, root: Path, in_snapshot: list[str]) -> list[str]:
    """The folders that a name stands for: `all`, a user's name, an e-mail address or a folder. Raises BackupError."""
    if user == "all":
        return in_snapshot
    owners = Owners(root / "hub").read()
    known = {home_of(user), user, *(home for home, owner in owners.items() if user == owner.email)}
    found = [home for home in in_snapshot if home in known]
    if len(found) != 1:
        reason = f"is the address of several: {', '.join(found)}" if found else f"is not in it; it holds {', '.join(in_snapshot)}"
        raise BackupError(f"the snapshot has no single home for {user!r}: the name {reason}")
    return found


def restore(snapshot: str, home: str, in_place: bool, root: Path = ROOT) -> Path:
    """Restore one home, made anew where it is gone, and return where to."""
    target = _ensure(root, home)
    if not in_place:
        target = target / f"restored-{snapshot}"
        target.mkdir(exist_ok=True)
        os.chown(target, OWNER, GROUP)
    restore_inside(snapshot, str(root / "users" / home), target)
    return target


def _ensure(root: Path, home: str) -> Path:
    """The home's folder; one that is gone is made as the hub makes it, so that it has its quota."""
    path = root / "users" / home
    if not path.is_dir():
        new = root / "new" / home
        new.mkdir(0o755, exist_ok=True)
        os.chown(new, OWNER, GROUP)
        subprocess.run(["jupyterhub-storage", "quotas"], check=True)
    return path


def main(arguments: list[str]) -> int:
    """Restore what was asked for, saying where to; returns the exit status."""
    parser = argparse.ArgumentParser(prog="jupyterhub-storage restore", description=__doc__)
    parser.add_argument("user", help="a user's name, e-mail address or folder, or `all`")
    parser.add_argument("--snapshot", default="latest", help="its id; an unknown one lists those that there are")
    parser.add_argument("--in-place", action="store_true", help="over the files that are there")
    asked = parser.parse_args(arguments)
    try:
        restic = Restic()
        snapshot = snapshot_of(restic, asked.snapshot)
        name = str(snapshot["short_id"])
        for home in wanted_homes(asked.user, ROOT, in_snapshot(restic, name)):
            print(f"{home}: restored from {snapshot['time'][:19]} ({name}) to {restore(name, home, asked.in_place)}")
    except BackupError as error:
        return report(error)
    return 0


def snapshot_of(restic: Restic, name: str) -> dict[str, Any]:
    """The snapshot of this id, or the latest, of those in the repository. Raises BackupError."""
    return chosen(json.loads(restic.run("snapshots", "--json", "--tag=homes")), name)


def chosen(snapshots: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The snapshot of this id, or the latest. Raises BackupError that lists the ten newest."""
    ordered = sorted(snapshots, key=lambda snapshot: str(snapshot["time"]))
    matching = ordered if name == "latest" else [snapshot for snapshot in ordered if str(snapshot["id"]).startswith(name)]
    if not matching:
        known = ", ".join(f"{snapshot['short_id']} ({snapshot['time'][:16]})" for snapshot in ordered[-10:])
        raise BackupError(f"there is no snapshot {name!r}; the newest are: {known or 'none'}")
    return matching[-1]


def in_snapshot(restic: Restic, snapshot: str, root: Path = ROOT) -> list[str]:
    """The homes that a snapshot holds."""
    lines = [json.loads(line) for line in restic.run("ls", "--json", snapshot, str(root / "users")).splitlines()]
    return sorted(line["name"] for line in lines if line.get("type") == "dir" and line["path"] == f"{root}/users/{line['name']}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
