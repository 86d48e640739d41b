"""One backup of the homes, as systemd's timer runs it: `jupyterhub-storage backup`. How it went is kept for `status`.

`jupyterhub-storage backup configure SCHEDULE` takes the configuration on standard input, makes the repository the first time, and
sets the timer. `backup accept` takes the repository as it is now; `backup adopt SNAPSHOT` takes over another's snapshots.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from storage.places import locked
from storage.projects import replace
from storage.repository import Known, adopt, look, settle
from storage.restic import ANSWER_S, CONFIG, BackupError, Restic, report, write_private
from storage.schedule import TIMER
from storage.snapshots import BEFORE, HOMES, NOBODY, every, moment, ours, owner, strangers, tags

ROOT = Path("/srv/homes")
FOLDERS = ("users", "shared", "hub")
RESULT = Path("/var/lib/jupyterhub-storage/backup.json")
# What removes snapshots or data holds it alone, restores share it: one would take away what the other is reading.
LOCK = Path("/run/jupyterhub-backup.lock")
KEEP_BEFORE = timedelta(days=30)
CHECK_EVERY_S = 7 * 24 * 3600 - 3600  # a week, less the time by which one backup begins earlier than another


def back_up(restic: Restic, root: Path = ROOT, lock: Path = LOCK, checked: int = 0) -> tuple[str, int]:
    """Take a snapshot, forget those that need not be kept, and look once a week at the whole repository.

    `checked` is when that was done last, in seconds since 1970. Returns what is to be known of a snapshot that is good all the
    same, or an empty text; and `checked` of now. Raises BackupError.
    """
    if owner(restic) == NOBODY:
        warning = take(restic, HOMES, [root / folder for folder in FOLDERS], root)
        return warning or "no old snapshot is forgotten until `pulumi up` has configured this version", checked
    look(restic, root)
    restic.unlock()
    warnings = [take(restic, HOMES, [root / folder for folder in FOLDERS], root)]
    with locked(lock, wait=False) as alone:
        if alone:
            forget(restic)
            if time.time() - checked >= CHECK_EVERY_S:
                restic.run("check")
                checked = int(time.time())
        else:
            warnings.append("a restore was running, so that old snapshots are forgotten with the next backup only")
    return "; ".join(filter(None, [*warnings, strangers(restic, every(restic))])), checked


def take(restic: Restic, kind: str, paths: list[Path], root: Path) -> str:
    """A snapshot of these folders of the volume; returns what of them could not be read, in words. Raises BackupError."""
    # restic reads holes as zeros: a file of 8 EiB that takes no room, which any user can make, would end everybody's backups.
    disk = os.statvfs(root)
    arguments = ["--one-file-system", f"--exclude-larger-than={disk.f_blocks * disk.f_frsize // 1024}K", f"--tag={kind}"]
    if owner(restic) != NOBODY:
        arguments.append(f"--tag={tags(owner(restic))}")
        # Files that are as in it are not read again. By itself, restic goes by the host's name, and an earlier one has another.
        newest = ours(restic, every(restic))[-1:]
        arguments += [f"--parent={one['id']}" for one in newest] or ["--force"]
    return restic.back_up(*arguments, *map(str, paths))


def forget(restic: Restic) -> None:
    """Remove this stack's snapshots that need not be kept, and the data that no snapshot needs. Raises BackupError."""
    before = [str(one["id"]) for one in ours(restic, every(restic), BEFORE) if moment(one) < datetime.now(UTC) - KEEP_BEFORE]
    if before:
        restic.run("forget", *before)
    keep = [f"--keep-{period}={count}" for period, count in sorted(restic.config["keep"].items())]
    # All together, though their hosts differ: homes move from node to node.
    restic.run("forget", f"--tag={HOMES},{tags(owner(restic))}", "--group-by=", "--prune", *keep)


def configure(text: str, schedule: str, root: Path = ROOT) -> list[str]:
    """Keep the configuration where only root reads it, make the repository the first time, and let the timer run by the schedule
    (systemd.time(7)). Returns what was done, in words. Raises BackupError, and then all is as it was."""
    wanted = json.loads(text)
    checked = subprocess.run(["systemd-analyze", "calendar", schedule], capture_output=True, text=True, check=False)
    if checked.returncode != 0:
        raise BackupError(f"backup.schedule {schedule!r} is no time that systemd knows: {checked.stderr.strip()}")
    CONFIG.parent.mkdir(exist_ok=True)
    new = CONFIG.with_name("backup.json.trial")
    write_private(new, text)
    try:
        done = settle(Restic(new, patience_s=ANSWER_S), root, used=_used(wanted["repository"]))
        new.rename(CONFIG)
    finally:
        for left in CONFIG.parent.glob(f"{new.name}*"):
            left.unlink()
    TIMER.parent.mkdir(parents=True, exist_ok=True)
    replace(TIMER, ["[Timer]", "OnCalendar=", f"OnCalendar={schedule}"])
    for command in (["daemon-reload"], ["enable", "--quiet", "--now", "jupyterhub-backup.timer"]):
        subprocess.run(["systemctl", *command], check=True)
    return done


def _used(repository: str) -> bool:
    """Whether this node has backed up into it before, by what an earlier version kept."""
    try:
        return bool(Restic().config["repository"] == repository and last_result())
    except BackupError:
        return False


def accept(root: Path) -> list[str]:
    """Expect no repository any more, and take the one that is there, or make one. Raises BackupError."""
    Known(root).drop()
    return settle(Restic(), root, used=False)


def last_result() -> dict[str, Any]:
    """{"time", "problem", "warning", "checked"} of the last run; empty where there was none."""
    try:
        last: dict[str, Any] = json.loads(RESULT.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return last


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Configure, accept, adopt; or run and keep the result."""
    try:
        if not root.is_mount():
            raise BackupError(f"{root} is not mounted: there is nothing to back up; see `make status`")
        match arguments:
            case ["configure", schedule]:
                done = configure(sys.stdin.read(), schedule, root)
            case ["accept"]:
                done = accept(root)
            case ["adopt", snapshot]:
                done = [adopt(Restic(), snapshot)]
            case []:
                return run(root)
            case _:
                raise BackupError("usage: jupyterhub-storage backup [configure SCHEDULE | accept | adopt SNAPSHOT]")
    except BackupError as error:
        return _failed(str(error)) if not arguments else report(error)
    print(*done, sep="\n")
    return 0


def run(root: Path) -> int:
    """One backup; returns the exit status."""
    checked = int(last_result().get("checked", 0))
    try:
        warning, checked = back_up(Restic(), root, LOCK, checked)
    except BackupError as error:
        return _failed(str(error))
    print(warning or "good", file=sys.stderr)
    _keep("", warning, checked)
    return 0


def _failed(problem: str) -> int:
    print(problem, file=sys.stderr)
    _keep(problem, "", int(last_result().get("checked", 0)))
    return 1


def _keep(problem: str, warning: str, checked: int) -> None:
    RESULT.parent.mkdir(exist_ok=True)
    replace(RESULT, [json.dumps({"time": int(time.time()), "problem": problem, "warning": warning, "checked": checked})])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
