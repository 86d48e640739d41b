"""A host that is not there: shell lines run for real, but the programs that would change a node are scripts that keep a log."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

# Each call is one record: its words end with a unit separator, the call with a record separator.
_LOGGED = """#!/bin/bash
printf '%s\\037' "{name}" "$@" >>'{log}'
printf '\\036' >>'{log}'
{body}
"""

# A daemon that knows images and secrets by files of their names, as far as the lines ask for them.
DOCKER = """
case "$*" in
  "image inspect --format"*) [ -e image ] && echo sha256:1 ;;
  "image inspect"*) [ -e image ] ;;
  "build"*) [ -e broken ] && exit 7; cat >context; touch image; echo a lot of output ;;
  "login"*) cat >/dev/null ;;
  "pull"*) [ -e broken ] && exit 7; touch image ;;
  "secret inspect --format"*) [ -e secret ] && echo secret-id ;;
  "secret inspect"*) [ -e secret ] ;;
  "secret create"*) [ -e broken ] && exit 7; cat >secret; echo secret-id ;;
  "version"*) [ -e broken ] && exit 1; echo 27.0 ;;
  *) echo "unexpected: docker $*" >&2; exit 99 ;;
esac
"""


@dataclass
class FakeHost:
    """Programs by name, in front of (or, with `bare`, instead of) the machine's own; `folder` is a fresh one."""

    folder: Path
    bare: bool = False
    _log: Path = field(init=False)

    def __post_init__(self) -> None:
        self._log = self.folder / "calls"
        self._log.touch()
        (self.folder / "bin").mkdir()
        self.program("sleep")

    def program(self, name: str, body: str = "") -> None:
        """Let `name` be a program with this bash body, started in the host's folder; every call of it is kept."""
        path = self.folder / "bin" / name
        path.write_text(_LOGGED.format(name=name, log=self._log, body=body))
        path.chmod(0o755)

    def keep(self, *names: str) -> None:
        """Let a bare host have these programs of this machine, unlogged."""
        for name in names:
            found = shutil.which(name)
            assert found, f"this machine has no {name}"
            (self.folder / "bin" / name).symlink_to(found)

    def run(self, line: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run the line as sshd would, in the user's bash."""
        path = f"{self.folder / 'bin'}" if self.bare else f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            ["/bin/bash", "-c", line],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=self.folder,
            env={"PATH": path},
        )

    def calls(self, start: str = "") -> list[str]:
        """The calls so far, each as one text, in order; only those that begin with `start`."""
        records = self._log.read_text().split("\036")[:-1]
        lines = [" ".join(record.split("\037")[:-1]) for record in records]
        return [line for line in lines if line.startswith(start)]


def having(host: FakeHost, *names: str) -> FakeHost:
    """The host with these files: what its docker has, or `broken`."""
    for name in names:
        (host.folder / name).touch()
    return host
