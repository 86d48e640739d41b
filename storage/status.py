"""`jupyterhub-storage status`: whether homes are served, have their quotas and are backed up. Fails if anything is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from storage.backup_status import BackupStatus, ago
from storage.volumes import volume

ROOT = Path("/srv/homes")


def nfs(exports: Path = Path("/etc/exports.d")) -> tuple[bool, str]:
    """Whether the server runs, and for how many nodes."""
    state = systemctl("is-active", "nfs-server")
    return state == "active", f"{state}, exported to {len(list(exports.glob('jupyterhub-*.exports')))} nodes"


def quotas(status: Path = ROOT / "status.json") -> tuple[bool, str]:
    """How the last run of the reconciler went."""
    try:
        last = json.loads(status.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False, "never set"
    return not last["problems"], f"{'; '.join(last['problems']) or 'all set'} ({ago(last['time'])})"


def backup() -> tuple[bool, str]:
    """How the last backup went, and when the next one is."""
    return BackupStatus(systemctl).look()


def systemctl(*arguments: str) -> str:
    """What systemctl prints, whatever it returns."""
    return subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False).stdout.strip()


def homes_volume() -> tuple[bool, str]:
    """How full the volume is."""
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
