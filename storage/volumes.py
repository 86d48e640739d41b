"""How full a volume is, in words. Quotas and images may add up to more than it has."""

from __future__ import annotations

import os
from pathlib import Path

from storage.users import size

FULL = 64 * 1024**2  # bytes, as services/hub/full_volume.py has it


def volume(root: Path, setting: str) -> tuple[bool, str]:
    """Whether there is room on the volume that is mounted there, and how much; `setting` is that of its size."""
    if not root.is_mount():
        return False, f"{root} is not mounted"
    found = os.statvfs(root)
    total, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    used = f"{size((total - free) // 1024)} of {size(total // 1024)} used"
    remedy = f"pulumi config set {setting} GIB && pulumi up"
    if free < FULL:
        return False, f"FULL, nothing can be saved: {used}; enlarge it ({remedy})"
    if free <= total // 20:
        return False, f"nearly full: {used}; enlarge it ({remedy})"
    return True, used
