"""An XFS that is not there: a program `xfs_quota` with a memory, and the kernel's numbers of files in a dictionary."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from storage.limits import XfsQuota, limits_of
from storage.places import Places
from storage.projects import FIRST_ID, Kernel
from storage.quotas import reconcile

MIB = 1024**2
DEFAULT = limits_of(200 * MIB)

# Answers in the words of xfs_quota 6.13, for the lines that storage/limits.py gives it; anything else is an error.
XFS_QUOTA = """#!{python} -S
import json, pathlib, re, sys
memory = pathlib.Path({memory!r})
state = json.loads(memory.read_text())
assert sys.argv[1] == "-x" and sys.argv[-1] == {mount!r}, sys.argv
state["calls"].append(sys.argv[2:-1])
for flag, line in zip(sys.argv[2:-1:2], sys.argv[3:-1:2]):
    assert flag == "-c", flag
    limit = re.fullmatch(r"limit -p (-d )?bsoft=0 bhard=(\\d+)k isoft=0 ihard=(\\d+)(?: (\\d+))?", line)
    if state["broken"]:
        print("xfs_quota: cannot set limits: Operation not permitted", file=sys.stderr)
    elif limit:
        project = "0" if limit[1] else limit[4]
        if project not in state["deaf"]:
            state["limits"][project] = [int(limit[2]), int(limit[3])]
    elif line == "report -p -n -N -b -i" and len(sys.argv) > 5:
        pass  # after another command, it says nothing
    elif line == "report -p -n -N -b -i":
        for project, (kib, files) in sorted(state["limits"].items(), key=lambda item: int(item[0])):
            used = state["used"].get(project, 0)
            space = f"{{used:>10}} {{0:>10}} {{kib:>10}}     00 [--------]"
            print(f"#{{project:<10}} {{space}} {{bool(used):>10}} {{0:>10}} {{files:>10}}     00 [--------]")
        print()
    else:
        sys.exit(f"unrecognised {{line}}")
memory.write_text(json.dumps(state))
"""


class FakeXfs:
    """The state of the fake `xfs_quota` that it puts into `folder`/bin; `mount` is the only one that it knows."""

    def __init__(self, folder: Path, mount: Path) -> None:
        self._memory = folder / "xfs.json"
        self._memory.write_text(json.dumps({"limits": {"0": [0, 0]}, "used": {}, "calls": [], "broken": False, "deaf": []}))
        self.bin = folder / "bin"
        self.bin.mkdir()
        program = self.bin / "xfs_quota"
        program.write_text(XFS_QUOTA.format(python=sys.executable, memory=str(self._memory), mount=str(mount)))
        program.chmod(0o755)

    def __getitem__(self, key: str) -> Any:
        return json.loads(self._memory.read_text())[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._memory.write_text(json.dumps({**json.loads(self._memory.read_text()), key: value}))

    def limits(self) -> dict[int, tuple[int, int]]:
        """KiB and files by project."""
        return {int(project): (kib, files) for project, (kib, files) in self["limits"].items()}


class FakeKernel(Kernel):
    """Project numbers by inode, so that they move along with a renamed folder, as they do on XFS."""

    def __init__(self) -> None:
        self.projects: dict[int, int] = {}

    def project_of(self, path: Path) -> int:
        return self.projects.get(path.stat().st_ino, 0)

    def tag(self, path: Path, project: int, between: Callable[[], None] = lambda: None) -> None:
        for folder, _, files in os.walk(path):
            for name in [*files, ""]:
                self.projects[(Path(folder) / name).stat().st_ino] = project
                between()


class Volume:
    """A mounted volume with its settings; every call of the reconciler is one run."""

    def __init__(self, folder: Path) -> None:
        self.places = Places(root=folder / "homes", etc=folder / "etc", run=folder)
        self.places.settings.parent.mkdir(parents=True)
        self.places.root.mkdir()
        self.kernel: Kernel = FakeKernel()
        self.xfs = FakeXfs(folder, self.places.root)
        self.quota = XfsQuota(self.places.root)
        self.configure()

    def configure(self, default: int = 200 * MIB, **homes: int) -> None:
        self.places.settings.write_text(json.dumps({"default": default, "homes": homes}))

    def request(self, *homes: str) -> None:
        """What the hub does for a new user."""
        for home in homes:
            (self.places.new / home).mkdir()

    def run(self) -> list[str]:
        run = reconcile(self.places, self.kernel, self.quota)
        return run.problems + [f"{path} {reason}" for path, reason in run.homes.items()]

    def homes(self) -> list[str]:
        return sorted(path.name for path in self.places.users.iterdir())

    def project(self, home: str) -> int:
        return self.kernel.project_of(self.places.users / home)

    def limits(self, home: str) -> tuple[int, int]:
        return self.xfs.limits()[self.project(home)]

    def check(self, *homes: str) -> None:
        """Every one of these homes is there, with a project of its own that has the default limit."""
        assert self.homes() == sorted(homes)
        assert list(self.places.new.iterdir()) == []
        projects = [self.project(home) for home in homes]
        assert len(set(projects)) == len(homes)
        assert all(project >= FIRST_ID for project in projects)
        assert [self.limits(home) for home in homes] == [DEFAULT] * len(homes)
        assert (self.places.etc / "projid").read_text().splitlines() == sorted(
            (f"jupyterhub-{home}:{self.project(home)}" for home in homes), key=lambda line: int(line.rpartition(":")[2])
        )
        assert sorted((self.places.etc / "projects").read_text().splitlines()) == sorted(
            f"{self.project(home)}:{self.places.users}/{home}" for home in homes
        )
