"""Whether a volume is mounted, the right one, and how full it is, in words. Quotas and images may add up to more than it has."""

from __future__ import annotations

import os
from pathlib import Path

from storage.users import size

FULL = 64 * 1024**2  # bytes, as services/hub/full_volume.py has it
FSTAB = Path("/etc/fstab")


def volume(root: Path, setting: str, fstab: Path = FSTAB) -> tuple[bool, str]:
    """Whether the volume is mounted there and has room, and how much; `setting` is that of its size."""
    fault = _fault(root, _device(root, fstab))
    if fault:
        return False, fault
    found = os.statvfs(root)
    total, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    used = f"{size((total - free) // 1024)} of {size(total // 1024)} used"
    remedy = f"pulumi config set {setting} GIB && pulumi up"
    if free < FULL:
        return False, f"FULL, nothing can be saved: {used}; enlarge it ({remedy})"
    if free <= total // 20:
        return False, f"nearly full: {used}; enlarge it ({remedy})"
    return True, used


def _fault(root: Path, device: Path | None) -> str:
    """What is wrong with the mount, and the remedy; empty where nothing is."""
    if not root.is_mount():
        if device is None:
            return f"{root} is not mounted, and not in {FSTAB}: run pulumi up"
        if not device.exists():
            return f"{root} is not mounted: its disk {device} is not attached; see openstack server volume list, attach it there"
        return f"{root} is not mounted, though its disk is there: sudo mount {root}, and see journalctl -b -u '{_unit(root)}'"
    if device is not None and not device.exists():
        return f"its disk {device} is gone; see openstack server volume list, attach it there, then reboot this node"
    if device is not None and device.stat().st_rdev != root.stat().st_dev:
        return f"another disk is mounted on {root}, perhaps a copy of the volume: detach that one, then reboot this node"
    return ""


def _device(root: Path, fstab: Path) -> Path | None:
    """The device that belongs there; None where none is named, or by its UUID, which copies have too."""
    lines = fstab.read_text(encoding="utf-8", errors="replace").splitlines() if fstab.exists() else []
    for line in lines:
        words = line.split()
        if words[1:2] == [str(root)] and words[0].startswith("/"):
            return Path(words[0])
    return None


def _unit(root: Path) -> str:
    return f"{str(root).strip('/').replace('/', '-')}.mount"
