"""How the backups are: the last one, the next one, and one that should have been."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from storage.backup import RESULT
from storage.restic import CONFIG
from storage.schedule import GRACE_S, TIMER, due_after, schedule_of

SEE = "see journalctl -u jupyterhub-backup"
UNCHECKED_S = 15 * 24 * 3600  # two weeks and a day, where every week is meant


class BackupStatus:
    """By the files that configuring and running leave, and what `systemctl` says."""

    def __init__(self, systemctl: Callable[..., str], result: Path = RESULT, config: Path = CONFIG, timer: Path = TIMER) -> None:
        self._systemctl, self._result, self._config, self._timer = systemctl, result, config, timer

    def look(self) -> tuple[bool, str]:
        """Whether all is well, and words for it. A late one is not well, nor a first one that is missing when it was due."""
        if not self._config.exists():
            return True, "none configured"
        good, said = self._last()
        upcoming = self._systemctl("show", "--value", "--property=NextElapseUSecRealtime", "jupyterhub-backup.timer")
        return good, f"{said}, next {upcoming}"

    def _last(self) -> tuple[bool, str]:
        last = self._read()
        service = self._systemctl("is-active", "jupyterhub-backup.service")
        when = f" ({ago(last['time'])})" if last else ""
        if service == "failed" or (last and last["problem"]):
            return False, f"FAILED: {self._why(last)}{when}"
        if not last:
            # The first one takes long: while it runs, it is missing only when another was due.
            late = self._late(0, 2 if service == "activating" else 1)
            return not late, f"NONE YET, though one was due: {SEE}" if late else "none yet"
        said = f"good, but {last['warning']}{when}" if last.get("warning") else f"good{when}"
        if self._late(last["time"], 2):
            return False, f"LATE: the last was {said}, and two were due since: {SEE}"
        if "checked" in last and last["time"] - max(last["checked"], int(self._config.stat().st_mtime)) > UNCHECKED_S:
            when = ago(last["checked"])
            return False, f"{said}, but the repository was NOT CHECKED since {when}: sudo jupyterhub-storage backup"
        return True, f"{said}, repository checked {ago(last['checked'])}" if last.get("checked") else said

    def _why(self, last: dict[str, Any]) -> str:
        if self._systemctl("show", "--value", "--property=Result", "jupyterhub-backup.service") == "timeout":
            return f"not done within 20 h, and ended; the next one goes on from there: {SEE}"
        return str(last.get("problem") or SEE)

    def _read(self) -> dict[str, Any]:
        try:
            last: dict[str, Any] = json.loads(self._result.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return last

    def _late(self, moment: int, number: int) -> bool:
        """Whether so many were due since a moment, and since it is configured as it is. The times between need not be even."""
        since = max(moment, int(self._config.stat().st_mtime))
        due = due_after(since, schedule_of(self._timer), number)
        return due is not None and due + GRACE_S < time.time()


def ago(moment: int) -> str:
    """How long ago a moment (seconds since 1970) was."""
    minutes = max(0, int(time.time()) - moment) // 60
    return f"{minutes} min ago" if minutes < 120 else f"{minutes // 60} h ago"
