"""When a backup was due: by systemd's own reading of the schedule, which may be any of its calendar expressions."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

TIMER = Path("/etc/systemd/system/jupyterhub-backup.timer.d/schedule.conf")
# From the moment that the schedule names to the end of a run: the timer waits for up to 10 min, and a run takes its time.
GRACE_S = 3600


def schedule_of(timer: Path = TIMER) -> str:
    """The schedule that the timer runs by, an empty text for none."""
    try:
        lines = timer.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ""
    return next((line.partition("=")[2] for line in reversed(lines) if line.startswith("OnCalendar=")), "")


def due_after(moment: int, schedule: str, number: int) -> int | None:
    """When the schedule comes for the time `number` (from 1) after a moment, in seconds since 1970; None for never."""
    command = ["systemd-analyze", "calendar", f"--base-time=@{moment}", f"--iterations={number}", schedule]
    said = subprocess.run(command, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=False).stdout
    # `Next elapse: Wed 2023-11-15 02:00:00 UTC`; where the node has another zone, `(in UTC): ...` on a line below.
    times = re.findall(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC$", said, re.MULTILINE)
    if len(times) < number:
        return None
    return int(datetime.strptime(times[number - 1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp())
