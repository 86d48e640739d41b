"""What the lab needs of this machine, and the few settings of its kernel that it changes and sets back."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.process import BUILD, LabError, say
from lab.steps import available_memory

MIN_MEMORY_GB, MIN_DISK_GB = 10, 25
GB = 1024**3
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
BRIDGE_FILTER = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
TUN = Path("/dev/net/tun")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What preflight judges. Sizes in bytes; `disks` by the folder that fills up."""

    user: int
    architecture: str
    has_docker: bool
    has_apt: bool
    memory: int
    disks: dict[str, int]


def this_machine() -> Machine:
    """This machine as it is now."""
    folders = {str(BUILD.parent.parent), docker_folder()}
    return Machine(
        user=os.geteuid(),
        architecture=os.uname().machine,
        has_docker=shutil.which("docker") is not None,
        has_apt=shutil.which("apt-get") is not None,
        memory=available_memory(),
        disks={folder: shutil.disk_usage(existing_part(Path(folder))).free for folder in sorted(folders)},
    )


def existing_part(path: Path) -> Path:
    """The path or its nearest parent that exists."""
    return path if path.exists() else existing_part(path.parent)


def docker_folder() -> str:
    """Where Docker keeps images and containers; its default where no engine answers yet."""
    asked = ["docker", "info", "--format", "{{.DockerRootDir}}"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return "/var/lib/docker"
    return done.stdout.strip() or "/var/lib/docker"


def problems(machine: Machine, runs: bool) -> list[str]:
    """Why the lab cannot run on a machine, each with a way on; empty if it can.

    `runs` says that the lab is up already: what it uses is then no longer free, and is not asked for again.
    """
    found = []
    if machine.user != 0:
        found.append("the lab needs root: it makes a network, a route and a container with devices; run it with sudo")
    if machine.architecture != "x86_64":
        found.append(f"the lab's guests are x86_64 machines, and this one is {machine.architecture}; use an x86_64 machine")
    if not machine.has_docker and not machine.has_apt:
        found.append("there is neither docker nor apt-get to install it; install Docker 20.10 or newer by this system's means")
    if runs:
        return found
    if machine.memory < MIN_MEMORY_GB * GB:
        found.append(
            f"{machine.memory / GB:.1f} GB of memory are free, the lab needs {MIN_MEMORY_GB} (cloud 3, manager 3, worker 2, "
            "the rest for builds); end other programs or use a larger machine"
        )
    for folder, free in machine.disks.items():
        if free < MIN_DISK_GB * GB:
            found.append(f"{free / GB:.1f} GB of disk are free at {folder}, the lab needs {MIN_DISK_GB}; make room there")
    return found


def change_setting(facts: dict[str, Any], name: str, path: Path, wanted: str) -> None:
    """Set a kernel setting that differs, and note its old value in `facts` for `undo`."""
    old = path.read_text(encoding="ascii").strip()
    if old != wanted:
        facts.setdefault("undo", {})[name] = old
        path.write_text(wanted, encoding="ascii")
        say(f"{path} was {old} and is {wanted} while the lab exists")


def prepare(facts: dict[str, Any], save: Callable[[dict[str, Any]], None]) -> None:
    """Have forwarding, bridge filtering and tap devices; what is changed is noted, and saved, before anything relies on it."""
    if not BRIDGE_FILTER.exists():
        facts.setdefault("undo", {})["module"] = "br_netfilter"
        save(facts)
        load_module("br_netfilter", "security groups filter what passes a bridge")
    if not TUN.exists():
        load_module("tun", "each guest has a tap device")
    change_setting(facts, "ip_forward", FORWARDING, "1")
    save(facts)


def load_module(name: str, reason: str) -> None:
    """Load a kernel module; raises LabError that says what it is for."""
    done = subprocess.run(["modprobe", name], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        trouble = done.stderr.strip()
        raise LabError(f"the kernel module {name} cannot be loaded ({trouble}), and {reason}; use a kernel that has it")


def undo(facts: dict[str, Any]) -> None:
    """Set back what `prepare` changed, as noted in `facts`."""
    changed = facts.pop("undo", {})
    if "ip_forward" in changed:
        FORWARDING.write_text(changed["ip_forward"], encoding="ascii")
    if "module" in changed:
        # It stays if something else has begun to use it meanwhile.
        subprocess.run(["modprobe", "--remove", changed["module"]], capture_output=True, check=False)
