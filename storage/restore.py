"""`jupyterhub-storage restore USER|all [--snapshot ID] [--in-place]`: homes from the newest or a named snapshot.

To the side by default: into a folder `restored-…` of the home, where its user sees it and picks what is missing. In place,
files of the snapshot replace those of the same name, and others stay. `all` is all homes, the shared folder and the owners of
homes; `shared` and `owners` alone are restored by these words, where no home is called so.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.hub.home_names import home_of
from services.hub.owners import Owners
from storage.backup import ROOT
from storage.places import GROUP, OWNER
from storage.placing import Merge, put_beside
from storage.projects import project_at
from storage.quotas import LIMITS_ONLY
from storage.restic import BackupError, Restic, report, restore_inside
from storage.restore_owners import restore_owners
from storage.staging import one_restore, staged
from storage.tree import FOLDER

ALL, SHARED, OWNERS = "all", "shared", "owners"
NO_ROOM = ("no space left", "quota exceeded")


def wanted_homes(user: str, root: Path, in_snapshot: list[str]) -> list[str]:
    """The folders that a name stands for: `all`, a user's name, an e-mail address or a folder. Raises BackupError."""
    if user == ALL:
        if not in_snapshot:
            raise BackupError("the snapshot holds no homes; name an older one with SNAPSHOT")
        return in_snapshot
    found = [home for home in in_snapshot if home in (home_of(user), user)] or _alike(user, root, in_snapshot)
    if len(found) != 1:
        reason = f"is the address of several: {', '.join(found)}" if found else f"is not in it; it holds {', '.join(in_snapshot)}"
        raise BackupError(f"the snapshot has no single home for {user!r}: the name {reason}")
    return found


def _alike(user: str, root: Path, in_snapshot: list[str]) -> list[str]:
    """The hub's names are in lower case, and people write their own and their addresses as they like."""
    try:
        owners = Owners(root / "hub").read()
    except ValueError as error:
        raise BackupError(f"whether {user!r} is somebody's address cannot be seen: {error}") from None
    lower = user.lower()
    alike = {home_of(lower), *(home for home, owner in owners.items() if lower == owner.email.lower())}
    return [home for home in in_snapshot if home in alike]


def restore(snapshot: str, home: str, in_place: bool, root: Path = ROOT) -> Path:
    """Restore one home, made anew where it is gone, and return where to. Raises BackupError."""
    return restore_folder(snapshot, _ensure(root, home), in_place, root)


def restore_folder(snapshot: str, folder: Path, in_place: bool, root: Path = ROOT) -> Path:
    """Restore what was in a folder of the volume into it, and return where to. Raises BackupError.

    restic writes into a private folder beside the homes, and what it wrote is moved in from there.
    """
    try:
        target = os.open(folder, FOLDER)
    except OSError as error:
        raise BackupError(f"{folder} is not a folder that files could go to ({error.strerror})") from None
    try:
        project = project_at(target)
        # To the side, it counts against the home from the first file. In place, each file counts when the old one goes.
        with staged(root, 0 if in_place else project) as stage:
            problem = _fetch(snapshot, folder, stage)
            if in_place:
                merge = Merge(project)
                merge.into(stage, target)
                went_to = folder
                problem += f"{merge.failed} entries could not be put there; the first is {merge.first}" if merge.failed else ""
            else:
                os.chown(stage, OWNER, GROUP)
                stage.chmod(0o755)
                went_to = folder / put_beside(stage, target, f"restored-{snapshot}")
    except OSError as error:
        raise BackupError(f"moving it into {folder}: {error.strerror or error}") from None
    finally:
        os.close(target)
    if problem:
        raise BackupError(f"in part only, to {went_to}: {problem}")
    return went_to


def _fetch(snapshot: str, folder: Path, stage: Path) -> str:
    """What was in restic's way, if it restored some. Raises BackupError where there is nothing, or no room for it."""
    try:
        restore_inside(snapshot, str(folder), stage)
    except BackupError as error:
        problem = str(error)
        if any(reason in problem.lower() for reason in NO_ROOM):
            raise BackupError(f"no room: make some in the home (homeQuotas) or on the volume (homesSize). {problem}") from None
        if not any(stage.iterdir()):
            raise
        return problem
    return ""


def _ensure(root: Path, home: str) -> Path:
    """The home's folder; one that is gone is made as the hub makes it, so that it has its quota. Raises BackupError."""
    path, said = root / "users" / home, ""
    if not os.path.lexists(path):
        new = os.open(root / "new", FOLDER)
        try:
            os.mkdir(home, 0o755, dir_fd=new)
            os.chown(home, OWNER, GROUP, dir_fd=new, follow_symlinks=False)
        except FileExistsError:
            pass
        finally:
            os.close(new)
        # Its status tells of the faults of all homes.
        command = ["jupyterhub-storage", "quotas", LIMITS_ONLY]
        said = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False).stderr
    if not os.path.lexists(path):
        raise BackupError(f"it is gone, and could not be made: {said.strip()}")
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
        with one_restore(ROOT):
            homes = in_snapshot(restic, str(snapshot["short_id"]), ROOT)
            failed = restore_each(parts(snapshot, asked.user, asked.in_place, homes, ROOT))
    except BackupError as error:
        return report(error)
    if failed:
        print(f"\n{len(failed)} not restored:", *failed, sep="\n", file=sys.stderr)
    return 1 if failed else 0


def parts(
    snapshot: dict[str, Any], user: str, in_place: bool, homes: list[str], root: Path = ROOT
) -> dict[str, Callable[[], str]]:
    """What is to be restored by its name, each as the step that does it and tells of it. Raises BackupError."""
    name = str(snapshot["short_id"])
    told = f"restored from {snapshot['time'][:19]} ({name}) to"
    others: dict[str, Callable[[], str]] = {
        SHARED: lambda: f"{told} {restore_folder(name, root / 'shared', in_place, root)}",
        OWNERS: lambda: f"{told} {root}/hub: {restore_owners(name, in_place, root)}",
    }
    if user in others and user not in homes:
        return {user: others[user]}

    def step(home: str) -> Callable[[], str]:
        return lambda: f"{told} {restore(name, home, in_place, root)}"

    steps = {home: step(home) for home in wanted_homes(user, root, homes)}
    return {**steps, **{f"({other})": do for other, do in others.items()}} if user == ALL else steps


def restore_each(steps: dict[str, Callable[[], str]]) -> list[str]:
    """Take all steps, each whatever became of those before it. Returns a line for each that failed."""
    failed = []
    for name, step in steps.items():
        try:
            print(f"{name}: {step()}", flush=True)
        except (BackupError, OSError) as error:
            failed.append(f"{name}: {error}")
            print(f"{name}: NOT restored; more below", flush=True)
    return failed


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
