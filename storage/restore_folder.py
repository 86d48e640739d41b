"""Restores one folder of the homes volume. restic writes into a private folder, and what it wrote is moved in from there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from storage.places import GROUP, OWNER
from storage.placing import Merge, put_beside
from storage.projects import project_at
from storage.quotas import LIMITS_ONLY
from storage.restic import BackupError, Restic, restore_inside
from storage.restore_plan import Plan, check_room
from storage.staging import staged
from storage.tree import FOLDER

NO_ROOM = ("no space left", "quota exceeded")


class Way:
    """From which snapshot of the repository, on which volume, in place or to the side; `newer` replaces what is newer, too."""

    def __init__(self, restic: Restic, snapshot: str, root: Path, in_place: bool, newer: bool) -> None:
        self.restic, self.snapshot, self.root, self.in_place, self.newer = restic, snapshot, root, in_place, newer


def restore_home(way: Way, home: str, plan: Plan) -> str:
    """Restore one home, made anew where it is gone, and return where to and what. Raises BackupError."""
    return restore_folder(way, _ensure(way.root, home), plan)


def restore_folder(way: Way, folder: Path, plan: Plan) -> str:
    """Restore what was in a folder of the volume into it, and return where to and what. Raises BackupError."""
    try:
        target = os.open(folder, FOLDER)
    except OSError as error:
        raise BackupError(f"{folder} is not a folder that files could go to ({error.strerror})") from None
    try:
        project = project_at(target)
        check_room(plan, way.root, project, way.in_place)
        # To the side, it counts against the home from the first file. In place, each file counts when the old one goes.
        with staged(way.root, 0 if way.in_place else project) as stage:
            problem = _fetch(way, folder, stage)
            if way.in_place:
                merge = Merge(project, way.newer)
                merge.into(stage, target)
                went_to = f"{folder}: {merge.back} came back, {merge.replaced} were replaced, {merge.stayed} are newer and stayed"
                problem += f"{merge.failed} entries could not be put there; the first is {merge.first}" if merge.failed else ""
            else:
                os.chown(stage, OWNER, GROUP)
                stage.chmod(0o755)
                went_to = str(folder / put_beside(stage, target, f"restored-{way.snapshot}"))
    except OSError as error:
        raise BackupError(f"moving it into {folder}: {error.strerror or error}") from None
    finally:
        os.close(target)
    if problem:
        raise BackupError(f"in part only, to {went_to}: {problem}")
    return went_to


def _fetch(way: Way, folder: Path, stage: Path) -> str:
    """What was in restic's way, if it restored some. Raises BackupError where there is nothing, or no room for it."""
    try:
        restore_inside(way.restic, way.snapshot, str(folder), stage)
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
