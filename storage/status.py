"""`jupyterhub-storage status [NODE...]`: whether homes are served, to these nodes among others, have their quotas and are backed
up. Fails if anything is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from storage.backup_status import BackupStatus, ago
from storage.exports import ROOT, served
from storage.volumes import volume

# It runs every five minutes, and tells each minute how it goes on.
LATE_S = 15 * 60
UNITS = ("jupyterhub-quotas.path", "jupyterhub-quotas.timer")
SEE = "see journalctl -u jupyterhub-quotas"


def nfs() -> tuple[bool, str]:
    """Whether the server runs, and exports the homes to every node that the command line names."""
    return served(sys.argv[1:], systemctl)


def quotas(status: Path = ROOT / "status.json") -> tuple[bool, str]:
    """Whether the reconciler runs, and how its last run went."""
    stopped = " ".join(unit for unit in UNITS if systemctl("is-active", unit) != "active")
    if stopped:
        return False, f"not set, new users wait: sudo systemctl start {stopped}"
    try:
        last = json.loads(status.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False, f"never set: {SEE}"
    said = f"{'; '.join(last['problems']) or 'all set'} ({ago(last['time'])})"
    if last["time"] + LATE_S < time.time():
        return False, f"LATE, new users wait: {SEE}; the last time: {said}"
    return not last["problems"], said


def backup() -> tuple[bool, str]:
    """How the last backup went, and when the next one is."""
    return BackupStatus(systemctl).look()


def systemctl(*arguments: str) -> str:
    """What systemctl prints, whatever it returns."""
    return subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False).stdout.strip()


def homes_volume() -> tuple[bool, str]:
    """Whether the volume is mounted, and how full it is."""
    return volume(ROOT, "homesSize")


LOOKS: dict[str, Callable[[], tuple[bool, str]]] = {"homes volume": homes_volume, "nfs": nfs, "quotas": quotas, "backup": backup}


def main() -> int:
    """Print a line for each; returns 1 if one is not well."""
    results = {name: look() for name, look in LOOKS.items()}
    for name, (good, text) in results.items():
        print(f"{name:<20} {'' if good else '! '}{text}")
    return 0 if all(good for good, _ in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
