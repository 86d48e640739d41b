"""The homes of the lab's deployment, from both ends: the manager, which holds them, and the notebooks that mount them."""

from __future__ import annotations

import json
import logging
import subprocess
import uuid
from dataclasses import dataclass
from typing import Any

from tests.e2e.deployment import PREFIX, Deployment
from tests.e2e.hub_client import HubUser
from tests.e2e.kernel import Kernel
from tests.e2e.stack import ROOT

log = logging.getLogger("e2e")

MIB = 1024**2
RUN = uuid.uuid4().hex[:6]  # in the names of this run's users, who were never here before
LIMIT = 900  # seconds, for a tool of the storage node on an emulated machine


@dataclass
class Person:
    """A user of this run with a server and a kernel on it."""

    user: HubUser
    kernel: Kernel

    @classmethod
    def come(cls, deployment: Deployment, name: str) -> Person:
        """Signs in and starts a server."""
        user = deployment.sign_in(f"{PREFIX}{RUN}{name}")
        user.start()
        return cls(user, user.open_kernel())

    def restart(self) -> None:
        """Another server, and so another kernel."""
        self.stop()
        self.user.start()
        self.kernel = self.user.open_kernel()

    def stop(self) -> None:
        """Leaves; the home stays."""
        self.kernel.close()
        self.user.stop()


# In the hub's own container, with the hub's own code: homes for users that were never here, and how long each took.
NEW_HOMES = """
import asyncio, json, sys, time
from pathlib import Path
sys.path.insert(0, "/etc/jupyterhub")
from services.hub.home_volumes import HUB_FOLDER
from services.hub.homes import Homes
homes, names, at_once = Homes(Path(HUB_FOLDER), quota_s=600), {names!r}, {at_once!r}
async def one(name):
    began = time.monotonic()
    home = await homes.ready(name, "")
    return [home, time.monotonic() - began]
async def every():
    if at_once:
        return await asyncio.gather(*map(one, names))
    return [await one(name) for name in names]
print(json.dumps(asyncio.run(every())))
"""
# What each notebook and the storage node itself are measured with: seconds for one large file, and for many small ones.
MEASURE = """
import os, time
os.makedirs("measure", exist_ok=True)
began = time.monotonic()
with open("measure/large", "wb", buffering=0) as file:
    for _ in range(256): file.write(bytes(1048576))
    os.fsync(file.fileno())
large = time.monotonic() - began
began = time.monotonic()
for number in range(2000):
    with open(f"measure/{number}", "w") as file: file.write("x" * 1000)
small = time.monotonic() - began
for name in os.listdir("measure"): os.unlink(f"measure/{name}")
os.rmdir("measure")
"""


@dataclass(frozen=True, kw_only=True)
class Project:
    """A home as XFS counts it: its project's number, KiB used and allowed."""

    number: int
    used_kib: int
    limit_kib: int


class HomesNode:
    """The manager as the node that holds the homes."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def root(self, script: str, limit_s: float = LIMIT) -> str:
        """Run a shell script as root; its standard output."""
        return self._deployment.manager.run("sudo", "bash", "-euc", script, limit_s=limit_s)

    def in_hub(self, code: str, limit_s: float = LIMIT) -> str:
        """Run Python in the hub's container; its standard output."""
        find = "docker ps --quiet --filter label=com.docker.swarm.service.name=hub | head -n 1"
        container = self._deployment.manager.run("sh", "-c", find).strip()
        return self._deployment.manager.run("docker", "exec", container, "python3", "-c", code, limit_s=limit_s)

    def make(self, names: list[str], *, at_once: bool) -> dict[str, float]:
        """Make homes as the spawner does for these users; the seconds that each waited, by folder."""
        printed = self.in_hub(NEW_HOMES.format(names=names, at_once=at_once))
        return dict(json.loads(printed.splitlines()[-1]))

    def projects(self) -> dict[str, Project]:
        """Every home with its project, asked of the kernel. Homes without one are missing."""
        names = dict(line.rsplit(":", 1) for line in self.root("cat /etc/projid").splitlines())
        report = self.root("xfs_quota -x -c 'report -p -n -N -b' /srv/homes")
        rows = [line.split() for line in report.splitlines() if line.startswith("#")]
        usage = {row[0][1:]: (int(row[1]), int(row[3])) for row in rows}
        return {
            name.removeprefix("jupyterhub-"): Project(number=int(number), used_kib=usage[number][0], limit_kib=usage[number][1])
            for name, number in names.items()
            if number in usage
        }

    def remove_test_homes(self) -> None:
        """Delete what the tests' users left."""
        self.root(f"rm -rf /srv/homes/users/{PREFIX}*")


def make_target(deployment: Deployment, *arguments: str) -> str:
    """Run a target of the Makefile as a person does; its standard output. Raises AssertionError with what it said."""
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env=deployment.stack.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    assert done.returncode == 0, f"make {' '.join(arguments)} failed: {done.stdout[-4000:]}{done.stderr[-800:]}"
    return done.stdout


def disk(kernel: Kernel) -> dict[str, int]:
    """What `df` shows in a notebook: bytes, `total`, `used` and `free`."""
    code = "import shutil, json; print(json.dumps(shutil.disk_usage('/home/jovyan')._asdict()))"
    found: dict[str, Any] = json.loads(kernel.run(code).printed)
    return {name: int(value) for name, value in found.items()}


def write_mib(kernel: Kernel, name: str, mib: int) -> str:
    """Write a file of this size and make sure that it is on the server's disk; the error, or an empty text."""
    code = f"""
import os
with open({name!r}, "wb", buffering=0) as file:
    for _ in range({mib}): file.write(bytes(1048576))
    os.fsync(file.fileno())
"""
    return kernel.run(code, limit_s=LIMIT).error


def checksum(kernel: Kernel, folder: str = ".") -> str:
    """One hash over names and contents of all files of a folder in the home, without Jupyter's own and the shared ones."""
    code = f"""
import hashlib, pathlib
digest, root = hashlib.sha256(), pathlib.Path.home() / {folder!r}
for path in sorted(root.rglob("*")):
    name = path.relative_to(root)
    if path.is_file() and not name.parts[0].startswith((".", "shared", "restored-")):
        digest.update(str(name).encode() + bytes(1) + path.read_bytes())
"""
    kernel.run(code)
    return kernel.value("digest.hexdigest()")


def set_quota(deployment: Deployment, size: str) -> None:
    """Another size for all homes, by the settings, touching nothing but the sizes."""
    if deployment.stack.settled and deployment.stack.get("homeQuota") == size:
        return
    deployment.stack.set("homeQuota", size)
    changes = deployment.stack.up()
    assert {name for names in changes.names.values() for name in names} <= {"storage-serve"}, changes.names
