"""What this machine lets a container do: all privileges or a list of them, and KVM for its guests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab.process import LabError

PRIVILEGED = ("--privileged",)
# Where the machine's own root lacks a capability, Docker cannot give them all; these are the ones that the cloud needs, and the
# views of /proc and /sys that --privileged would have opened.
CAPABILITIES = (
    "--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE", "--security-opt", "systempaths=unconfined",
    "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--device", "/dev/net/tun",
)  # fmt: skip


def kvm_device(kvm: bool, privilege: Sequence[str]) -> tuple[str, ...]:
    """The option that lets a container have /dev/kvm; with --privileged it has it anyway."""
    return ("--device", "/dev/kvm") if kvm and tuple(privilege) != PRIVILEGED else ()


def choose_privilege(image: str) -> tuple[str, ...]:
    """Whether this machine can give a container everything, or must name what it gives."""
    trial = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "/bin/true", *PRIVILEGED, image]
    done = subprocess.run(trial, capture_output=True, text=True, check=False, timeout=120)
    return PRIVILEGED if done.returncode == 0 else CAPABILITIES


def choose_kvm(image: str, privilege: Sequence[str]) -> tuple[bool, str]:
    """Whether guests can use KVM, and why (not). Known only after a kernel has really booted with it.

    LAB_KVM=0 forbids it, LAB_KVM=1 skips the trial.
    """
    wish = os.environ.get("LAB_KVM", "")
    if wish not in ("", "0", "1"):
        raise LabError(f"LAB_KVM={wish!r} is unknown; use 0 (emulation), 1 (KVM untried) or leave it out (try it)")
    if wish:
        return wish == "1", f"LAB_KVM={wish}"
    if not Path("/dev/kvm").exists():
        return False, "this machine has no /dev/kvm"
    trial = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "/opt/lab/recipe/try_kvm.sh"]
    command = [*trial, *privilege, *kvm_device(True, privilege), image]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode == 0, done.stdout.strip() or f"the trial failed: {done.stderr.strip()[-200:]}"
