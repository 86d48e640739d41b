"""restic with this deployment's repository. Its secrets are read from a file of root's and go into its environment alone."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from storage.tree import is_folder

# The exit status of a backup that made a snapshot of all but some files, which vanished meanwhile or cannot be read.
INCOMPLETE = 3
CONFIG = Path("/etc/jupyterhub-storage/backup.json")
# Puts a program where it can write to nothing but the folder that is named behind it: what a snapshot holds is its users'.
SANDBOX = (
    "systemd-run",
    "--quiet",
    "--collect",
    "--wait",
    "--pipe",
    "--property=PrivateTmp=yes",
    "--property=ProtectSystem=strict",
)


class BackupError(Exception):
    """What the person who asked for a backup or a restore should read."""


class Restic:
    """Calls of restic. The configuration is {"repository", "password", "environment": {…}, "keep": {"daily": 7, …}}."""

    def __init__(self, config: Path = CONFIG) -> None:
        try:
            self.config: dict[str, Any] = json.loads(config.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BackupError("no backup is configured: set `backup` in the stack's settings (docs/operations.md)") from None

    def run(self, *arguments: str) -> str:
        """Run restic and return its output. Raises BackupError with the reason that it gave."""
        return self._run(arguments, ()).stdout

    def back_up(self, *arguments: str) -> str:
        """Take a snapshot; returns what of it could not be read, in words, or an empty text. Raises BackupError."""
        done = self._run(("backup", *arguments), (INCOMPLETE,))
        if done.returncode != INCOMPLETE:
            return ""
        trouble = trouble_in(done.stderr)
        return f"{max(len(trouble), 1)} files could not be read: {(trouble or [done.stderr.strip()[-300:]])[0]}"

    def _run(self, arguments: Sequence[str], also_good: Sequence[int]) -> subprocess.CompletedProcess[str]:
        done = heard(["restic", *arguments], self._environment())
        if done.returncode not in (0, *also_good):
            verb = next(word for word in arguments if not word.startswith("-"))
            raise BackupError(f"restic {verb} failed: {reason(done.stderr)}")
        return done

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "RESTIC_REPOSITORY": self.config["repository"],
            "RESTIC_PASSWORD": self.config["password"],
            "XDG_CACHE_HOME": "/var/cache",
            **self.config["environment"],
        }


def heard(command: Sequence[str], environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program that may tell of any file. Names may hold what is no text, or what makes a terminal do something: in its
    complaints all that stands escaped."""
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", errors="backslashreplace", check=False)
    done.stderr = "".join(
        character if character.isprintable() or character == "\n" else character.encode("unicode_escape").decode()
        for character in done.stderr
    )
    return done


def reason(said: str) -> str:
    """The line that says why restic ended, with the first file that it had trouble with; else the end of all it said."""
    lines = said.splitlines()
    final = [line for line in lines if line.startswith(("Fatal:", "panic:"))][-1:]
    if final and (trouble := trouble_in(said)):
        final.append(f"the first: {trouble[0]}")
    return "; ".join(final) or said.strip()[-600:]


def trouble_in(said: str) -> list[str]:
    """The lines in which restic tells of single files."""
    return [line for line in said.splitlines() if line.startswith(("error:", "ignoring error for"))]


def report(error: BackupError) -> int:
    """Say why, and return the exit status of a failure."""
    print(error, file=sys.stderr)
    return 1


def restore_inside(snapshot: str, folder: str, target: Path) -> None:
    """Restore what is in a folder of a snapshot into `target`, with no way to write anywhere else.

    Raises BackupError; some of it may be there all the same.
    """
    command = [*SANDBOX, f"--property=ReadWritePaths={target}", "jupyterhub-storage", "restic", snapshot, folder, str(target)]
    done = heard(command)
    if done.returncode != 0:
        raise BackupError(f"restoring {folder}: {(done.stderr or done.stdout).strip()[-600:]}")


def main(snapshot: str, folder: str, target: str) -> int:
    """What runs in the sandbox. restic puts the folder below the target with its whole path, from where it is moved up.

    (`snapshot:folder` does without, but comes with restic 0.16 only.)
    """
    whole = Path(target, f".whole-{secrets.token_hex(8)}")  # no name of a file in it
    pattern = re.sub(r"([\\*?\[])", r"\\\1", folder)
    try:
        Restic().run("--no-cache", "--no-lock", "restore", snapshot, "--include", pattern, "--target", str(whole))
    except BackupError as error:
        status = report(error)
    else:
        status = 0
    found = whole / folder.lstrip("/")
    if is_folder(found):
        for entry in found.iterdir():
            entry.rename(Path(target, entry.name))
    elif status == 0:
        status = report(BackupError(f"the snapshot {snapshot} holds no folder {folder}"))
    shutil.rmtree(whole, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
