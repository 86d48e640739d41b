"""storage/hub-homes.sh at work, with real mounts in a mount namespace of its own: only the homes' server is played."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.integration.workspace import ROOT

SERVER, OTHER_SERVER = "10.20.0.9", "10.20.0.10"
# What the server gives is a file system in memory, under the name that the real one's would have.
MOUNT = """#!/bin/sh
if [ -e "{folder}/away" ]; then echo "mount.nfs: Connection refused" >&2; exit 32; fi
echo "$*" >>"{folder}/mounts.log"
{mount} -t tmpfs "$5" "$6" && mkdir "$6/hub"
"""
# The kernel's answer for a volume that is another one by now, for one look.
STAT = """#!/bin/sh
if [ -e "{folder}/stale" ]; then rm "{folder}/stale"; echo "stat: cannot statx '$2': Stale file handle" >&2; exit 1; fi
exec {stat} "$@"
"""


class HomesMount:
    """The script in the namespaces of process `pid`; `folder` is a place for all that it touches.

    `mounts` is what the hub's service is given, `homes` below it where the homes are mounted.
    """

    def __init__(self, folder: Path, pid: int) -> None:
        self._folder, self._pid = folder, pid
        self.refused = ""  # what systemctl fails at
        self._script = folder / "storage" / "hub-homes.sh"
        self.mounts = folder / "nfs"
        self.homes = self.mounts / "homes"
        self._keeping: subprocess.Popen[bytes] | None = None
        for name in ("bin", "etc", "storage", "nfs"):
            (folder / name).mkdir()
        for name in ("hub-homes.sh", "hub-homes.service"):
            shutil.copy(ROOT / "storage" / name, folder / "storage")
        programs = {
            "mount": MOUNT.format(folder=folder, mount=shutil.which("mount")),
            "stat": STAT.format(folder=folder, stat=shutil.which("stat")),
            "systemctl": f'#!/bin/sh\n[ "$1" != "$REFUSED" ] || exit 1\necho "$*" >>"{folder}/systemctl.log"\n',
        }
        for name, text in programs.items():
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)
        # As systemd makes the whole tree of a node.
        self.run("sh", "-c", f"mount -t tmpfs nodes {self.mounts} && mount --make-shared {self.mounts}", tools=False)

    def run(self, *command: str, tools: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command there."""
        return subprocess.run(self._inside(*command), capture_output=True, text=True, check=False, env=self._environment(tools))

    def _inside(self, *command: str) -> list[str]:
        return ["nsenter", f"--target={self._pid}", "--mount", "--pid", *command]

    def _environment(self, tools: bool = True) -> dict[str, str]:
        own = {"ETC": str(self._folder / "etc"), "PAUSE": "0.1", "CALM": "0.1", "PATIENCE": "0", "REFUSED": self.refused}
        return {**os.environ, **own, "PATH": f"{self._folder / 'bin'}:{os.environ['PATH']}" if tools else os.environ["PATH"]}

    def go(self) -> None:
        """From now on the server cannot be mounted from."""
        (self._folder / "away").touch()

    def come(self) -> None:
        """The server can be mounted from."""
        (self._folder / "away").unlink(missing_ok=True)

    def become_stale(self) -> None:
        """What is mounted is of a volume that the server has no more."""
        (self._folder / "stale").touch()

    @property
    def stale(self) -> bool:
        """Whether nobody has met that yet."""
        return (self._folder / "stale").exists()

    def tool(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the script to its end."""
        return self.run(str(self._script), *arguments)

    def install(self, server: str) -> subprocess.CompletedProcess[str]:
        """As the program does at each `up`."""
        return self.tool("install", server, "/srv/homes", str(self.homes), "nfsvers=4.2,softerr")

    def keep(self) -> None:
        """What the unit runs."""
        log = (self._folder / "keep.log").open("ab")
        command = self._inside(str(self._script), "keep")
        self._keeping = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment(), start_new_session=True
        )

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it as systemd does, with all that it has started."""
        if self._keeping is not None and self._keeping.poll() is None:
            # The script first. Not nsenter, which waits for it.
            for pid in descendants(self._keeping.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, how)
            self._keeping.wait(30)

    def mounted(self) -> str:
        """What is mounted as the homes, or an empty text."""
        return self.run("findmnt", "--noheadings", "--output=SOURCE", "--mountpoint", str(self.homes), tools=False).stdout.strip()

    def lines(self, log: str) -> list[str]:
        """Of a log: keep, mounts or systemctl."""
        path = self._folder / f"{log}.log"
        return path.read_text().splitlines() if path.exists() else []


def descendants(pid: int) -> list[int]:
    """The processes that one has started, and those that these have."""
    with suppress(FileNotFoundError):
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return children + [found for child in children for found in descendants(child)]
    return []
