"""One backup of the homes, as systemd's timer runs it: `jupyterhub-storage backup`. How it went is kept for `status`.

`jupyterhub-storage backup configure SCHEDULE` takes the configuration on standard input and sets the timer.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from storage.projects import replace
from storage.restic import CONFIG, BackupError, Restic, report
from storage.schedule import TIMER

ROOT = Path("/srv/homes")
FOLDERS = ("users", "shared", "hub")
RESULT = Path("/var/lib/jupyterhub-storage/backup.json")


def back_up(restic: Restic, root: Path = ROOT) -> str:
    """Take a snapshot, making the repository at the first time, and forget those that need not be kept.

    Returns what is to be known of a snapshot that is good all the same, or an empty text. Raises BackupError.
    """
    try:
        restic.run("cat", "config", "--no-lock")
    except BackupError as unreadable:
        try:
            restic.run("init")
        except BackupError:  # it is there, but cannot be read: why is what counts
            raise unreadable from None
    # A node that stops in the middle of something leaves its lock, which restic itself never removes. This removes those whose
    # process is gone, or that nobody has renewed for half an hour; not that of one who is at work, here or elsewhere.
    # Where that may not be done, the backup itself says whether something is in its way.
    with contextlib.suppress(BackupError):
        restic.run("unlock")
    # restic reads holes as zeros: a file of 8 EiB that takes no room, which any user can make, would end everybody's backups.
    disk = os.statvfs(root)
    largest = f"--exclude-larger-than={disk.f_blocks * disk.f_frsize // 1024}K"
    warning = restic.back_up("--one-file-system", largest, "--tag=homes", *(str(root / folder) for folder in FOLDERS))
    keep = [f"--keep-{period}={count}" for period, count in sorted(restic.config["keep"].items())]
    restic.run("forget", "--tag=homes", "--prune", *keep)
    return warning


def configure(text: str, schedule: str) -> None:
    """Keep the configuration where only root reads it, and let the timer run by the schedule (systemd.time(7))."""
    json.loads(text)
    checked = subprocess.run(["systemd-analyze", "calendar", schedule], capture_output=True, text=True, check=False)
    if checked.returncode != 0:
        raise BackupError(f"backup.schedule {schedule!r} is no time that systemd knows: {checked.stderr.strip()}")
    CONFIG.parent.mkdir(exist_ok=True)
    new = CONFIG.with_name("backup.json.new")
    new.touch(mode=0o600)
    new.write_text(text, encoding="utf-8")
    new.rename(CONFIG)
    TIMER.parent.mkdir(parents=True, exist_ok=True)
    replace(TIMER, ["[Timer]", "OnCalendar=", f"OnCalendar={schedule}"])
    for command in (["daemon-reload"], ["enable", "--quiet", "--now", "jupyterhub-backup.timer"]):
        subprocess.run(["systemctl", *command], check=True)


def main(arguments: list[str]) -> int:
    """Configure, or run and keep the result."""
    if arguments[:1] == ["configure"]:
        try:
            configure(sys.stdin.read(), arguments[1])
        except BackupError as error:
            return report(error)
        return 0
    problem = warning = ""
    try:
        warning = back_up(Restic())
    except BackupError as error:
        problem = str(error)
    print(problem or warning or "good", file=sys.stderr)
    RESULT.parent.mkdir(exist_ok=True)
    replace(RESULT, [json.dumps({"time": int(time.time()), "problem": problem, "warning": warning})])
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
