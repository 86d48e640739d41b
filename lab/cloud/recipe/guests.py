"""The guests' end, when the container is asked to stop."""

import contextlib
import subprocess
import time

PATIENCE_S = 25


def virsh(*arguments: str) -> list[str]:
    """The lines that virsh prints; none if libvirt does not answer."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        done = subprocess.run(["virsh", "-q", *arguments], capture_output=True, text=True, timeout=10, check=False)
        return done.stdout.split()
    return []


def stop_guests() -> list[str]:
    """Press the guests' power buttons and wait; then pull the plugs of the rest, whose names are returned."""
    for guest in virsh("list", "--name"):
        virsh("shutdown", guest)
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and virsh("list", "--name"):
        time.sleep(0.5)
    rest = virsh("list", "--name")
    for guest in rest:
        virsh("destroy", guest)
    return rest
